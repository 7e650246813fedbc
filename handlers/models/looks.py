"""What is kept of models of other servers, and when those were asked last, in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from handlers.models.records import Endpoint
from handlers.models.registry import ENDPOINTS, MODELS, Registry, endpoints_of
from handlers.storage.sql import now


def keep_credentials(registry: Registry, endpoint: Endpoint, sealed: str | None) -> None:
    """Keep other credentials for the server that an endpoint asks, or none."""
    with registry.writing() as connection:
        connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint.id).values(credentials=sealed))


def look(registry: Registry, endpoint: Endpoint, before: datetime) -> bool:
    """Note that another server is asked now what its model is, unless it was since *before*; tell whether it was noted.

    Of all that want to ask at the same time, on all machines, one is told so.
    """
    looked = ENDPOINTS.c.looked
    due = (ENDPOINTS.c.id == endpoint.id, or_(looked.is_(None), looked < before))
    with registry.database.write() as connection:
        return bool(connection.execute(update(ENDPOINTS).where(*due).values(looked=now())).rowcount)


def renew(registry: Registry, endpoint: Endpoint, known: Mapping[str, Any]) -> None:
    """Keep what another server says of its model now.

    The model's schemas follow where they are still what that server said, and no file of ours has them, too.
    """
    model = MODELS.c.id == endpoint.model
    with registry.writing() as connection:
        row = connection.execute(select(MODELS).where(model).with_for_update()).mappings().first()
        connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint.id).values(known=dict(known)))
        if row is None or len(endpoints_of(connection, [endpoint.model])[endpoint.model]) > 1:
            return
        before = endpoint.known or {}
        columns = [name for name in ("input_schema", "output_schema") if row[name] == before.get(name)]
        if columns:
            changes = {name: known.get(name) for name in columns}
            connection.execute(update(MODELS).where(model).values(**changes, modified=now()))
