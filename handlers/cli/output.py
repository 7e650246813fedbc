"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


def show_json(value: Any) -> None:
    """Write *value* as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, none: str) -> None:
    """Write *rows* as a table.

    Args:
        columns: Headings by the names of the members.
        rows: One line each.
        none: What to say where there are none.
    """
    if not rows:
        click.echo(none)
        return
    for line in table(list(columns.values()), [[text(row.get(name)) for name in columns] for row in rows]):
        click.echo(line)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [headings, *rows]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def show_members(value: Mapping[str, Any]) -> None:
    """Write one thing, a member a line."""
    width = max(map(len, value))
    for name, member in value.items():
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {text(member)}".rstrip())


def text(value: Any) -> str:
    """Return a value as a cell: times to the second, lists with commas, objects as JSON."""
    match value:
        case None:
            return ""
        case str() if len(value) > 19 and value.endswith("Z") and value[10] == "T":
            return f"{value[:10]} {value[11:19]}"
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return "".join(character if character.isprintable() else "?" for character in str(value))


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
