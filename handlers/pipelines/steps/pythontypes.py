"""Between the values of a pipeline and the variables of somebody's Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy
import orjson

from handlers.models.coercions import as_bool, as_float, as_int, as_str
from handlers.pipelines.faults import Refused
from handlers.pipelines.flow import array_of
from handlers.pipelines.values import Array


def as_variable(value: Any, kind: str) -> Any:
    """Return a value as a variable of a type, as PythonConfig calls it.

    Raises:
        ValueError: It cannot be; the words say what is wanted.
    """
    return MAKERS[kind](plain(value) if kind != "NDARRAY" else value)


def plain(value: Any) -> Any:
    """Return a value of NumPy as one of Python; an array of one element as that element."""
    if isinstance(value, numpy.generic):
        return value.item()
    if isinstance(value, numpy.ndarray):
        return value.item() if value.ndim == 0 else value.tolist()
    return value


def single(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what makes a single value, also of lists that hold but one."""

    def made(value: Any) -> Any:
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None or isinstance(value, list | dict):
            raise ValueError("a single value")
        return make(value)

    return made


def as_ndarray(value: Any) -> Array:
    """Return an array."""
    if value is None or isinstance(value, dict | str):
        raise ValueError("an array")
    try:
        return array_of(value, "")
    except Refused:
        raise ValueError("an array of values of one type") from None


def as_list(value: Any) -> list[Any]:
    """Return a list."""
    if isinstance(value, list | tuple):
        return list(value)
    raise ValueError("a list")


def as_dict(value: Any) -> dict[str, Any]:
    """Return an object; also of its text in JSON."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError("an object, or its text in JSON") from None
    if not isinstance(value, dict):
        raise ValueError("an object")
    return value


MAKERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "BOOL": single(as_bool),
    "STR": single(as_str),
    "INT": single(as_int),
    "FLOAT": single(as_float),
    "NDARRAY": as_ndarray,
    "LIST": as_list,
    "DICT": as_dict,
}


def kind_of(value: Any) -> str | None:
    """Return the type of a variable for which none is said; None: it is nothing that can be answered."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        ((bool, numpy.bool_), "BOOL"),
        ((int, numpy.integer), "INT"),
        ((float, numpy.floating), "FLOAT"),
        (str, "STR"),
        (numpy.ndarray, "NDARRAY"),
        ((list, tuple), "LIST"),
        (dict, "DICT"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), None)
