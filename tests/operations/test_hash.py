"""The operation `hash`."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.errors import InputInvalid
from handlers.operations import hash as operation
from handlers.operations.values import AssetFile


def test_hash_gives_the_digest_that_the_ecosystem_computes():
    """`abcd` has the SHA3-256 digest that DEP-15 and its Python client give."""
    outputs = operation.run("abcd")

    assert {"hash_val": "6f6f129471590d2c91804c812b5750cd44cbdfb7238541c451e1ea2bc0193177"} == outputs


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_is_hashed_by_its_utf8_bytes(text):
    """Whatever the text, the digest is that of its UTF-8 bytes."""
    assert hashlib.sha3_256(text.encode("utf-8")).hexdigest() == operation.run(text)["hash_val"]


def test_an_asset_is_hashed_by_its_bytes(tmp_path):
    """The digest of the asset stands beside that of the text."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"\x00\x01" * 1000)
    asset = AssetFile(did="did", name="model.bin", content_type="", path=path, size=2000)

    outputs = operation.run("", asset)

    assert hashlib.sha3_256(path.read_bytes()).hexdigest() == outputs["saved_model_hash_val"]


def test_a_text_without_utf8_form_is_refused_with_its_place():
    """Half of a surrogate pair is no character, and the fault says where it stands."""
    with pytest.raises(InputInvalid) as caught:
        operation.run("ok \ud800")

    assert ["/to_hash"] == [fault.place for fault in caught.value.faults]
