"""Sealed files, against eciespy and against the layout taken apart by hand."""

import hashlib
import hmac
import json

import ecies
import pytest
from coincurve import PublicKey
from Crypto.Cipher import AES
from hypothesis import given
from hypothesis import strategies as st

from handlers.errors import InputInvalid, SealInvalid
from handlers.files.sealed import document_of, files_of, seal, unseal
from handlers.keys import Key, new_key

KEY = Key(bytes.fromhex("11" * 32))
FILES = [{"url": "https://example.com/a.csv", "index": 0, "contentType": "text/csv"}]
COMPACT = b'[{"url":"https://example.com/a.csv","index":0,"contentType":"text/csv"}]'


def by_hand(secret, data):
    """Decrypt as the layout is described: point, nonce, tag, ciphertext."""
    ephemeral, nonce, tag, ciphertext = data[:65], data[65:81], data[81:97], data[97:]
    shared = PublicKey(ephemeral).multiply(secret).format(compressed=False)
    extracted = hmac.digest(bytes(32), ephemeral + shared, hashlib.sha256)
    key = hmac.digest(extracted, b"\x01", hashlib.sha256)
    return AES.new(key, AES.MODE_GCM, nonce=nonce).decrypt_and_verify(ciphertext, tag)


def test_eciespy_opens_what_we_seal():
    """The reference's library reads our files with its defaults, and finds compact JSON."""
    sealed = seal(FILES, KEY)

    assert sealed.startswith("0x04")
    assert COMPACT == ecies.decrypt(KEY.secret, bytes.fromhex(sealed[2:]))


def test_we_open_what_eciespy_seals():
    """What the reference has sealed for a key can be moved here with the key."""
    sealed = ecies.encrypt("0x" + KEY.public.hex(), COMPACT).hex()

    assert FILES == unseal("0x" + sealed, [KEY])
    assert FILES == unseal(sealed, [KEY])
    assert FILES == unseal(json.dumps({"encryptedDocument": "0x" + sealed}), [KEY])


def test_the_layout_is_the_one_that_is_described():
    """65 bytes of a public key, 16 of a nonce, 16 of a tag; the key by HKDF-SHA256."""
    assert COMPACT == by_hand(KEY.secret, bytes.fromhex(seal(FILES, KEY)[2:]))


def test_what_others_set_as_eciespys_default_does_not_matter(monkeypatch):
    """The layout is fixed here, and not in a module that anybody may change."""
    monkeypatch.setattr(ecies.ECIES_CONFIG, "is_ephemeral_key_compressed", True)
    monkeypatch.setattr(ecies.ECIES_CONFIG, "symmetric_algorithm", "xchacha20")

    assert COMPACT == by_hand(KEY.secret, bytes.fromhex(seal(FILES, KEY)[2:]))


def test_older_keys_still_open():
    """After a rotation both what is new and what is old can be read."""
    old, new = new_key(), new_key()

    assert FILES == unseal(seal(FILES, old), [new, old])
    assert FILES == unseal(seal(FILES, new), [new, old])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters()), lambda one: st.lists(one, max_size=3)
    )
)
def test_any_document_comes_back(document):
    """Whatever is sealed, lone surrogates and all, is opened as it was."""
    assert document == unseal(seal(document, KEY), [KEY])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda sealed: sealed[:-2], id="cut off"),
        pytest.param(lambda sealed: sealed[:-2] + f"{int(sealed[-2:], 16) ^ 1:02x}", id="one bit"),
        pytest.param(lambda sealed: "0x04" + "00" * 64 + sealed[132:], id="no point"),
        pytest.param(lambda sealed: "0x05" + sealed[4:], id="no form of a point"),
        pytest.param(lambda sealed: sealed[:150], id="short"),
        pytest.param(lambda sealed: "", id="nothing"),
        pytest.param(lambda sealed: "0xzz", id="not hexadecimal"),
        pytest.param(lambda sealed: "{", id="no JSON"),
        pytest.param(lambda sealed: "{}", id="no member"),
        pytest.param(lambda sealed: "[" * 10_000, id="deep"),
        pytest.param(lambda sealed: seal(FILES, new_key()), id="for somebody else"),
    ],
)
def test_what_cannot_be_opened_is_refused_without_details(change):
    """Damage and other people's files end in the same problem, which holds nothing of what was inside."""
    with pytest.raises(SealInvalid) as caught:
        unseal(change(seal(FILES, KEY)), [KEY])

    assert "example.com" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('[{"url": "https://a", "index": 0}]', [{"url": "https://a", "index": 0}]),
        ([{"url": "https://a"}], [{"url": "https://a"}]),
        ('[{index:0, url:""}, {index:1, url:""}]', [{"index": 0, "url": ""}, {"index": 1, "url": ""}]),
        ('[{url: "{a: 1, b: \\"x\\"}", "c": {d : 2}}]', [{"url": '{a: 1, b: "x"}', "c": {"d": 2}}]),
    ],
)
def test_documents_are_read_as_clients_and_the_contract_write_them(given, expected):
    """JSON text, a JSON value, and names without quotes, but never inside of texts."""
    assert expected == document_of(given)


@pytest.mark.parametrize("given", ["", "a.csv", "[{index:}]", "{'a': 1}", "[" * 100_000])
def test_what_is_no_document_is_a_problem(given):
    """Anything else is the client's fault."""
    with pytest.raises(InputInvalid, match="no JSON"):
        document_of(given)


@pytest.mark.parametrize("document", [None, {}, "x", [1], [{"index": 0}], [{"url": ""}]])
def test_what_is_no_list_of_files_cannot_be_served(document):
    """Each file has a URL."""
    with pytest.raises(SealInvalid, match="no list of files"):
        files_of(document)
