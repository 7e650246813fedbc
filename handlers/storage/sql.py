"""The database: one engine per process, short transactions.

SQLite runs in WAL mode and takes its write lock at the beginning of a transaction that writes, so that two writers
queue up instead of failing half way. PostgreSQL is used as it is, but neither side waits for the other without end when
the network between them is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import URL, Connection, DateTime, Engine, create_engine, event, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 20_000
CONNECT_S: Final = 5  # longest wait for PostgreSQL to take a connection
SILENCE_S: Final = 10  # a side that acknowledges nothing for so long is gone; the system's own bounds are hours
PROBE_IDLE_S: Final = 5  # silence after which a side asks whether the other is still there
PROBE_EVERY_S: Final = 2


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


class Instant(TypeDecorator[datetime]):
    """A point in time, stored in UTC and aware in Python, also on SQLite, which forgets time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a time without a zone is nobody's time"
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""


class Database:
    """Connections to the database of one process."""

    def __init__(self, url: str) -> None:
        """Open nothing yet; the first transaction connects."""
        self.url = url
        self.engine = make_engine(url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection for reading that goes on seeing what is there now, whatever others write meanwhile."""
        with self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                # SQLite's transactions are like this by themselves.
                whole = {"postgresql_readonly": True, "postgresql_deferrable": True}
                connection.execution_options(isolation_level="SERIALIZABLE", **whole)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction that commits at the end, or rolls back on an error."""
        with self.engine.connect() as connection:
            connection.info["writes"] = True
            try:
                with connection.begin():
                    yield connection
            finally:
                # A connection that broke has lost its notes, and would connect anew to look for them.
                if not connection.invalidated:
                    connection.info.pop("writes", None)

    def ping(self) -> None:
        """Raise unless the database answers."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def make_engine(url: str) -> Engine:
    """Return an engine for *url* with the settings that this server relies on."""
    if not url.startswith("sqlite"):
        return _make_server_engine(make_url(url))
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_server_engine(url: URL) -> Engine:
    """Return an engine for a database server; what the URL says of the bounds stands."""
    pool = {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}
    if url.get_backend_name() != "postgresql":
        return create_engine(url, **pool)
    bounds = {
        "connect_timeout": CONNECT_S,
        "keepalives_idle": PROBE_IDLE_S,
        "keepalives_interval": PROBE_EVERY_S,
        "tcp_user_timeout": SILENCE_S * 1000,
    }
    unsaid = {name: value for name, value in bounds.items() if name not in url.query}
    engine = create_engine(url, connect_args=unsaid, **pool)
    event.listen(engine, "connect", _bound_silence)
    return engine


def _bound_silence(connection: Any, _record: Any) -> None:
    """Have PostgreSQL give up this connection when we are cut off.

    It would keep the locks of a transaction for hours, and whoever takes over our jobs would wait for them. This is not
    said when connecting, as poolers refuse what they do not know there.
    """
    bounds = {
        "tcp_keepalives_idle": PROBE_IDLE_S,
        "tcp_keepalives_interval": PROBE_EVERY_S,
        "tcp_user_timeout": SILENCE_S * 1000,
    }
    settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in bounds.items())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {settings}")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set the pragmas of a new connection, and let us begin transactions ourselves."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where the transaction is going to write."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writes") else "BEGIN")
