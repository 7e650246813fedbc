"""What an installation settles once and for all, such as its own name: whoever needs it first decides."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import String, Text, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Database


class FactRow(Base):
    """One fact."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


def settled(database: Database, name: str, make: Callable[[], str]) -> str:
    """Return the fact *name*; what *make* returns, where nobody has settled it yet."""
    found = read(database, name)
    if found is not None:
        return found
    value = make()
    try:
        with database.write() as connection:
            connection.execute(insert(FactRow).values(name=name, value=value))
    except IntegrityError:
        found = read(database, name)
        assert found is not None, "somebody else was faster"
        return found
    return value


def read(database: Database, name: str) -> str | None:
    """Return the fact *name*; None where it is not settled."""
    with database.read() as connection:
        return connection.execute(select(FactRow.value).where(FactRow.name == name)).scalar_one_or_none()
