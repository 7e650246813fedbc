"""What a metadata store elsewhere has said of assets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "remote_ddos",
        sa.Column("did", sa.String(100), primary_key=True),
        sa.Column("ddo", sa.JSON, nullable=False),
        sa.Column("etag", sa.String(200), nullable=False),
        sa.Column("checked", Instant, nullable=False),
    )
    op.create_index("ix_remote_ddos_checked", "remote_ddos", ["checked"])
