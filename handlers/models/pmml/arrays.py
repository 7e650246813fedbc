"""Arrays and tables that are written into a file. Source: PMML 4.4, General Structure, "Array"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from handlers.models.pmml.elements import Element, as_number
from handlers.models.pmml.errors import wrong

WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
ESCAPED: Final = re.compile(r"\\(.)")


def words_in(element: Element) -> list[str]:
    """Return what an Array holds, as texts; in quotes there may be spaces, and quotes after a backslash."""
    if element.get("type", "string") != "string":
        found = element.text.split()
    else:
        matches = WORD.finditer(element.text)
        found = [word[2] if word[1] is None else ESCAPED.sub(r"\1", word[1]) for word in matches]
    if "n" in element.attributes and element.number("n") != len(found):
        raise wrong(element, f"n={element.get('n')[:20]}, but there are {len(found)} values.")
    return found


def numbers_in(element: Element) -> list[float]:
    """Return what an Array of numbers holds.

    Raises:
        Unreadable: One is no number.
    """
    if element.tag == "REAL-SparseArray":
        return sparse(element)
    return [as_number(element, word) for word in words_in(element)]


def sparse(element: Element) -> list[float]:
    """Return what a sparse array of numbers holds, the places that are left out as well."""
    count, default = int(element.number("n")), element.number("defaultValue", 0.0)
    if not 0 <= count <= 1_000_000:
        raise wrong(element, "There are too many places.")
    found = [default] * count
    indices, entries = element.first("Indices"), element.first("REAL-Entries")
    if indices is None or entries is None:
        return found
    for index, entry in zip(indices.text.split(), entries.text.split(), strict=False):
        place = int(as_number(indices, index))
        if not 1 <= place <= count:
            raise wrong(indices, f"There is no place {place}.")
        found[place - 1] = as_number(entries, entry)
    return found


def rows_in(element: Element) -> list[Mapping[str, str]]:
    """Return the rows of an InlineTable, each with texts by the names of its columns."""
    element.only("row")
    return [{cell.tag: cell.text for cell in row.children} for row in element.children]
