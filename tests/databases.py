"""Empty databases for the tests, of both kinds."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import create_engine, make_url

from tests.parts import missing

KINDS: Final = ("sqlite", "postgresql")
#: For tests that start processes, which take seconds: SQLite always, PostgreSQL in long runs.
KINDS_BY_LENGTH: Final = ("sqlite", pytest.param("postgresql", marks=pytest.mark.long))
POSTGRES_URL = os.environ.get("SEAMARK_TEST_POSTGRES_URL", "")


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of a database of its own; that of SQLite lies in *folder*."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/seamark.sqlite"
        return
    if not POSTGRES_URL:
        missing("SEAMARK_TEST_POSTGRES_URL is not set.")
    name = f"seamark_{secrets.token_hex(6)}"
    server = create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()
