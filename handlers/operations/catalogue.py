"""Which operations there are: the spec says what each takes and gives, a module beside this one does it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.errors import OperationNotFound
from handlers.spec.documents import Api

PREFIX = "invoke/"
GIVEN = frozenset({"report", "directory"})  #: what a function gets beside its inputs, if it asks for it


class CatalogueError(Exception):
    """An operation's function and its spec do not agree; the server does not start."""


@dataclass(frozen=True)
class Operation:
    """Something that can be invoked."""

    name: str
    module: str
    asset_inputs: frozenset[str]
    asset_outputs: frozenset[str]
    outputs: frozenset[str]  #: those that must be there

    def function(self) -> Callable[..., Mapping[str, Any]]:
        """Return the function that does it."""
        found: Callable[..., Mapping[str, Any]] = importlib.import_module(self.module).run
        return found

    def preload(self) -> tuple[str, ...]:
        """Return the modules that a process should import before the first call."""
        return (self.module, *getattr(importlib.import_module(self.module), "PRELOAD", ()))


class Catalogue:
    """The operations of this server by name."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Hold *operations*."""
        self.operations = {operation.name: operation for operation in operations}

    def read(self, name: str) -> Operation:
        """Return an operation.

        Raises:
            OperationNotFound: There is no such operation.
        """
        if name not in self.operations:
            raise OperationNotFound(f"There is no operation {name[:100]!r}.")
        return self.operations[name]

    def preload(self) -> list[str]:
        """Return the modules that all operations need."""
        return list(dict.fromkeys(name for operation in self.operations.values() for name in operation.preload()))


def catalogue_of(apis: Iterable[Api]) -> Catalogue:
    """Return the operations that the documents of *apis* describe.

    Raises:
        CatalogueError: A function is missing, or takes other inputs than its spec.
    """
    return Catalogue(operation_of(api) for api in apis if api.name.startswith(PREFIX))


def operation_of(api: Api) -> Operation:
    """Return the operation that a document describes, checked against its function."""
    name = api.name.removeprefix(PREFIX)
    schemas = api.document["components"]["schemas"]
    inputs, outputs = schemas["Inputs"], schemas["Outputs"]
    operation = Operation(
        name=name,
        module=f"handlers.operations.{name.replace('-', '_')}",
        asset_inputs=assets_of(inputs, api.document),
        asset_outputs=assets_of(outputs, api.document),
        outputs=frozenset(outputs.get("required", ())),
    )
    check_signature(operation, inputs)
    return operation


def assets_of(schema: Mapping[str, Any], document: Mapping[str, Any]) -> frozenset[str]:
    """Return the properties that are references to assets."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    return frozenset(name for name, value in properties.items() if resolved(value, document).get("x-asset"))


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a local `$ref`."""
    while "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        schema = target
    return schema


def check_signature(operation: Operation, inputs: Mapping[str, Any]) -> None:
    """Refuse a function that could not be called with what its spec lets through.

    Raises:
        CatalogueError: It is missing, misses an input, or wants one that the spec does not require.
    """
    try:
        parameters = inspect.signature(operation.function()).parameters
    except (ImportError, AttributeError) as error:
        raise CatalogueError(f"{operation.module} has no function `run` for the operation {operation.name}.") from error
    wanted = {argument(name): name for name in inputs.get("properties", {})}
    required = {argument(name) for name in inputs.get("required", ())}
    takes = set(parameters) - GIVEN
    needs = {name for name in takes if parameters[name].default is inspect.Parameter.empty}
    if takes != set(wanted) or not needs <= required:
        raise CatalogueError(
            f"{operation.module}.run takes {sorted(takes)} and needs {sorted(needs)}; "
            f"specs/invoke/{operation.name}.yaml has the inputs {sorted(wanted)} and requires {sorted(required)}."
        )


def argument(name: str) -> str:
    """Return the name of an input as a name of a parameter."""
    return name.replace("-", "_")
