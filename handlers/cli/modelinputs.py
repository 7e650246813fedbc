"""The inputs of a model on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import click


def inputs_of(model: Mapping[str, Any]) -> str:
    """Return what a model takes, in words."""
    return ", ".join(f"{feature['name']}:{feature['type']}" for feature in model.get("input_schema") or ())


def refuse(word: str) -> NoReturn:
    """Refuse NaN and the infinite, which Python reads and JSON does not have."""
    raise ValueError(f"{word} is no JSON")


def read_input(pair: str) -> tuple[str, Any]:
    """Return an input of the command line; what is JSON is read as that, all else is text.

    Raises:
        UsageError: It has no name.
    """
    name, equals, text = pair.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{pair!r} is not NAME=VALUE.")
    try:
        return name, json.loads(text, parse_constant=refuse)
    except ValueError:
        return name, text


def read_inputs(file: Any) -> dict[str, Any]:
    """Return the inputs that a file holds; none where there is no file.

    Raises:
        UsageError: It holds something else.
    """
    if file is None:
        return {}
    try:
        found = json.load(file, parse_constant=refuse)
    except ValueError as error:
        raise click.UsageError(f"--from holds no JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.UsageError("--from has to hold an object: names and values.")
    return found
