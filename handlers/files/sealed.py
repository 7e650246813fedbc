"""Sealed files: the list of an asset's files, with their URLs, that only the provider can read.

The list is written as compact JSON in ASCII and encrypted with ECIES for the provider's own public key, in the layout
of eciespy: 65 bytes of a public key made for this once, 16 of a nonce, 16 of a tag, then AES-256-GCM; the key is
HKDF-SHA256 of that public key and the shared point, both uncompressed. DDOs carry it in hexadecimal, with 0x.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from handlers.errors import InputInvalid, SealInvalid
from handlers.keys import Key

if TYPE_CHECKING:
    from ecies.config import Config

LEAST_BYTES: Final = 65 + 16 + 16
LIMIT_CHARACTERS: Final = 8 << 20
#: A name without quotes in an object, outside of texts; texts are matched first, so that nothing in them is.
BARE_NAME: Final = re.compile(r'("(?:[^"\\]|\\.)*")|([{,]\s*)([A-Za-z_$][\w$]*)(?=\s*:)')


def seal(document: Any, key: Key) -> str:
    """Return a JSON value, encrypted so that only who has *key* can read it."""
    import ecies

    plain = json.dumps(document, separators=(",", ":")).encode("ascii")
    return "0x" + ecies.encrypt(key.public, plain, layout()).hex()


def unseal(sealed: str, keys: Iterable[Key]) -> Any:
    """Return the JSON value that was sealed for one of *keys*.

    Args:
        sealed: Hexadecimal text, with 0x or without, or what `encrypt` answered as JSON text.
        keys: Tried one after the other.

    Raises:
        SealInvalid: It is not sealed, or for somebody else; nothing of what is inside is said.
    """
    data = data_of(sealed)
    plain = next((found for key in keys if (found := opened(data, key)) is not None), None)
    if plain is None:
        raise SealInvalid("The files of this asset were sealed for another provider, or are damaged.")
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        raise SealInvalid("What was sealed is no JSON.") from None


def data_of(sealed: str) -> bytes:
    """Return the bytes that a sealed text stands for.

    Raises:
        SealInvalid: It stands for none.
    """
    text = sealed.strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text)["encryptedDocument"])
        except (ValueError, LookupError, RecursionError):
            raise SealInvalid("The sealed text is no JSON with `encryptedDocument`.") from None
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise SealInvalid("The sealed text is not hexadecimal.") from None
    if len(data) < LEAST_BYTES:
        raise SealInvalid("The sealed text is too short.")
    return data


def opened(data: bytes, key: Key) -> bytes | None:
    """Return what was sealed for *key*; None: it was not, or is damaged."""
    import ecies

    try:
        return ecies.decrypt(key.secret, data, layout())
    except ValueError:
        return None


def layout() -> Config:
    """Return the layout, which does not depend on what others set as eciespy's default."""
    from ecies.config import Config

    return Config(
        elliptic_curve="secp256k1",
        is_ephemeral_key_compressed=False,
        is_hkdf_key_compressed=False,
        symmetric_algorithm="aes-256-gcm",
        symmetric_nonce_length=16,
    )


def document_of(given: Any) -> Any:
    """Return the list of files that somebody wants sealed: a JSON value, or one as text.

    Names without quotes are taken, too: the contract's own example has them.

    Raises:
        InputInvalid: It is neither.
    """
    if not isinstance(given, str):
        return given
    if len(given) > LIMIT_CHARACTERS:
        raise InputInvalid("The document is too long.")
    for text in (given, quoted(given)):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            continue
    raise InputInvalid("The document is no JSON.")


def quoted(text: str) -> str:
    """Return *text* with quotes around the names of members that have none."""
    return BARE_NAME.sub(lambda found: found[1] or f'{found[2]}"{found[3]}"', text)


def files_of(document: Any) -> Sequence[dict[str, Any]]:
    """Return the files of an unsealed list.

    Raises:
        SealInvalid: It is no list of files.
    """
    if not isinstance(document, list) or not all(isinstance(one, dict) and one.get("url") for one in document):
        raise SealInvalid("What was sealed is no list of files, each with its URL.")
    return document
