"""Tables of the chain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Instant


class OrderRow(Base):
    """What an order was first used for. It stays bound to that for life."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_use", "asset", "service", "consumer"),)

    tx: Mapped[str] = mapped_column(String(66), primary_key=True)  #: in lower case; a hash is of one chain (EIP-155)
    asset: Mapped[str] = mapped_column(String(200))  #: DID
    service: Mapped[int] = mapped_column(Integer)  #: index in the DDO
    consumer: Mapped[str] = mapped_column(String(42))  #: who used it first, in lower case
    bound: Mapped[datetime] = mapped_column(Instant)
    evidence: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))  #: receipt and minter, once they are final
