"""A function that could not be called with what its spec lets through is found before anything is served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.operations.signatures import disagreements
from handlers.operations.values import AssetFile, Report

ASSET = {"x-asset": True, "type": "object"}
INPUTS = {
    "required": ["text", "data-set"],
    "properties": {
        "text": {"type": "string"},
        "data-set": {"$ref": "#/components/schemas/Asset"},
        "top": {"type": "integer"},
    },
}
DOCUMENT = {"components": {"schemas": {"Asset": ASSET}}}


def agrees(text: str, data_set: AssetFile, top: int = 3, *, directory: Path, report: Report) -> None:
    """Take what the spec gives, and what every function may have."""


def untyped(text, data_set, top=3):
    """Say nothing of types."""


def wider(text: str | bytes, data_set: AssetFile | None, top: float | None = None) -> None:
    """Take more than is given."""


def narrower(text: str, data_set: AssetFile) -> None:
    """Miss an input."""


def more(text: str, data_set: AssetFile, why: str, top: int = 3) -> None:
    """Want what nobody gives."""


def sure(text: str, data_set: AssetFile, top: int) -> None:
    """Want what may be missing."""


def number(text: int, data_set: AssetFile, top: int = 3) -> None:
    """Take a text for a number."""


def plain(text: str, data_set: dict[str, Any], top: int = 3) -> None:
    """Take an asset for an object."""


@pytest.mark.parametrize("function", [agrees, untyped, wider])
def test_what_agrees_is_no_news(function: Callable[..., object]) -> None:
    """Types that are wider, or not said, agree."""
    assert [] == disagreements(function, INPUTS, DOCUMENT)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (narrower, "it does not take top"),
        (more, "it takes why, which is no input"),
        (sure, "it needs top, which may be missing"),
        (number, "text is of type string, and no int"),
        (plain, "data_set is an asset, and no dict[str, typing.Any]"),
    ],
)
def test_what_does_not_is_told(function: Callable[..., object], words: str) -> None:
    """Each is said once."""
    assert [words] == disagreements(function, INPUTS, DOCUMENT)
