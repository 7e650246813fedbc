"""Whether the inputs that the owner of a model declares are those that a file of it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.models.features import listed


def difference(declared: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> str:
    """Return in words how an `input_schema` differs from what a file takes; nothing where it fits, or nobody knows.

    An owner may call all inputs otherwise, which then go by their order. Where some names are the file's own, the
    others are mistakes.

    Args:
        declared: The inputs as the owner knows them.
        known: What loading the file has shown.
    """
    features = known.get("features")
    if not declared or features is None:
        return ""
    names, own = [one["name"] for one in declared], [one["name"] for one in features]
    shared = set(names) & set(own) if known.get("named") else set()
    if not shared:
        return "" if len(names) == len(own) else f"It has {len(names)} inputs, and the file takes {count_of(known)}."
    unknown = [name for name in names if name not in shared]
    missing = [one["name"] for one in features if one["name"] not in shared and not one.get("optional")]
    words = [f"The file has no input {listed(unknown)}."] if unknown else []
    words += [f"It lacks {listed(missing)}."] if missing else []
    return " ".join(words)


def count_of(known: Mapping[str, Any]) -> str:
    """Return how many inputs a file takes, and their names where these are its own."""
    features = known["features"]
    names = f": {listed([one['name'] for one in features])}" if known.get("named") else ""
    return f"{len(features)}{names}"
