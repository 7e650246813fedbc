"""Accounts: who may log in with a password or an Ethereum key, and the tokens that a login opens."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select
from sqlalchemy.exc import IntegrityError

from handlers.errors import Conflict, Fault, InputInvalid, NotFound, Unauthorized
from handlers.identities.passwords import CHALLENGE, Derived, derive, new_salt
from handlers.identities.signatures import checksummed, signer_of
from handlers.identities.tables import AccountRow, ChallengeRow
from handlers.identities.throttle import Throttle
from handlers.identities.tokens import PREFIX, SCOPES, Tokens
from handlers.settings import Settings
from handlers.storage.sql import Database, now

TABLE: Final = AccountRow.metadata.tables[AccountRow.__tablename__]
ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
CHALLENGE_LIFE: Final = timedelta(minutes=5)
FAILURES: Final = 10  # for one name, from one address, in a minute
FAILURES_ANYWHERE: Final = 50  # from one address, in a minute
KNOWN_S: Final = 60.0  # how long a password that was right need not be tried again
KNOWN: Final = 1000  # passwords of which that is remembered
KEPT: Final = timedelta(days=1)  # how long a token that has ended can still be looked at
TOLD: Final = 10  # tokens that are told at most
ENDING_SHARE: Final = 0.1  # a token with less than this share of its life left is not told again
NOBODY: Final = bytes(16)  #: salt for names that are not there, so that those take as long as the others


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who may log in."""

    name: str
    address: str | None  #: checksummed
    has_password: bool
    scopes: tuple[str, ...]
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Login:
    """Somebody who has shown to be who they are."""

    name: str
    scopes: tuple[str, ...]
    derived: Derived | None = field(default=None, repr=False)  #: of a password


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A text to sign."""

    nonce: str
    text: str
    expires: datetime


class Accounts:
    """The accounts of this server."""

    def __init__(self, database: Database, tokens: Tokens, settings: Settings) -> None:
        """Keep accounts in *database*, and open *tokens*."""
        self.database = database
        self.tokens = tokens
        self.settings = settings
        self._throttle = Throttle(FAILURES)
        self._wide_throttle = Throttle(FAILURES_ANYWHERE)
        self._known = Known()

    def add(
        self, name: str, scopes: Iterable[str], *, password: str | None = None, address: str | None = None
    ) -> Account:
        """Make an account.

        Args:
            name: Who it is for; jobs and assets will belong to this name.
            scopes: What its tokens open.
            password: With which to log in.
            address: Ethereum address whose signatures log in.

        Raises:
            InputInvalid: There is neither, or a scope is not known, or the name is no name for an account.
            Conflict: There is an account with this name or this address already.
        """
        if not name or ":" in name or ADDRESS.fullmatch(name):
            raise InputInvalid(faults=[Fault("body", "/name", "It may not have a colon, nor be an address.")])
        if password is None and address is None:
            raise InputInvalid("An account needs a password, or an address.")
        salt = new_salt() if password is not None else None
        row = {
            "name": name,
            "salt": salt,
            "verifier": derive(password, salt).verifier if password is not None and salt is not None else None,
            "address": address.lower() if address else None,
            "scopes": known_scopes(scopes),
            "created": now(),
        }
        try:
            with self.database.write() as connection:
                connection.execute(insert(TABLE).values(row))
        except IntegrityError as error:
            raise Conflict("There is an account with this name or this address already.") from error
        return as_account(row)

    def remove(self, name: str) -> None:
        """Remove an account and end the life of its tokens.

        Raises:
            NotFound: There is none.
        """
        with self.database.write() as connection:
            done = connection.execute(delete(TABLE).where(TABLE.c.name == name))
        if not done.rowcount:
            raise NotFound(f"There is no account {name[:100]!r}.")
        self.tokens.revoke_of(name)

    def log_in(self, name: str, password: str, remote_address: str) -> Login:
        """Return who has this name and this password.

        Raises:
            Unauthorized: Nobody.
            TooManyRequests: Too many passwords were tried.
        """
        row = self._find(TABLE.c.name == name.replace("\0", ":"))  # no name has either, and PostgreSQL takes no NUL
        salt, verifier = (row["salt"], row["verifier"]) if row and row["salt"] else (NOBODY, bytes(32))
        derived = self._known.find(password, salt, verifier)
        if derived is None:
            self._throttle.check(name, remote_address)
            self._wide_throttle.check(remote_address)
            derived = derive(password, salt)
        if row is None or not hmac.compare_digest(derived.verifier, verifier):
            self._throttle.failed(name, remote_address)
            self._wide_throttle.failed(remote_address)
            raise Unauthorized("The name or the password is wrong.", headers=CHALLENGE)
        self._known.keep(password, salt, derived)
        return Login(name=row["name"], scopes=tuple(row["scopes"]), derived=derived)

    def challenge(self, address: str, server: str) -> Challenge:
        """Return a text for the holder of *address* to sign, and remember that it was given out."""
        time_ = now()
        nonce, expires = secrets.token_hex(16), (time_ + CHALLENGE_LIFE).replace(microsecond=0)
        with self.database.write() as connection:
            connection.execute(delete(ChallengeRow).where(ChallengeRow.expires < time_))
            connection.execute(insert(ChallengeRow).values(nonce=nonce, address=address.lower(), expires=expires))
        return Challenge(nonce=nonce, text=text_of(server, address, nonce, expires), expires=expires)

    def sign_in(self, address: str, nonce: str, signature: str, server: str) -> Login:
        """Return whose key signed a challenge, which is used up then.

        Raises:
            Unauthorized: The signature is not theirs, or there is no such challenge (any more), or they have no
                account and may not come in without one.
        """
        refused = Unauthorized("The signature does not open anything here.")
        with self.database.read() as connection:
            where = (ChallengeRow.nonce == nonce, ChallengeRow.address == address.lower())
            expires = connection.execute(select(ChallengeRow.expires).where(*where)).scalar_one_or_none()
        if expires is None or expires < now():
            raise refused
        signer = signer_of(text_of(server, address, nonce, expires), signature)
        if signer is None or signer.lower() != address.lower():
            raise refused
        with self.database.write() as connection:
            spent = connection.execute(delete(ChallengeRow).where(*where)).rowcount == 1
        row = self._find(TABLE.c.address == address.lower())
        scopes = tuple(row["scopes"]) if row else tuple(self.settings.scopes_of_signers)
        if not spent or not scopes:
            raise refused
        return Login(name=row["name"] if row else signer, scopes=scopes)

    def issue(self, login: Login) -> str:
        """Open a token for somebody who has logged in, and return it."""
        self.tokens.forget(now() - KEPT)
        secret_of = login.derived.token if login.derived else None
        life = timedelta(seconds=self.settings.login_s)
        return self.tokens.new(login.name, login.scopes, life, account=login.name, secret_of=secret_of)[0]

    def live(self, login: Login) -> list[str]:
        """Return the tokens that a password has opened and that last for a while yet, the newest last."""
        if login.derived is None:
            return []
        until = now() + timedelta(seconds=self.settings.login_s * ENDING_SHARE)
        ids = self.tokens.live_of(login.name, until)[-TOLD:]
        secrets_ = (f"{PREFIX}_{token_id}_{login.derived.token(token_id)}" for token_id in ids)
        return [secret for secret in secrets_ if self.tokens.check(secret)]

    def _find(self, where: ColumnElement[bool]) -> RowMapping | None:
        """Return the row of an account."""
        with self.database.read() as connection:
            return connection.execute(select(TABLE).where(where)).mappings().first()

    def list(self) -> list[Account]:
        """Return all accounts, by name."""
        with self.database.read() as connection:
            return [as_account(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.name)).mappings()]


class Known:
    """Passwords that were right a moment ago: clients send theirs with every call, and scrypt is slow."""

    def __init__(self) -> None:
        """Know none yet."""
        self._key = secrets.token_bytes(32)
        self._found: OrderedDict[bytes, tuple[float, Derived]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, password: str, salt: bytes, verifier: bytes) -> Derived | None:
        """Return what scrypt made of a password; None: it is not known."""
        with self._lock:
            until, derived = self._found.get(self._name(password, salt), (0.0, None))
        fresh = derived is not None and time.monotonic() < until and derived.verifier == verifier
        return derived if fresh else None

    def keep(self, password: str, salt: bytes, derived: Derived) -> None:
        """Remember what scrypt made of a password that was right."""
        with self._lock:
            self._found[self._name(password, salt)] = (time.monotonic() + KNOWN_S, derived)
            if len(self._found) > KNOWN:
                self._found.popitem(last=False)

    def _name(self, password: str, salt: bytes) -> bytes:
        """Return what a password is remembered under; only this process can make anything of it."""
        return hmac.digest(self._key, salt + password.encode(errors="surrogatepass"), hashlib.sha256)


def text_of(server: str, address: str, nonce: str, expires: datetime) -> str:
    """Return the text of a challenge. It names the server, so that no other can pass it on as its own."""
    when = expires.isoformat().replace("+00:00", "Z")
    return f"Sign in to {server} as {checksummed(address)}.\n\nNonce: {nonce}\nValid until: {when}"


def known_scopes(scopes: Iterable[str]) -> Collection[str]:
    """Return scopes, each once.

    Raises:
        InputInvalid: One is not known, or there are none.
    """
    wanted = list(dict.fromkeys(scopes))
    if not wanted or set(wanted) - set(SCOPES):
        raise InputInvalid(f"An account needs scopes, each one of {', '.join(SCOPES)}.")
    return wanted


def as_account(row: RowMapping | dict[str, Any]) -> Account:
    """Return a row as a value."""
    return Account(
        name=row["name"],
        address=checksummed(row["address"]) if row["address"] else None,
        has_password=row["salt"] is not None,
        scopes=tuple(row["scopes"]),
        created=row["created"],
    )
