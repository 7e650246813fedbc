"""The first tables: jobs and their logs, tokens, assets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    make_jobs()
    make_job_log()
    make_tokens()
    make_assets()


def make_jobs() -> None:
    """Make the table of the jobs and its indexes."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("owner", sa.String(200)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(200)),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("results", sa.JSON),
        sa.Column("problem", sa.JSON),
        sa.Column("created", Instant, nullable=False),
        sa.Column("queued", Instant, nullable=False),
        sa.Column("started", Instant),
        sa.Column("heartbeat", Instant),
        sa.Column("finished", Instant),
        sa.Column("expires", Instant),
        sa.Column("purged", Instant),
    )
    op.create_index("ix_jobs_created", "jobs", ["created"])
    op.create_index("ix_jobs_owner_created", "jobs", ["owner", "created"])
    op.create_index("ix_jobs_status_queued", "jobs", ["status", "queued"])
    op.create_index("ix_jobs_status_heartbeat", "jobs", ["status", "heartbeat"])
    op.create_index("ix_jobs_purged_expires", "jobs", ["purged", "expires"])


def make_job_log() -> None:
    """Make the table of the lines that jobs log."""
    op.create_table(
        "job_log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
    )
    op.create_index("ix_job_log_job", "job_log", ["job"])


def make_tokens() -> None:
    """Make the table of the bearer tokens."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", Instant, nullable=False),
        sa.Column("expires", Instant),
        sa.Column("revoked", Instant),
    )


def make_assets() -> None:
    """Make the table of the embedded metadata store."""
    op.create_table(
        "assets",
        sa.Column("did", sa.String(100), primary_key=True),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("ddo", sa.JSON, nullable=False),
        sa.Column("owner", sa.String(200)),
        sa.Column("blob", sa.String(300)),
        sa.Column("content_type", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("job", sa.String(32)),
        sa.Column("created", Instant, nullable=False),
        sa.Column("updated", Instant, nullable=False),
    )
    op.create_index("ix_assets_created", "assets", ["created"])
