"""Places of faults, as whoever sent the request sees them."""

from __future__ import annotations

import pytest

from handlers.pipelines.places import place_in_request


@pytest.mark.parametrize(
    ("place", "comes", "names", "body", "expected"),
    [
        ("/0/a", "JSON", ["x"], b'{"a":1}', "/a"),
        ("/0", "JSON", ["x"], b'{"a":1}', ""),
        ("/1/a~1b", "JSON", ["x"], b'[{"a/b":1}]', "/1/a~1b"),
        ("x", "JSON", ["x"], b'{"a":1}', ""),
        ("x", "JSON", ["x", "y"], b'{"x":1}', "/x"),
        ("x", "JSON", ["x", "y"], b'[{"x":1}]', ""),
        ("", "JSON", ["x"], b"[]", ""),
        ("/0/a", "SCHEMA", ["x/y"], b"{}", "/values/x~1y/a"),
        ("/0/a", "SCHEMA", ["x", "y"], b"{}", "/values"),
        ("/schema/x", "SCHEMA", ["x"], b"{}", "/schema/x"),
        ("x", "SCHEMA", ["x"], b"{}", "/values/x"),
        ("/1/a", "ARROW", ["x"], b"", "/x"),
        ("/1/a", "ARROW", ["x", "y"], b"", ""),
        ("x[1]", "NUMPY", ["x"], b"", "/x[1]"),
        ("/x", "NUMPY", ["/x"], b"", "/~1x"),
        ("", "NUMPY", ["x"], b"", ""),
    ],
)
def test_a_place_is_one_in_what_was_sent(place, comes, names, body, expected):
    """Rows and inputs are what a request becomes; a body that is a row has no rows, and a file no columns."""
    assert expected == place_in_request(place, comes, names, memoryview(body))
