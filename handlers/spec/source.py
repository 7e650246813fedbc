"""Read a YAML file into plain JSON values, and remember the line of each.

YAML is read as 1.2 has it, not as PyYAML does by default: `on`, `12:30` and `2020-01-01` are texts, and every key is a
text, so an unquoted 200 is the status "200".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from handlers.spec.findings import Finding, SpecError

SIZE_LIMIT = 4 << 20  # bytes
VALUE_LIMIT = 250_000  # values, each use of an alias counted anew
DEPTH_LIMIT = 100

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
INTEGER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}


@dataclass
class Source:
    """One YAML file: its value, and the line of each value by JSON Pointer."""

    path: Path
    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, pointer: str) -> int:
        """Return the line of the value at *pointer*, or of the nearest one around it."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)

    def fail(self, pointer: str, rule: str, message: str, mend: str) -> NoReturn:
        """Give up on this file because of the value at *pointer*."""
        raise SpecError(Finding(self.path, self.line(pointer), rule, message, mend))


def escape(key: str) -> str:
    """Return *key* as one step of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(step: str) -> str:
    """Return the key that a step of a JSON Pointer stands for."""
    return step.replace("~1", "/").replace("~0", "~")


def read_source(path: Path) -> Source:
    """Return what is in the YAML file *path*; its value is not to be changed, since a file is read once.

    Raises:
        SpecError: The file cannot be read, is no YAML, repeats a key, or is beyond the limits.
    """
    path = path.resolve()
    try:
        status = path.stat()
    except OSError as error:
        raise SpecError(Finding(path, 1, "unreadable", f"The file cannot be read: {error.strerror}.", "")) from error
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _read(path: Path, _changed_ns: int, size: int) -> Source:
    source = Source(path)
    if size > SIZE_LIMIT:
        source.fail("", "too-large", f"The file has {size} bytes; {SIZE_LIMIT} is the most.", "Split it.")
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(Finding(path, line, "yaml", f"This is not YAML: {error.problem}.", "")) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SpecError(Finding(path, 1, "yaml", f"This is not YAML: {error}.", "Save it as UTF-8.")) from error
    source.value = _Reader(source).value(node, "", 0)
    return source


class _Reader:
    """Turns the nodes of one file into values."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0

    def value(self, node: yaml.Node | None, pointer: str, depth: int) -> Any:
        """Return the value of *node*; the node of an alias is shared, so its uses count each time."""
        self.count += 1
        if depth > DEPTH_LIMIT or self.count > VALUE_LIMIT:
            self.source.fail(pointer, "too-large", "The values are too many or too deep.", "Split the file.")
        if node is not None:
            self.source.lines.setdefault(pointer, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, pointer, depth)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.value(item, f"{pointer}/{place}", depth + 1) for place, item in items]
        return scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def mapping(self, node: yaml.MappingNode, pointer: str, depth: int) -> dict[str, Any]:
        """Return a mapping whose keys are all texts."""
        result: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                self.fail(line, "key", "A key is neither text nor number.", "OpenAPI has no merge keys: use $ref.")
            if key.value in result:
                self.fail(line, "duplicate-key", f"The key {key.value!r} stands here twice.", "Remove one of them.")
            place = f"{pointer}/{escape(key.value)}"
            self.source.lines.setdefault(place, line)
            result[key.value] = self.value(value, place, depth + 1)
        return result

    def fail(self, line: int, rule: str, message: str, mend: str) -> NoReturn:
        raise SpecError(Finding(self.source.path, line, rule, message, mend))


def scalar(node: yaml.ScalarNode) -> Any:
    """Return the value of a plain scalar by the core schema of YAML 1.2; a quoted one is text."""
    text: str = node.value
    if node.style:
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text
