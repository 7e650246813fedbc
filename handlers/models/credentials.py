"""What other servers want to see before they answer: told once, sealed at once, and never told again.

What is sealed names the server that it was given for; for another one it does not open.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from handlers.errors import Fault, InputInvalid, KeyUnavailable, SealInvalid
from handlers.files.remote import origin_of, parse
from handlers.files.sealed import seal, unseal
from handlers.keys import Keys

Headers = Mapping[str, str]

NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token of RFC 9110
VALUE: Final = re.compile(r"[!-~](?:[ -~]{0,8190}[!-~])?")
WORD: Final = re.compile(r"[!-~]{1,8192}")
#: Headers that say how a request is sent, and not who sends it.
OURS: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "keep-alive"),
        *("te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via"),
    }
)
PIECE: Final = 8  #: characters of a credential that nobody's words have by chance


class Safe:
    """Seals credentials with this server's key, and opens them when they are sent."""

    def __init__(self, keys: Keys) -> None:
        """Use *keys*, which are read when first needed."""
        self._keys = keys

    def seal(self, given: Mapping[str, Any], url: str) -> str:
        """Return credentials for the server at *url*, so that only this server can read them.

        Raises:
            InputInvalid: They cannot be sent.
            KeyUnavailable: This server has no key.
        """
        return seal({"origin": origin(url), "headers": headers_in(given)}, self._keys.current)

    def open(self, sealed: str | None, url: str) -> Headers:
        """Return the headers to send to the server at *url*; none where nothing was sealed.

        Raises:
            KeyUnavailable: They were sealed with a key that this server does not have, or for another server.
        """
        if sealed is None:
            return {}
        try:
            found = unseal(sealed, self._keys.all)
        except SealInvalid:
            found = None
        if not isinstance(found, dict) or found.get("origin") != origin(url):
            raise KeyUnavailable(
                "The credentials for the other server do not open with this server's keys; give them again."
            )
        return dict(found["headers"])


def origin(url: str) -> list[Any]:
    """Return the server of a URL, as it is sealed: scheme, host and port."""
    return list(origin_of(parse(url)))


def headers_in(given: Mapping[str, Any]) -> dict[str, str]:
    """Return credentials as the headers of a request.

    Raises:
        InputInvalid: One cannot be sent; what it holds is not repeated.
    """
    if faults := list(faults_of(given)):
        raise InputInvalid(faults=faults)
    found = dict(given.get("headers", {}))
    if "token" in given:
        found["Authorization"] = f"Bearer {given['token']}"
    if "username" in given:
        pair = f"{given['username']}:{given['password']}".encode()
        found["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    return found


def faults_of(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Give what is wrong with credentials."""
    headers = given.get("headers", {})
    names = [name.lower() for name in headers]
    ways = ("token" in given) + ("username" in given or "password" in given) + names.count("authorization")
    if not given or ways > 1 or len(set(names)) < len(names):
        yield fault("", "One of token, username with password, and headers is needed, and each header once.")
    if ("username" in given) != ("password" in given) or ":" in given.get("username", ""):
        yield fault("/username", "It is needed together with the password, and may hold no colon.")
    if "token" in given and WORD.fullmatch(given["token"]) is None:
        yield fault("/token", "It has to be one word of ASCII.")
    for name, value in headers.items():
        if NAME.fullmatch(name) is None or name.lower() in OURS or name.lower().startswith("proxy-"):
            yield fault(f"/headers/{name[:100].replace('~', '~0').replace('/', '~1')}", "It may not be a header.")
        elif VALUE.fullmatch(value) is None:
            yield fault(f"/headers/{name.replace('~', '~0')}", "It has to be one line of ASCII.")


def fault(place: str, words: str) -> Fault:
    """Return what is wrong at a place in credentials."""
    return Fault("body", f"/credentials{place}", words)


def repeated(words: str, shown: Headers) -> bool:
    """Tell whether the words of another server hold a credential that it was shown, or a good part of one.

    Servers answer with the request that they did not understand.
    """
    pieces = {words[at : at + PIECE] for at in range(len(words) - PIECE + 1)}
    secrets = [secret for header in shown.values() for secret in secrets_in(header)]
    return any(secret in words or any(piece in secret for piece in pieces) for secret in secrets)


def secrets_in(header: str) -> Iterator[str]:
    """Give what nobody else may read of a header: the whole, what follows the scheme, what Basic encodes."""
    scheme, _, rest = header.partition(" ")
    yield header
    if rest:
        yield rest
    if scheme.lower() == "basic":
        with suppress(ValueError):  # somebody's own header need not be encoded
            pair = base64.b64decode(rest, validate=True).decode(errors="replace")
            yield from (part for part in (pair, pair.partition(":")[2]) if part)
