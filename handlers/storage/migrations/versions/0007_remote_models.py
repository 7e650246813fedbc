"""Credentials for the servers of models that are not ours, and when those were last asked what their models are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("endpoints", sa.Column("credentials", sa.Text))
    op.add_column("endpoints", sa.Column("looked", Instant))
