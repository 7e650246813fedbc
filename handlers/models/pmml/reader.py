"""From bytes to elements: expat, bounded in all that a hostile file can make large."""

from __future__ import annotations

from typing import Any, Final
from xml.parsers import expat

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import Unreadable

ELEMENTS: Final = 3_000_000
DEPTH: Final = 5_000  #: of nodes of trees, which are walked without recursion
NESTED: Final = 100  #: of all other elements in each other
ATTRIBUTE_CHARACTERS: Final = 1 << 16
#: Elements that tell of a model, and nothing of what it says; what is in them is not looked at.
ABOUT: Final = frozenset(
    {"Extension", "Header", "MiningBuildTask", "ModelStats", "ModelExplanation", "ModelVerification", "Partition"}
)


def read(data: bytes) -> Element:
    """Return the root of a document.

    Raises:
        Unreadable: It is no XML, has a DOCTYPE, is too large or too deep, or its root is no PMML.
    """
    builder = Builder()
    parser = builder.parser
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Unreadable(f"Line {error.lineno}: the file is no XML: {expat.ErrorString(error.code)}.") from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know, or that is none
        raise Unreadable(f"The file is no XML: {error}") from error
    root = builder.root
    if root is None or root.tag != "PMML":
        raise Unreadable(f"The root is {root.tag[:100] if root else 'missing'}, not PMML.")
    return root


class Builder:
    """Makes elements of what expat tells; comments and instructions are left out."""

    def __init__(self) -> None:
        """Begin with an empty document."""
        self.root: Element | None = None
        self.parser: Any = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.ordered_attributes = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.EntityDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._nested = 0
        self._skipped = 0
        self._count = 0

    def _refuse_doctype(self, *_: Any) -> None:
        """Refuse a document type: entities could grow without end, or fetch what is elsewhere."""
        raise Unreadable(f"Line {self.parser.CurrentLineNumber}: a PMML file may not have a DOCTYPE or entities.")

    def _start(self, name: str, given: list[str]) -> None:
        """Open an element."""
        namespace, _, tag = name.rpartition(" ")
        line = self.parser.CurrentLineNumber
        self._count += 1
        if self._skipped or tag in ABOUT or (self._open and not known_namespace(namespace)):
            self._skipped += 1
            self._bound(line)
            return
        pairs = zip(given[::2], given[1::2], strict=True)
        attributes = {key: value for key, value in pairs if " " not in key}
        element = Element(tag, attributes, line)
        self._nested += tag != "Node"
        self._bound(line)
        if any(len(value) > ATTRIBUTE_CHARACTERS for value in attributes.values()):
            raise Unreadable(f"Line {line}, {tag[:100]}: an attribute is too long.")
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def _bound(self, line: int) -> None:
        """Refuse a document that is too large or too deep."""
        if self._count > ELEMENTS:
            raise Unreadable(f"Line {line}: the file has more than {ELEMENTS} elements.")
        if len(self._open) > DEPTH or self._nested > NESTED or self._skipped > DEPTH:
            raise Unreadable(f"Line {line}: the elements are nested too deeply.")

    def _end(self, _name: str) -> None:
        """Close an element."""
        if self._skipped:
            self._skipped -= 1
            return
        element = self._open.pop()
        element.text = "".join(self._texts.pop())
        self._nested -= element.tag != "Node"

    def _text(self, text: str) -> None:
        """Take in text."""
        if self._open and not self._skipped:
            self._texts[-1].append(text)


def known_namespace(namespace: str) -> bool:
    """Tell whether elements of a namespace belong to the model: PMML's own, or none."""
    return not namespace or namespace.startswith("http://www.dmg.org/PMML")
