"""Tables of the identities."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Instant


class TokenRow(Base):
    """A bearer token; the secret itself is not kept, only its SHA-256."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))  #: who holds it: the owner of jobs made with it
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[Any] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Instant)
    expires: Mapped[datetime | None] = mapped_column(Instant)
    revoked: Mapped[datetime | None] = mapped_column(Instant)
    account: Mapped[str | None] = mapped_column(String(200), index=True)  #: whose login made it; None: `token new`


class AccountRow(Base):
    """Somebody who may log in: with a password, with an Ethereum key, or with either."""

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(32))  #: None: no password
    verifier: Mapped[bytes | None] = mapped_column(LargeBinary(32))  #: what scrypt makes of password and salt, in part
    address: Mapped[str | None] = mapped_column(String(42), unique=True)  #: Ethereum address, in lower case
    scopes: Mapped[Any] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Instant)


class ChallengeRow(Base):
    """A text that was given out to be signed; it opens one token."""

    __tablename__ = "challenges"

    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(String(42))
    expires: Mapped[datetime] = mapped_column(Instant, index=True)


class NonceRow(Base):
    """The number that an Ethereum address signs next; an address that is not here signs 0."""

    __tablename__ = "nonces"

    address: Mapped[str] = mapped_column(String(42), primary_key=True)  #: in lower case
    nonce: Mapped[int] = mapped_column(BigInteger)
