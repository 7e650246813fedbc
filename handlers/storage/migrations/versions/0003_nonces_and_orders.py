"""The nonces that addresses sign next, and what orders are bound to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "nonces",
        sa.Column("address", sa.String(42), primary_key=True),
        sa.Column("nonce", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("tx", sa.String(66), primary_key=True),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("service", sa.Integer, nullable=False),
        sa.Column("consumer", sa.String(42), nullable=False),
        sa.Column("bound", Instant, nullable=False),
        sa.Column("evidence", sa.JSON(none_as_null=True)),
    )
    op.create_index("ix_orders_use", "orders", ["asset", "service", "consumer"])
