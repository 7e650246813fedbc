"""What the rest of Ocean invoke keeps: keys and callbacks of jobs, accounts, metadata by its hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handlers.storage.sql import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    make_job_keys()
    make_callbacks()
    make_accounts()
    make_metadata()
    op.create_table(
        "facts",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def make_job_keys() -> None:
    """Make the table of the Idempotency-Keys."""
    op.create_table(
        "job_keys",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("ix_job_keys_job", "job_keys", ["job"])


def make_callbacks() -> None:
    """Make the table of the addresses that are called when jobs have ended."""
    op.create_table(
        "callbacks",
        sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", Instant),
        sa.Column("delivered", Instant),
        sa.Column("answer", sa.String(300), nullable=False),
    )
    op.create_index("ix_callbacks_due", "callbacks", ["due"])


def make_accounts() -> None:
    """Make the tables of those who may log in, and of what they sign; mark the tokens that logins made."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("salt", sa.LargeBinary(32)),
        sa.Column("verifier", sa.LargeBinary(32)),
        sa.Column("address", sa.String(42), unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", Instant, nullable=False),
    )
    op.create_table(
        "challenges",
        sa.Column("nonce", sa.String(64), primary_key=True),
        sa.Column("address", sa.String(42), nullable=False),
        sa.Column("expires", Instant, nullable=False),
    )
    op.create_index("ix_challenges_expires", "challenges", ["expires"])
    op.add_column("tokens", sa.Column("account", sa.String(200)))
    op.create_index("ix_tokens_account", "tokens", ["account"])


def make_metadata() -> None:
    """Make the table of the texts that describe assets."""
    op.create_table(
        "metadata",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("owner", sa.String(200)),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("created", Instant, nullable=False),
    )
    op.create_index("ix_metadata_created", "metadata", ["created"])
