"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

GAP: Final = 2  #: characters between two columns
LEAST: Final = 10  #: characters that are left of a column that is cut
WIDTH: Final = 80  #: characters of a line where nobody says how many there are

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


def show_json(value: Any) -> None:
    """Write *value* as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_table(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, none: str, cut: str | None = None
) -> None:
    """Write *rows* as a table.

    Args:
        columns: Headings by the names of the members.
        rows: One line each.
        none: What to say where there are none.
        cut: The member that is cut where a line is longer than the terminal's; else lines are as long as they are.
    """
    if not rows:
        click.echo(none)
        return
    lines = [list(columns.values()), *([text(row.get(name)) for name in columns] for row in rows)]
    if cut is not None:
        lines = fitted(lines, list(columns).index(cut), shutil.get_terminal_size((WIDTH, 0)).columns)
    for line in table(lines[0], lines[1:]):
        click.echo(line)


def fitted(lines: Sequence[Sequence[str]], place: int, most: int) -> list[list[str]]:
    """Return the lines of a table so that none is longer than *most* characters.

    The column at *place* is cut; where less than `LEAST` would be left of it, the last columns are left out before.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    least = min(LEAST, widths[place])
    while (room := most - line_width(widths) + widths[place]) < least and len(widths) > place + 1:
        widths.pop()
    room = max(room, least)
    return [
        [shortened(cell, room) if at == place else cell for at, cell in enumerate(line[: len(widths)])]
        for line in lines
    ]


def line_width(widths: Sequence[int]) -> int:
    """Return how many characters columns have together."""
    return sum(widths) + GAP * (len(widths) - 1)


def shortened(words: str, most: int) -> str:
    """Return words cut to so many characters; the last one tells that more were there."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    lines, gap = [headings, *rows], " " * GAP
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [gap.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def show_members(value: Mapping[str, Any]) -> None:
    """Write one thing, a member a line."""
    width = max(map(len, value))
    for name, member in value.items():
        click.echo(f"{printable(name.replace('_', ' ')).ljust(width)}  {text(member)}".rstrip())


def text(value: Any) -> str:
    """Return a value as a cell: times to the second, lists with commas, objects as JSON."""
    return printable(words_of(value))


def printable(words: str) -> str:
    """Return words without what a terminal obeys: names may be a stranger's."""
    return "".join(character if character.isprintable() else "?" for character in words)


def words_of(value: Any) -> str:
    """Return a value in words."""
    match value:
        case None:
            return ""
        case str() if len(value) > 19 and value.endswith(("Z", "+00:00")) and value[10] == "T":
            return f"{value[:10]} {value[11:19]}"
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
