"""What is told of an operation to those who look for one: its metadata in the words of DEP 6."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.operations.catalogue import Catalogue, Operation
from handlers.spec.shape import follow

MODES: Final[Mapping[str, str]] = {"sync": "/invokesync", "async": "/invokeasync"}


@dataclass(frozen=True)
class Description:
    """The metadata of an operation: a text, and its hash, which is the operation's id."""

    operation: str
    metadata: Mapping[str, Any]
    text: str
    id: str  #: SHA3-256 of the text's UTF-8 bytes

    @property
    def modes(self) -> tuple[str, ...]:
        """The ways in which the operation can be invoked, `sync` and `async`."""
        return tuple(self.metadata["operation"]["modes"])


class Descriptions:
    """The operations of a catalogue, by name and by id."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Describe all of *catalogue*."""
        self.by_name = {name: describe(operation) for name, operation in catalogue.operations.items()}
        self.by_id = {description.id: description for description in self.by_name.values()}

    def find(self, word: str) -> Description | None:
        """Return the operation that has *word* for its name or its id, in any case and with 0x or without."""
        return self.by_name.get(word) or self.by_id.get(word.lower().removeprefix("0x"))


def describe(operation: Operation) -> Description:
    """Return the metadata of an operation; the same spec always gives the same text."""
    document = operation.document
    info = document.get("info", {})
    metadata = {
        "name": operation.name,
        "type": "operation",
        "description": " ".join(str(info.get("description", info.get("title", ""))).split()),
        "version": info.get("version", ""),
        "operation": {
            "modes": [mode for mode, path in MODES.items() if path in document.get("paths", {})],
            "inputs": parameters(document, "Inputs", operation.asset_inputs),
            "outputs": parameters(document, "Outputs", operation.asset_outputs),
        },
    }
    text = json.dumps(metadata)
    return Description(operation.name, metadata, text, hashlib.sha3_256(text.encode()).hexdigest())


def parameters(document: Mapping[str, Any], schema: str, assets: frozenset[str]) -> dict[str, Any]:
    """Return the inputs or the outputs of an operation by name, with what each is and where it stands."""
    found = follow(document, document["components"]["schemas"][schema])
    required = found.get("required", ())
    return {
        name: {"type": "asset" if name in assets else "json", "position": position, "required": name in required}
        for position, name in enumerate(found.get("properties", {}))
    }
