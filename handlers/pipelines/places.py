"""Where in a request a fault is: what refuses a value knows its row and column, or the input, and not what was sent."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.pipelines.checks import pointer
from handlers.pipelines.words import JSON, SCHEMA


def place_in_request(place: str, comes: str, names: Sequence[str], body: memoryview) -> str:
    """Return the place of a fault as whoever sent the request sees it.

    Args:
        place: A JSON pointer into the rows of an input, `/1/speed`; or a name of an input or of a part.
        comes: What was sent: JSON, SCHEMA, or the format of files.
        names: Of the pipeline's inputs.
        body: What was sent, all of it.

    Returns:
        A pointer into the body; for files into the form, whose members are its parts. Empty: it is not known.
    """
    in_rows = place[:1] == "/" and place not in names
    if comes == JSON:
        columns_only = place in names and len(names) == 1  # rows of the only input have its columns, and not its name
        return "" if columns_only else place_in_json(place, in_rows, bytes(body[:1]) == b"{")
    if comes == SCHEMA:
        return place_in_values(place, in_rows, names)
    part = place if not in_rows else names[0] if len(names) == 1 else ""
    return pointer("", part) if part else ""


def place_in_json(place: str, in_rows: bool, is_row: bool) -> str:
    """Return a place in rows of JSON, or in the only row if that is what was sent."""
    if in_rows:
        return place.removeprefix("/0") if is_row else place
    return pointer("", place) if place and is_row else ""


def place_in_values(place: str, in_rows: bool, names: Sequence[str]) -> str:
    """Return a place in values that bring their schema, of which each input has one row."""
    if place.startswith(("/schema", "/values")):
        return place
    if in_rows:
        return f"{pointer('/values', names[0])}{place.removeprefix('/0')}" if len(names) == 1 else "/values"
    return pointer("/values", place) if place in names else ""
