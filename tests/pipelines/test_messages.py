"""What a web process and the host of a pipeline say to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.models.frames import framed
from handlers.pipelines import messages

HEADS = st.dictionaries(st.text(), st.integers(-(2**63), 2**63 - 1) | st.text() | st.none() | st.booleans())
BODIES = st.lists(st.binary(max_size=50), max_size=5)


@given(HEADS, BODIES)
def test_what_is_packed_is_unpacked(head, bodies):
    """Head and bodies come back as they were, each body by its size."""
    found, body = messages.unpack(messages.pack(head, *bodies))

    assert head == found
    assert bodies == [bytes(piece) for piece in messages.split(body, [len(one) for one in bodies])]


@given(st.binary(max_size=60))
def test_what_is_no_message_is_refused(data):
    """Whatever bytes come, they are a message or a ValueError, and nothing else."""
    try:
        head, body = messages.unpack(data)
    except ValueError:
        return
    assert isinstance(head, dict)
    assert len(body) <= len(data) - messages.LENGTH.size


def test_a_message_that_is_cut_short_is_refused():
    """No beginning of a message's head is one; a head has to be an object."""
    message = messages.pack({"a": 1})
    for end in range(len(message)):
        with pytest.raises(ValueError):  # noqa: PT011 - of JSON, or of ours
            messages.unpack(message[:end])
    with pytest.raises(ValueError, match="no object"):
        messages.unpack(messages.LENGTH.pack(2) + b"[]")


@pytest.mark.parametrize("sizes", [[], [1], [2, 2], [4, -1], [3, 1]])
def test_pieces_have_to_be_all_of_the_bytes(sizes):
    """Sizes that are other than the bytes, or negative, cut nothing."""
    with pytest.raises(ValueError, match="not as many"):
        messages.split(memoryview(b"abc"), sizes)


def test_the_most_that_is_taken_can_be_sent():
    """Bytes up to the bound fit into one frame, with a head beside them."""
    message = messages.pack({"parts": [["x" * 1000, messages.ROOM_BYTES]]}, bytes(messages.ROOM_BYTES))

    assert len(message) + 4 == len(framed(message))
