"""Alembic's way in: run the migrations over the connection that `handlers.storage.migrate` hands over."""

from __future__ import annotations

from alembic import context

from handlers.storage.sql import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # Both databases can undo DDL; SQLite can because we begin its transactions ourselves.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
