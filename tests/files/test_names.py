"""Names and parts of files."""

from __future__ import annotations

import re

import pytest

from handlers.files.names import attachment, of_disposition, of_url, safe
from handlers.files.ranges import Span, Wanted, wanted


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("a.csv", "", "a.csv"),
        ("../../etc/passwd", "", "passwd"),
        ("C:\\x\\y z.txt", "", "y_z.txt"),
        ('a"; filename=b\r\nX: y', "text/csv", "a_filename_b_X_y.csv"),
        (".bashrc", "text/plain; charset=utf-8", "bashrc.txt"),
        ("", "", "file"),
        ("ä€.csv", "", "csv"),
        ("x" * 500 + ".csv", "", "x" * 146 + ".csv"),
    ],
)
def test_a_name_is_safe(name, kind, expected):
    """One segment of plain ASCII, so that clients which read it to the line's end write where they should."""
    assert expected == safe(name, kind)
    assert [expected] == re.findall("attachment;filename=(.+)", attachment(safe(name, kind)))


def test_names_are_found_where_servers_write_them():
    """In both forms of the header, and in the path, never in the query."""
    assert "a b.csv" == of_disposition('attachment; filename="a b.csv"')
    assert "a.csv" == of_disposition("attachment;filename=a.csv")
    assert "ü.csv" == of_disposition("attachment; filename=x; filename*=UTF-8''%C3%BC.csv")
    assert "a.csv" == of_url("https://example.com/x/a.csv?token=secret")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", Wanted(0, 9)),
        ("bytes=5-", Wanted(5)),
        ("bytes=-5", Wanted(suffix=5)),
        ("Bytes = 0-0", Wanted(0, 0)),
        ("bytes=9-0", None),
        ("bytes=0-1,3-4", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("items=0-9", None),
        ("", None),
        ("bytes=0-" + "9" * 40, None),
    ],
)
def test_a_range_is_read_or_ignored(header, expected):
    """What is no single range is ignored, as the RFC allows."""
    assert expected == wanted(header)


def test_a_range_ends_with_the_file():
    """Beyond it there is nothing."""
    assert [Span(0, 10), Span(3, 10), Span(7, 10), Span(0, 10)] == [
        part.within(10) for part in (Wanted(0, 99), Wanted(3), Wanted(suffix=3), Wanted(suffix=30))
    ]
    assert "bytes 3-9/10" == Wanted(3).within(10).as_header(10)
