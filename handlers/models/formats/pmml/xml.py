"""Read XML that strangers have written: no document type, so no entities and nothing from elsewhere, no great depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from handlers.models.formats.base import CannotLoad

DEPTH: Final = 300


def read_xml(path: Path) -> Element:
    """Return the root of an XML file; names are without their namespaces.

    Raises:
        CannotLoad: It is not well formed, has a document type, or is nested too deep.
    """
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            raise CannotLoad("The XML is nested too deep.")
        builder.start(local(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(local(name))

    def refuse(*_declared: Any) -> None:
        raise CannotLoad("The file has a DOCTYPE, which is refused.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise CannotLoad(f"The file is not well-formed XML: {error}.") from error
    root: Element = builder.close()
    return root


def local(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


def number(element: Element, name: str, default: float | None = None) -> float:
    """Return a numeric attribute.

    Raises:
        CannotLoad: It is absent without a default, or no number.
    """
    text = element.get(name)
    if text is None and default is not None:
        return default
    try:
        return float(text or "")
    except ValueError:
        raise CannotLoad(f"<{element.tag}> needs a number for {name}, and has {str(text)[:50]!r}.") from None


def required(element: Element, name: str) -> str:
    """Return an attribute.

    Raises:
        CannotLoad: It is absent.
    """
    found = element.get(name)
    if found is None:
        raise CannotLoad(f"<{element.tag}> has no {name}.")
    return found


def child(element: Element, name: str) -> Element:
    """Return the first child with a name.

    Raises:
        CannotLoad: There is none.
    """
    found = element.find(name)
    if found is None:
        raise CannotLoad(f"<{element.tag}> has no <{name}>.")
    return found
