"""What a host says of its model, taken as what a stranger says: a pickle may have put words into its mouth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

MOST_BYTES: Final = 8 << 20
MOST_FEATURES: Final = 100_000
NAME_CHARACTERS: Final = 1024
TYPE_CHARACTERS: Final = 256
FLAGS: Final = ("named", "invented")


class Implausible(Exception):
    """It is not what a host of ours would say."""


def plausible(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is understood of *said*, each member of its kind.

    Raises:
        Implausible: It is too much, or something is of another kind.
    """
    try:
        if len(orjson.dumps(said)) > MOST_BYTES:
            raise Implausible
    except TypeError as error:  # nested too deep
        raise Implausible from error
    known: dict[str, Any] = {"kind": text(said.get("kind", "other"), TYPE_CHARACTERS)}
    known |= {flag: said.get(flag) is True for flag in FLAGS}
    if said.get("features") is not None:
        known["features"] = [feature(one) for one in listed(said["features"])]
    if said.get("input_schema") is not None:
        known["input_schema"] = [ordered(one) for one in listed(said["input_schema"])]
    if isinstance(said.get("output_schema"), dict):
        known["output_schema"] = said["output_schema"]
    if said.get("writer"):
        known["writer"] = text(said["writer"], TYPE_CHARACTERS)
    if said.get("name"):
        known["name"] = text(said["name"], NAME_CHARACTERS)
    return known


def listed(value: Any) -> Sequence[Any]:
    """Return a list that is not too long."""
    if not isinstance(value, list) or len(value) > MOST_FEATURES:
        raise Implausible
    return value


def feature(value: Any) -> dict[str, Any]:
    """Return one input of a model."""
    if not isinstance(value, dict):
        raise Implausible
    found: dict[str, Any] = {
        "name": text(value.get("name"), NAME_CHARACTERS),
        "type": text(value.get("type"), TYPE_CHARACTERS),
    }
    return found | ({"optional": True} if value.get("optional") is True else {})


def ordered(value: Any) -> dict[str, Any]:
    """Return one input with its place."""
    found = feature(value)
    order = value.get("order")
    if not isinstance(order, int) or isinstance(order, bool) or not 0 <= order < MOST_FEATURES:
        raise Implausible
    return {"name": found["name"], "order": order, "type": found["type"]}


def text(value: Any, most: int) -> str:
    """Return a text that can be stored, not too long."""
    if not isinstance(value, str) or "\0" in value:
        raise Implausible
    return value[:most]
