"""Nonces."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.identities.nonces import Nonces
from handlers.identities.tables import NonceRow
from handlers.storage.sql import Base, Database

ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
OTHER = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


@pytest.fixture
def nonces(tmp_path):
    """No nonces yet, on a real database."""
    database = Database(f"sqlite:///{tmp_path}/nonces.sqlite")
    Base.metadata.create_all(database.engine, tables=[NonceRow.__table__])
    yield Nonces(database)
    database.close()


def test_nonces_begin_at_0_and_go_up(nonces):
    """Each that is spent is followed by the next, for each address by itself."""
    for nonce in range(3):
        assert nonce == nonces.read(ADDRESS)
        assert nonces.spend(ADDRESS, nonce)

    assert (3, 0) == (nonces.read(ADDRESS), nonces.read(OTHER))


@pytest.mark.parametrize("nonce", [0, 1, 3, -1])
def test_only_the_current_nonce_can_be_spent(nonces, nonce):
    """One that was spent, or is not due yet, is worth nothing and changes nothing."""
    nonces.spend(ADDRESS, 0)
    nonces.spend(ADDRESS, 1)

    assert not nonces.spend(ADDRESS, nonce)
    assert 2 == nonces.read(ADDRESS)


def test_an_address_is_one_in_any_case(nonces):
    """Capitals do not give a second nonce."""
    nonces.spend(ADDRESS.lower(), 0)

    assert 1 == nonces.read(ADDRESS)
    assert not nonces.spend(ADDRESS.upper().replace("0X", "0x"), 0)


@pytest.mark.parametrize("nonce", [0, 1])
def test_of_fifty_at_once_one_spends_it(nonces, nonce):
    """However many come at the same time, the nonce is spent once."""
    for earlier in range(nonce):
        nonces.spend(ADDRESS, earlier)

    with ThreadPoolExecutor(50) as threads:
        outcomes = list(threads.map(lambda _: nonces.spend(ADDRESS, nonce), range(50)))

    assert 1 == outcomes.count(True)
    assert nonce + 1 == nonces.read(ADDRESS)
