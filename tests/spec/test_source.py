"""YAML is read as JSON values, with the line of each."""

from __future__ import annotations

import pytest

from handlers.spec import source
from handlers.spec.findings import SpecError
from handlers.spec.source import read_source
from tests.spec.conftest import Write


def test_values_are_those_of_yaml_1_2(write: Write) -> None:
    """Only what JSON has is anything but text, and every key is text."""
    path = write(
        """\
        200: {on: off, at: 12:30, day: 2020-01-31, yes: true}
        numbers: [1, -2.5, 1e3, "1", 0123, .5]
        nothing: [~, null, ]
        text: |
          12
        """
    )

    value = read_source(path).value

    assert {"on": "off", "at": "12:30", "day": "2020-01-31", "yes": True} == value["200"]
    assert [1, -2.5, "1", 123, 0.5] == [value["numbers"][place] for place in (0, 1, 3, 4, 5)]
    assert [None, None] == value["nothing"]
    assert "12\n" == value["text"]


def test_each_value_knows_its_line(write: Write) -> None:
    """The line of a value is that of its key; a place that is not there has the line of what is around it."""
    read = read_source(write("a:\n  b/c:\n    - 1\n    - 2\n"))

    assert 2 == read.line("/a/b~1c")
    assert 4 == read.line("/a/b~1c/1")
    assert 4 == read.line("/a/b~1c/1/nowhere")


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate-key"),
        ("a: 1\n'200': 2\n200: 3\n", 3, "duplicate-key"),
        ("a: 1\nb: [1\n", 3, "yaml"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", 3, "key"),
        ("a: 1\n? [1, 2]\n: 3\n", 2, "key"),
        ("a: &a [*a]\n", 1, "too-large"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(write: Write, text: str, line: int, rule: str) -> None:
    """A file that is no plain YAML is refused with the line that is wrong."""
    path = write("")
    path.write_text(text)

    with pytest.raises(SpecError) as caught:
        read_source(path)

    assert (path, line, rule) == (caught.value.finding.file, caught.value.finding.line, caught.value.finding.rule)


def test_aliases_cannot_blow_up(write: Write) -> None:
    """Nine lists of nine aliases each do not become a billion values."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    path = write("\n".join(levels))

    with pytest.raises(SpecError, match="too many"):
        read_source(path)


def test_a_huge_file_is_not_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the limit is refused by its size."""
    monkeypatch.setattr(source, "SIZE_LIMIT", 10)

    with pytest.raises(SpecError, match="10 is the most"):
        read_source(write("a: 1234567890\n"))
