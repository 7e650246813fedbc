"""Texts become what schemas want."""

from __future__ import annotations

import pytest

from handlers.gateway.coercion import coercion

BOOLEAN, INTEGER, STRING = ({"type": kind} for kind in ("boolean", "integer", "string"))


@pytest.mark.parametrize(
    ("alternatives", "text", "value"),
    [
        ([BOOLEAN, INTEGER], "true", True),
        ([BOOLEAN, INTEGER], "1", 1),
        ([BOOLEAN, INTEGER], "x", "x"),
        ([INTEGER, BOOLEAN], "False", False),
        ([INTEGER, STRING], "7", 7),
        ([STRING, INTEGER], "7", "7"),
        ([{"type": "object"}, INTEGER], "7", "7"),
        ([INTEGER, {}], "x", "x"),
    ],
)
def test_of_several_types_the_first_counts_that_the_text_spells(alternatives, text, value):
    """Whatever it spells, any text is a string."""
    found = coercion({"anyOf": alternatives}, lambda node: node)(text)

    assert (type(value), value) == (type(found), found)
