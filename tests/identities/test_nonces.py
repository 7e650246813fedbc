"""Nonces."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.errors import SignatureInvalid
from handlers.identities.limits import Limits
from handlers.identities.nonces import Nonces
from handlers.identities.proofs import Proofs
from handlers.identities.tables import NonceRow
from handlers.settings import Settings
from handlers.storage.sql import Base, Database
from tests.databases import KINDS, database_of
from tests.identities.test_proofs import ADDRESS, VECTORS

OTHER = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


@pytest.fixture(params=KINDS)
def nonces(request, tmp_path):
    """No nonces yet, on a real database of each kind."""
    with database_of(request.param, tmp_path) as url:
        database = Database(url)
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


@pytest.mark.parametrize("text", VECTORS)
def test_of_fifty_proofs_with_a_real_clients_signature_one_is_taken(nonces, text):
    """The nonce that it was signed with is the one that is due, for one of them."""
    for nonce in range(7):
        nonces.spend(ADDRESS, nonce)
    proofs = Proofs(nonces, Limits(Settings(failures_per_minute=100)), token_s=60)

    def prove(_):
        try:
            return proofs.check(ADDRESS.lower(), VECTORS[text], text)
        except SignatureInvalid:
            return None

    with ThreadPoolExecutor(50) as threads:
        outcomes = list(threads.map(prove, range(50)))

    assert [ADDRESS] == [outcome for outcome in outcomes if outcome]
    assert 8 == nonces.read(ADDRESS)
