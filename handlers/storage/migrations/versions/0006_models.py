"""Trained models, and the endpoints that put their files into service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "models",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("input_schema", sa.JSON),
        sa.Column("output_schema", sa.JSON),
        sa.Column("about", sa.JSON),
        sa.Column("links", sa.JSON),
        sa.Column("current", sa.String(36)),
        sa.Column("previous", sa.String(36)),
        sa.Column("canary", sa.String(36)),
        sa.Column("share", sa.Float),
        sa.Column("created", Instant, nullable=False),
        sa.Column("modified", Instant, nullable=False),
    )
    op.create_index("ix_models_created", "models", ["created", "id"])
    op.create_table(
        "endpoints",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("model", sa.String(36), sa.ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("about", sa.JSON),
        sa.Column("links", sa.JSON),
        sa.Column("deployed", Instant, nullable=False),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("takes", sa.String(20), nullable=False),
        sa.Column("gives", sa.String(20), nullable=False),
        sa.Column("blob", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("known", sa.JSON),
        sa.Column("problem", sa.Text),
        sa.Column("job", sa.String(32)),
    )
    op.create_index("ix_endpoints_deployed", "endpoints", ["deployed", "id"])
    op.create_index("ix_endpoints_blob", "endpoints", ["blob"])
    op.create_index("ix_endpoints_model", "endpoints", ["model", "deployed"])
