"""Bearer tokens: made once, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, insert, select, update

from handlers.errors import InputInvalid, NotFound
from handlers.identities.tables import TokenRow
from handlers.storage.sql import Database, now

PREFIX = "sea"
SCOPES = ("manage", "invoke", "assets", "models")  #: manage holds all the others


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is known of a token; not its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    def valid(self, at: datetime) -> bool:
        """Tell whether the token opens anything at the time *at*."""
        return self.revoked is None and (self.expires is None or at < self.expires)


class Tokens:
    """The tokens that this server accepts."""

    def __init__(self, database: Database) -> None:
        """Keep tokens in *database*."""
        self.database = database

    def new(
        self,
        name: str,
        scopes: Iterable[str],
        valid_for: timedelta | None = None,
        *,
        account: str | None = None,
        secret_of: Callable[[str], str] | None = None,
    ) -> tuple[str, Token]:
        """Make a token.

        Args:
            name: Who will hold it. Jobs made with the token belong to this name.
            scopes: Some of `SCOPES`.
            valid_for: How long it lasts; None for ever.
            account: Whose login makes it.
            secret_of: Returns the secret part of the token with an id; random by default.

        Returns:
            The secret, which is not kept, and what is kept.

        Raises:
            InputInvalid: A scope is not known, or none was given.
        """
        wanted = tuple(dict.fromkeys(scopes))
        if not wanted or set(wanted) - set(SCOPES):
            raise InputInvalid(f"A token needs scopes, each one of {', '.join(SCOPES)}.")
        created = now()
        token = Token(
            id=secrets.token_hex(6),
            name=name,
            scopes=wanted,
            created=created,
            expires=created + valid_for if valid_for else None,
            revoked=None,
        )
        secret = f"{PREFIX}_{token.id}_{secret_of(token.id) if secret_of else secrets.token_urlsafe(32)}"
        with self.database.write() as connection:
            connection.execute(
                insert(TokenRow).values(
                    id=token.id,
                    name=name,
                    digest=digest(secret),
                    scopes=list(wanted),
                    created=created,
                    expires=token.expires,
                    account=account,
                )
            )
        return secret, token

    def check(self, secret: str) -> Token | None:
        """Return the token whose secret this is, or None when it opens nothing (any more)."""
        prefix, _, rest = secret.partition("_")
        token_id, _, _ = rest.partition("_")
        if prefix != PREFIX or not token_id or len(secret) > 200:
            return None
        with self.database.read() as connection:
            row = connection.execute(select(TokenRow.__table__).where(TokenRow.id == token_id)).mappings().first()
        if row is None or not hmac.compare_digest(row["digest"], digest(secret)):
            return None
        token = as_token(row)
        return token if token.valid(now()) else None

    def live_of(self, account: str, until: datetime) -> list[str]:
        """Return the ids of the tokens that logins of an account made and that last until then, the newest last."""
        lasting = (TokenRow.account == account, TokenRow.revoked.is_(None), TokenRow.expires > until)
        with self.database.read() as connection:
            found = connection.execute(select(TokenRow.id).where(*lasting).order_by(TokenRow.created))
            return [token_id for (token_id,) in found]

    def revoke_of(self, account: str) -> None:
        """End the life of all tokens that logins of an account made."""
        live = (TokenRow.account == account, TokenRow.revoked.is_(None))
        with self.database.write() as connection:
            connection.execute(update(TokenRow).where(*live).values(revoked=now()))

    def forget(self, expired_before: datetime) -> None:
        """Remove the tokens of logins that ended before then; those that people made stay to be looked at."""
        with self.database.write() as connection:
            ended = (TokenRow.account.is_not(None), TokenRow.expires < expired_before)
            connection.execute(delete(TokenRow).where(*ended))

    def revoke(self, token_id: str) -> None:
        """End a token's life.

        Raises:
            NotFound: There is no such token.
        """
        with self.database.write() as connection:
            changed = connection.execute(
                update(TokenRow).where(TokenRow.id == token_id, TokenRow.revoked.is_(None)).values(revoked=now())
            )
        if not changed.rowcount:
            raise NotFound(f"There is no token {token_id} that could be revoked.")

    def list(self) -> list[Token]:
        """Return all tokens, newest first."""
        with self.database.read() as connection:
            rows = connection.execute(select(TokenRow.__table__).order_by(TokenRow.created.desc())).mappings().all()
        return [as_token(row) for row in rows]


def digest(secret: str) -> str:
    """Return what is kept of a secret. It is random and long, so that a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def as_token(row: RowMapping) -> Token:
    """Return a row as a value."""
    return Token(
        id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        created=row["created"],
        expires=row["expires"],
        revoked=row["revoked"],
    )
