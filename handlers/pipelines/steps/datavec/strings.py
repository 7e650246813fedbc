"""Actions on texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.actions import Compile, Do, Unfit, as_java, each, of_text, there
from handlers.pipelines.steps.datavec.columns import once
from handlers.pipelines.steps.datavec.schema import Column, Row, Schema

GROUP: Final = re.compile(r"\\(.)|\$(\d)")
MOST_TEXT: Final = 1 << 20  #: characters that an action may make


def on_text(make: Callable[[Node], Callable[[str], str]], column: str = "columnName") -> Compile:
    """Return an action that puts another text into one column; *column* is the member that names it."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        place = schema.place(node, column)
        return schema.changed(place, kind="String"), each(place, of_text(make(node)))

    return compile_it


def append(node: Node) -> Callable[[str], str]:
    """Put a text behind."""
    more = node.text("toAppend")
    return lambda text: bounded(text + more)


def case(node: Node) -> Callable[[str], str]:
    """Make letters large or small."""
    return str.upper if node.word("caseType", ("LOWER", "UPPER"), "LOWER") == "UPPER" else str.lower


def no_space(_node: Node) -> Callable[[str], str]:
    """Leave out white space, wherever it is."""
    return lambda text: re.sub(r"\s", "", text)


def mapped(node: Node) -> Callable[[str], str]:
    """Put other texts in the place of whole texts."""
    texts = node.texts_by_name("map")
    return lambda text: texts.get(text, text)


def replaced(node: Node) -> Callable[[str], str]:
    """Put other texts in the place of what regular expressions find, one after the other."""
    rules = [
        (pattern_in(node.at("map"), pattern, name=pattern), in_python(text))
        for pattern, text in node.texts_by_name("map").items()
    ]

    def make(text: str) -> str:
        for pattern, with_what in rules:
            try:
                text = bounded(pattern.sub(with_what, text))
            except (re.error, IndexError):
                raise Unfit("the text that is put in names a group that is not there") from None
        return text

    return make


def except_list(node: Node) -> Callable[[str], str]:
    """Put one text in the place of all but some."""
    kept, new = frozenset(node.texts("exceptions")), node.text("newValue")
    return lambda text: text if text in kept else new


def replace_empty(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a text in the place of an empty one, or of null."""
    place, value = schema.place(node, "columnName"), node.text("value")
    return schema.changed(place, kind="String"), each(place, lambda old: value if old in (None, "") else as_java(old))


def to_string(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Make texts of values."""
    place = schema.place(node, "columnName")
    return schema.changed(place, kind="String"), each(place, of_text(str))


def concatenate(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Add a column with the texts of others."""
    places, between = schema.places(node, "columnsToConcatenate"), node.text("delimiter")
    column = Column(node.needed("newColumnName"), "String")

    def do(row: Row) -> Row:
        return [*row, bounded(between.join(as_java(there(row[place])) for place in places))]

    return once((*schema.columns, column), node), do


def pattern_in(node: Node, text: str, *, name: str) -> re.Pattern[str]:
    """Return a regular expression of a configuration; *name* is the member in which it stands."""
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        node.stop(f"This is no regular expression: {str(error)[:200]}.", name)


def in_python(text: str) -> str:
    """Return what Java puts in the place of what was found, as Python writes it."""
    out, end = [], 0
    for match in GROUP.finditer(text):
        out.append(text[end : match.start()].replace("\\", r"\\"))
        out.append(match[1].replace("\\", r"\\") if match[1] is not None else rf"\g<{match[2]}>")
        end = match.end()
    return "".join([*out, text[end:].replace("\\", r"\\")])


def bounded(text: str) -> str:
    """Return a text that is not too long."""
    if len(text) > MOST_TEXT:
        raise Unfit(f"a text of more than {MOST_TEXT} characters would come of it")
    return text


ACTIONS: Final[Mapping[str, Compile]] = {
    "AppendStringColumnTransform": on_text(append),
    "ChangeCaseStringTransform": on_text(case, "column"),
    "ConcatenateStringColumns": concatenate,
    "ConvertToString": to_string,
    "ConvertToStringTransform": to_string,
    "MapAllStringsExceptListTransform": on_text(except_list),
    "RemoveWhiteSpaceTransform": on_text(no_space),
    "ReplaceEmptyStringTransform": replace_empty,
    "ReplaceStringTransform": on_text(replaced),
    "StringMapTransform": on_text(mapped),
}
