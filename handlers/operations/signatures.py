"""Does a function take what its spec lets through?"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from handlers.operations.values import AssetFile
from handlers.spec.shape import follow

GIVEN: Final = frozenset({"report", "directory"})  #: what a function gets beside its inputs, if it asks for it
KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (float,),
    "boolean": (bool,),
    "array": (list, Sequence),
    "object": (dict, Mapping),
}
#: Annotations that are compared; any other may mean more than can be told from it.
COMPARED: Final = frozenset({AssetFile, *(kind for kinds in KINDS.values() for kind in kinds)})

Schema = Mapping[str, Any]


def disagreements(function: Callable[..., Any], inputs: Schema, document: Schema) -> list[str]:
    """Return in words where a function could not be called with what its spec lets through.

    Args:
        function: Called with the inputs by keyword.
        inputs: The schema `Inputs`.
        document: The bundled document that the schema is in.
    """
    parameters = inspect.signature(function).parameters
    wanted = {argument(name): follow(document, schema) for name, schema in inputs.get("properties", {}).items()}
    required = {argument(name) for name in inputs.get("required", ())}
    takes = set(parameters) - GIVEN
    needs = {name for name in takes if parameters[name].default is inspect.Parameter.empty}
    found = [f"it does not take {name}" for name in sorted(wanted.keys() - takes)]
    found += [f"it takes {name}, which is no input" for name in sorted(takes - wanted.keys())]
    found += [f"it needs {name}, which may be missing" for name in sorted(needs & wanted.keys() - required)]
    hints = hints_of(function)
    return found + [words for name in sorted(hints.keys() & wanted.keys()) if (words := misfit(name, hints, wanted))]


def argument(name: str) -> str:
    """Return the name of an input as a name of a parameter."""
    return name.replace("-", "_")


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a function; none if one of them names what is imported for type checkers alone."""
    try:
        return typing.get_type_hints(function)
    except NameError:
        return {}


def misfit(name: str, hints: Mapping[str, Any], wanted: Mapping[str, Schema]) -> str:
    """Return in words how an annotation contradicts the schema of its input; nothing if it does not."""
    schema, hint = wanted[name], hints[name]
    kinds = (AssetFile,) if schema.get("x-asset") else KINDS.get(schema.get("type", ""), ())
    found = {typing.get_origin(one) or one for one in variants(hint)}
    if not kinds or found & set(kinds) or not found <= COMPARED | {types.NoneType}:
        return ""
    words = "an asset" if schema.get("x-asset") else f"of type {schema['type']}"
    return f"{name} is {words}, and no {inspect.formatannotation(hint)}"


def variants(hint: Any) -> tuple[Any, ...]:
    """Return the parts of a union; another annotation is its only part."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
