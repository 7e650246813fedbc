"""Arrays of all types that are sent, of any shape and layout, for tests with Hypothesis."""

from __future__ import annotations

import numpy
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

TYPES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")
LAYOUTS = {
    "C": lambda array: array,
    "F": numpy.asfortranarray,
    "every other": lambda array: array.repeat(2, axis=0)[::2] if array.ndim else array,
    "backwards": lambda array: array[::-1] if array.ndim else array,
    "other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
}

some_arrays = st.builds(
    lambda array, layout: LAYOUTS[layout](array),
    arrays.arrays(st.sampled_from(TYPES), arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)),
    st.sampled_from(sorted(LAYOUTS)),
)


def same(expected, actual):
    """See that an array that was read is the one that was written, and is fit for a step to work in."""
    numpy.testing.assert_array_equal(expected, actual, strict=False)
    assert expected.shape == actual.shape
    assert expected.dtype.newbyteorder("=") == actual.dtype
    assert actual.flags.writeable
    assert actual.flags.aligned
    assert actual.flags.owndata or actual.base.flags.owndata
