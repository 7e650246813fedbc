"""Read the document of a configuration, JSON or YAML, whoever may have written it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from handlers.pipelines.faults import Unusable
from handlers.spec.source import LOADER, scalar

SIZE_BYTES: Final = 1 << 20
DEPTH: Final = 64
VALUES: Final = 100_000
INT64: Final = 1 << 63


def read_document(path: Path) -> dict[str, Any]:
    """Return the object that a file holds; what begins with a brace is JSON, all else YAML.

    Raises:
        Unusable: The file cannot be read, is neither, is too large or too deep, repeats a key, or has YAML's aliases.
    """
    text = read_text(path)
    value = from_json(text) if text.lstrip().startswith("{") else from_yaml(text)
    if not isinstance(value, dict):
        raise Unusable("The configuration is no object.")
    check_size(value)
    return value


def read_text(path: Path) -> str:
    """Return the text of a file, not more than is allowed."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_BYTES + 1)
    except OSError as error:
        raise Unusable(f"The configuration cannot be read: {error.strerror}.") from error
    if len(data) > SIZE_BYTES:
        raise Unusable(f"The configuration has more than {SIZE_BYTES} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable("The configuration is no text in UTF-8.") from error


def from_json(text: str) -> Any:
    """Return what a JSON text says."""
    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise Unusable(f"This is no JSON: {error.msg}, in line {error.lineno}, column {error.colno}.") from error
    except (RecursionError, ValueError) as error:  # the other ValueError is a number of thousands of digits
        raise Unusable("This JSON is too deep, or has a number of too many digits.") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose keys are there once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Unusable(f"The key {twice[:100]!r} stands twice in one object.")
    return found


def no_number(word: str) -> NoReturn:
    """Refuse what is no JSON, though Python reads it."""
    raise Unusable(f"{word} is no number of JSON.")


def from_yaml(text: str) -> Any:
    """Return what a YAML text says."""
    try:
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        where = f", in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Unusable(f"This is no YAML: {error.problem}{where}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Unusable(f"This is no YAML: {str(error)[:200]}.") from error
    return Composed().value(node, 0)


class Composed:
    """Turns the nodes of a YAML text into values."""

    def __init__(self) -> None:
        """Begin with no node seen."""
        self._seen: set[int] = set()

    def value(self, node: yaml.Node | None, depth: int) -> Any:
        """Return the value of a node; one that is there twice is an alias, which can make much of little."""
        if id(node) in self._seen:
            self._refuse(node, "aliases are not allowed")
        if depth > DEPTH:
            self._refuse(node, f"there are more than {DEPTH} levels")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return unique([(self._key(key), self.value(value, depth + 1)) for key, value in node.value])
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        return scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _key(self, node: yaml.Node) -> str:
        """Return a key, which is a text or a number."""
        if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":merge"):
            self._refuse(node, "a key is neither text nor number")
        return str(node.value)

    def _refuse(self, node: yaml.Node | None, words: str) -> NoReturn:
        line = node.start_mark.line + 1 if node is not None else 1
        raise Unusable(f"This YAML cannot be used: {words}, in line {line}.")


def check_size(value: Any) -> None:
    """Let pass a value that is neither too large nor too deep, and has only numbers that can be written again.

    Raises:
        Unusable: It is not.
    """
    count, level = 0, [value]
    for _ in range(DEPTH + 1):
        count += len(level)
        if count > VALUES:
            raise Unusable(f"The configuration has more than {VALUES} values.")
        for one in level:
            if isinstance(one, float) and not math.isfinite(one):
                raise Unusable("The configuration has a number that is not finite.")
            if isinstance(one, int) and not -INT64 <= one < INT64:
                raise Unusable("The configuration has a whole number of more than 64 bits.")
        level = [inner for one in level for inner in inner_values(one)]
        if not level:
            return
    raise Unusable(f"The configuration has more than {DEPTH} levels.")


def inner_values(value: Any) -> list[Any]:
    """Return what a value is made of."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
