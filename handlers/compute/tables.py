"""Tables of compute jobs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Instant


class ComputeRow(Base):
    """Whose a compute job is, and on what it computes; the row of the job itself says how far it has come."""

    __tablename__ = "compute"

    id: Mapped[str] = mapped_column(String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    door: Mapped[str] = mapped_column(String(8))  #: provider or brizo
    owner: Mapped[str] = mapped_column(String(42))  #: address in lower case
    shown: Mapped[str] = mapped_column(String(42))  #: the owner's address, checksummed
    did: Mapped[str] = mapped_column(String(100))  #: of the asset, in its canonical form
    document: Mapped[str] = mapped_column(String(256))  #: the asset as the caller named it
    agreement: Mapped[str] = mapped_column(String(128))  #: agreement's id, or order's transaction, as it was sent
    reference: Mapped[str] = mapped_column(String(128))  #: the same in lower case without 0x
    created: Mapped[datetime] = mapped_column(Instant)
    deleted: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index("ix_compute_owner_created", "owner", "created"),
        Index("ix_compute_did_created", "did", "created"),
        Index("ix_compute_reference_created", "reference", "created"),
    )


class SpentRow(Base):
    """What a signature without a nonce has done to a job; it does each thing to it once."""

    __tablename__ = "compute_spent"

    job: Mapped[str] = mapped_column(String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  #: SHA-256 of the verb and the signature
