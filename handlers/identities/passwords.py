"""Passwords: what is kept of them, and how they come with a request.

scrypt makes 64 bytes of a password and a salt. The first half is kept, to know the password by. The second half is
kept nowhere: from it come the secrets of the tokens that the password opens, so that whoever has the password is told
them again, and whoever has the database is not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from handlers.errors import Unauthorized

SALT_BYTES: Final = 16
COST: Final = 2**14  # with 8 and 1 below: 16 MiB and some 40 ms for each try
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Seamark", charset="UTF-8"'}


@dataclass(frozen=True)
class Derived:
    """What scrypt made of a password."""

    verifier: bytes
    seed: bytes = field(repr=False)

    def token(self, token_id: str) -> str:
        """Return the secret part of the token with this id."""
        mac = hmac.digest(self.seed, token_id.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def new_salt() -> bytes:
    """Return a salt that nobody has."""
    return secrets.token_bytes(SALT_BYTES)


def derive(password: str, salt: bytes) -> Derived:
    """Return what scrypt (RFC 7914) makes of a password; slow on purpose."""
    made = hashlib.scrypt(password.encode(errors="surrogatepass"), salt=salt, n=COST, r=8, p=1, dklen=64)
    return Derived(made[:32], made[32:])


def credentials(header: str) -> tuple[str, str]:
    """Return the name and the password of an Authorization header (RFC 7617).

    Clients send UTF-8, or Latin-1 without saying so; what is no UTF-8 is taken for the latter.

    Raises:
        Unauthorized: There are none.
    """
    word, _, rest = header.partition(" ")
    try:
        data = base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    name, colon, password = text.partition(":")
    if word.lower() != "basic" or not colon or not name:
        raise Unauthorized("A name and a password are needed.", headers=CHALLENGE)
    return name, password
