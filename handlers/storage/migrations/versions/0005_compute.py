"""Whose compute jobs are, and what signatures that can be sent again have done to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "compute",
        sa.Column("id", sa.String(32), of_a_job(), primary_key=True),
        sa.Column("door", sa.String(8), nullable=False),
        sa.Column("owner", sa.String(42), nullable=False),
        sa.Column("shown", sa.String(42), nullable=False),
        sa.Column("did", sa.String(100), nullable=False),
        sa.Column("document", sa.String(256), nullable=False),
        sa.Column("agreement", sa.String(128), nullable=False),
        sa.Column("reference", sa.String(128), nullable=False),
        sa.Column("created", Instant, nullable=False),
        sa.Column("deleted", Instant),
    )
    for column in ("owner", "did", "reference"):
        op.create_index(f"ix_compute_{column}_created", "compute", [column, "created"])
    op.create_table(
        "compute_spent",
        sa.Column("job", sa.String(32), of_a_job(), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
    )


def of_a_job() -> sa.ForeignKey:
    """Return what makes a row go with its job."""
    return sa.ForeignKey("jobs.id", ondelete="CASCADE")
