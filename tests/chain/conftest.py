"""A shop on a real chain, and the till in front of it."""

import time

import pytest

from handlers.chain.tables import OrderRow
from handlers.chain.till import Till
from handlers.settings import Settings
from handlers.storage.sql import Base, Database
from tests.nodes import NODES, Shop


@pytest.fixture(scope="session", params=list(NODES))
def shop(request, tmp_path_factory):
    """A shop on each kind of node that is there."""
    with NODES[request.param](tmp_path_factory.mktemp(request.param)) as node:
        yield Shop(node)


@pytest.fixture
def database(tmp_path):
    """A database on which no order was used."""
    database = Database(f"sqlite:///{tmp_path}/orders.sqlite")
    Base.metadata.create_all(database.engine, tables=[OrderRow.__table__])
    yield database
    database.close()


@pytest.fixture
def open_till(database, tmp_path):
    """Return a function that opens a till with settings."""
    opened = []

    def open_till(clock=time.time, **settings):
        opened.append(Till(database, Settings(home=tmp_path, **settings), clock=clock))
        return opened[-1]

    yield open_till
    for till in opened:
        till.close()
