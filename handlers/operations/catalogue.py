"""Which operations there are: the spec says what each takes and gives, a module beside this one does it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.errors import OperationNotFound
from handlers.operations.folder import package_of
from handlers.operations.signatures import disagreements
from handlers.spec.documents import Api
from handlers.spec.shape import follow

PREFIX = "invoke/"


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
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  #: its spec, bundled

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
    schemas = api.document.get("components", {}).get("schemas", {})
    if not {"Inputs", "Outputs"} <= schemas.keys():
        raise CatalogueError(f"The spec of the operation {name} has no schemas `Inputs` and `Outputs`.")
    inputs, outputs = schemas["Inputs"], schemas["Outputs"]
    package = package_of(api.folder) if api.folder else "handlers.operations"
    operation = Operation(
        name=name,
        module=f"{package}.{name.replace('-', '_')}",
        asset_inputs=assets_of(inputs, api.document),
        asset_outputs=assets_of(outputs, api.document),
        outputs=frozenset(outputs.get("required", ())),
        document=api.document,
    )
    check_function(operation, api)
    return operation


def assets_of(schema: Mapping[str, Any], document: Mapping[str, Any]) -> frozenset[str]:
    """Return the properties that are references to assets."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    return frozenset(name for name, value in properties.items() if follow(document, value).get("x-asset"))


def check_function(operation: Operation, api: Api) -> None:
    """Refuse a function that could not be called with what its spec lets through.

    Raises:
        CatalogueError: It is missing, misses an input, or wants one that the spec does not require.
    """
    spec = f"{api.folder or 'specs/invoke'}/{operation.name}.yaml"
    found = disagreements(find_function(operation, spec), api.document["components"]["schemas"]["Inputs"], api.document)
    if found:
        raise CatalogueError(f"{operation.module}.run does not agree with {spec}: {'; '.join(found)}.")


def find_function(operation: Operation, spec: str) -> Callable[..., Mapping[str, Any]]:
    """Return the function of an operation.

    Raises:
        CatalogueError: There is none, or its module cannot be imported.
    """
    try:
        return operation.function()
    except AttributeError as error:
        raise CatalogueError(f"{operation.module} has no function `run` for {spec}.") from error
    except ModuleNotFoundError as error:
        if error.name != operation.module:
            raise CatalogueError(f"{operation.module} cannot be imported: {error}.") from error
        raise CatalogueError(f"There is no module {operation.module} for {spec}.") from error
    except Exception as error:
        # Whatever a module does when it is imported, the server tells whose it is, and does not start.
        raise CatalogueError(f"{operation.module} cannot be imported: {type(error).__name__}: {error}.") from error
