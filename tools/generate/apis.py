"""The specs, read once for all that is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from handlers.spec.bundle import Bundle, make_bundle
from handlers.spec.findings import Finding, SpecError
from handlers.spec.names import module_name
from tools.generate.operations import Operation, read_operations
from tools.generate.schemas import Schemas


@dataclass(frozen=True)
class Api:
    """One spec: bundled, with its types and its operations."""

    name: str  #: "provider", or "invoke/hash" for an operation
    bundle: Bundle

    @property
    def document(self) -> dict[str, Any]:
        """The bundled document."""
        return self.bundle.document

    @property
    def source(self) -> str:
        """The spec as people know it."""
        return f"specs/{self.name}.yaml"

    @property
    def is_invoked(self) -> bool:
        """Whether this is the spec of an operation, served by `handlers.invoke`."""
        return self.name.startswith("invoke/")

    @cached_property
    def schemas(self) -> Schemas:
        """The schemas, those without a name of their own once `operations` was asked for."""
        return Schemas(self.document)

    @cached_property
    def operations(self) -> list[Operation]:
        """The operations in the order of the document."""
        return read_operations(self.document, self.schemas)


def find_specs(specs: Path) -> dict[str, Path]:
    """Return the specs by the name of their API; what begins with an underscore is shared by others."""
    paths = [*specs.glob("*.yaml"), *specs.glob("invoke/*.yaml")]
    found = {path.relative_to(specs).with_suffix("").as_posix(): path for path in paths if path.name[0] != "_"}
    return dict(sorted(found.items()))


def read_apis(specs: Path) -> list[Api]:
    """Return what is in the folder *specs*.

    Raises:
        SpecError: A spec cannot be bundled, or two have names that differ in a hyphen only.
    """
    found = find_specs(specs)
    seen: dict[str, str] = {}
    for name, path in found.items():
        first = seen.setdefault(module_name(name), name)
        if first != name:
            words = f"{name} and {first} would be one module."
            raise SpecError(Finding(path, 1, "module", words, "Rename one of them."))
    return [Api(name, make_bundle(path, specs)) for name, path in found.items()]
