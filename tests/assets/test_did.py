"""Identifiers of assets."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.assets.did import canonical, new_did
from handlers.errors import AssetNotFound

HEX = st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)


@given(HEX)
def test_all_spellings_name_the_same_asset(digits):
    """`did:op:` and bare hex with 0x, in any case, are one asset."""
    assert {"did:op:" + digits.lower()} == {canonical("did:op:" + digits), canonical("0x" + digits)}


@given(st.text())
def test_what_is_no_did_is_an_asset_that_is_not_there(text):
    """Whatever is sent as a DID is either one or a 404, never another error."""
    with contextlib.suppress(AssetNotFound):
        assert canonical(text).startswith("did:op:")


def test_new_dids_are_canonical_and_differ():
    """A new DID is its own canonical spelling."""
    first, second = new_did(), new_did()

    assert first == canonical(first)
    assert first != second


@pytest.mark.parametrize("did", ["did:op:" + "a" * 64 + "\n", "did:op:0x" + "a" * 64, "did:dep:" + "a" * 64, ""])
def test_near_misses_are_not_dids(did):
    """A line end, a doubled prefix or another method is not forgiven."""
    with pytest.raises(AssetNotFound):
        canonical(did)
