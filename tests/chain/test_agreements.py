"""Agreements on a real chain, made by the real contracts."""

import time
from dataclasses import replace

import pytest

from handlers.chain.agreements import ACCESS, STORE, Agreements, Claim, Condition, Found, Kind, State, fault_of
from handlers.chain.client import Chain
from handlers.demo.keeper import deploy, setting_of
from handlers.errors import ChainUnavailable, InputInvalid, PaymentMissing
from handlers.settings import Settings
from tests.chain.faulty import FAULTS, endpoint
from tests.nodes import NODES, Shop

KINDS = list(Kind)
NOTHING_HERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module", params=list(NODES))
def shop(request, tmp_path_factory):
    """A shop on each kind of node that is there; not that of the orders, whose logs are searched in full."""
    with NODES[request.param](tmp_path_factory.mktemp(request.param)) as node:
        yield Shop(node)


@pytest.fixture(scope="module")
def keeper(shop):
    """The contracts on the shop's node."""
    return deploy(shop.node.ask, shop.seller, shop.provider)


@pytest.fixture(scope="module")
def did(keeper, shop):
    """An asset of the seller's that the provider serves."""
    return keeper.register(shop.seller, shop.provider)


@pytest.fixture
def open_agreements(keeper, tmp_path):
    """Return a function that opens the agreements of a chain."""
    chains = []

    def open_agreements(*urls, timeout_s=10.0, **settings):
        chains.append(Chain(urls, timeout_s=timeout_s))
        named = {"keeper_contracts": setting_of(keeper.addresses), **settings}
        return Agreements(lambda: chains[-1], Settings(home=tmp_path, **named))

    yield open_agreements
    for chain in chains:
        chain.close()


@pytest.fixture
def check(open_agreements, shop):
    """Return a function that checks an agreement on the shop's node; it never ends unless told so."""
    agreements = open_agreements(shop.node.url)

    def check(deal, consumer, did, kind=None, *, timeout_s=0, now_s=None):
        moment = time.time() if now_s is None else now_s
        return agreements.check(deal.id, consumer, did, kind or deal.kind, timeout_s=timeout_s, now_s=moment)

    return check


@pytest.fixture
def agree(keeper, shop):
    """Return a function by which the buyer agrees with the provider on an asset, or any two on another."""

    def agree(kind, did, consumer=shop.buyer, **terms):
        return keeper.agree(kind, did, consumer, shop.provider, **terms)

    return agree


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_granted_is_open(keeper, shop, did, agree, check, kind):
    """Paid and granted, an agreement entitles its consumer; whether the provider has its money yet does not matter."""
    deal = agree(kind, did)
    keeper.pay(deal)
    keeper.grant(deal)
    granted = int(shop.node.ask("eth_blockNumber"), 16)
    before = keeper.balance(shop.provider)

    found = check(deal, shop.buyer, did)
    keeper.release(deal)

    assert (deal.id, shop.buyer.lower(), did, kind) == (found.id, found.consumer, found.did, found.kind)
    assert granted == found.block
    assert found == check(deal, shop.buyer, did)
    assert before + deal.amount == keeper.balance(shop.provider)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_only_paid_is_not_open(keeper, shop, agree, check, kind):
    """Until the provider has granted it, nothing is given away."""
    did = keeper.register(shop.seller, shop.provider)
    deal = agree(kind, did)
    keeper.pay(deal)

    with pytest.raises(PaymentMissing, match=f"its {kind} is not granted yet"):
        check(deal, shop.buyer, did)


@pytest.mark.parametrize("kind", KINDS)
def test_one_agreement_does_not_open_another(keeper, shop, did, agree, check, kind):
    """The permission on the chain is for the asset, but an agreement of the same two that waits still waits."""
    keeper.grant(agree(kind, did))
    waiting = agree(kind, did)

    with pytest.raises(PaymentMissing, match="not granted yet"):
        check(waiting, shop.buyer, did)


@pytest.mark.parametrize("kind", KINDS)
def test_another_address_gets_nothing(keeper, shop, did, agree, check, kind):
    """An agreement is its consumer's alone, even among those who have agreements of the same asset."""
    deal = agree(kind, did)
    keeper.grant(deal)
    keeper.grant(agree(kind, did, shop.other))

    with pytest.raises(PaymentMissing, match="no party"):
        check(deal, shop.other, did)


def test_the_provider_of_an_agreement_is_not_its_consumer(keeper, shop, did, agree, check):
    """Who grants is a party as well, and has nothing granted."""
    deal = agree(Kind.ACCESS, did)
    keeper.grant(deal)

    with pytest.raises(PaymentMissing, match="not of access by this address"):
        check(deal, shop.provider, did)


def test_an_agreement_is_of_one_asset(keeper, shop, did, agree, check):
    """It opens no other asset of the same seller, not even one that this consumer has, too."""
    other = keeper.register(shop.seller, shop.provider)
    deal = agree(Kind.ACCESS, did)
    keeper.grant(deal)
    keeper.grant(agree(Kind.ACCESS, other))

    with pytest.raises(PaymentMissing, match="another asset"):
        check(deal, shop.buyer, other)


@pytest.mark.parametrize(("kind", "wanted"), [(Kind.ACCESS, Kind.COMPUTE), (Kind.COMPUTE, Kind.ACCESS)])
def test_an_agreement_is_of_one_kind(keeper, shop, did, agree, check, kind, wanted):
    """Who may compute may not download, and the other way round, though both were granted under other agreements."""
    deal = agree(kind, did)
    keeper.grant(deal)
    keeper.grant(agree(wanted, did))

    with pytest.raises(PaymentMissing, match=f"not of {wanted}"):
        check(deal, shop.buyer, did, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_agreement_is_not_paid(shop, did, agree, check, kind):
    """An id that nobody has used is a 403 that says so."""
    deal = replace(agree(kind, did), id="0x" + "ab" * 32)

    with pytest.raises(PaymentMissing, match="not on the chain"):
        check(deal, shop.buyer, did)


def test_an_agreement_ends(keeper, shop, did, agree, check):
    """Its time begins with the block that it was made in; after it, it opens nothing; no time is for ever."""
    deal = agree(Kind.ACCESS, did)
    made_s = int(shop.node.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    keeper.grant(deal)

    assert made_s == check(deal, shop.buyer, did, timeout_s=3600, now_s=made_s + 3600.0).made_s
    check(deal, shop.buyer, did, timeout_s=0, now_s=made_s + 1e9)
    with pytest.raises(PaymentMissing, match="ended 5 seconds ago"):
        check(deal, shop.buyer, did, timeout_s=3600, now_s=made_s + 3605.0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_paid_back_is_closed(keeper, shop, did, agree, check, kind):
    """A consumer who ended an agreement and has the money back has no use of it, whatever else was granted."""
    keeper.grant(agree(kind, did))
    deal = agree(kind, did, timeout_blocks=2)
    keeper.pay(deal)
    before = keeper.balance(shop.buyer)
    shop.node.mine(3)

    keeper.abort(deal)
    keeper.release(deal)

    assert before + deal.amount == keeper.balance(shop.buyer)
    with pytest.raises(PaymentMissing, match="aborted"):
        check(deal, shop.buyer, did)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_granted_too_late_is_closed(keeper, shop, agree, check, kind):
    """The contracts note the permission all the same, but the condition is aborted, and the money goes back."""
    did = keeper.register(shop.seller, shop.provider)
    deal = agree(kind, did, timeout_blocks=2)
    shop.node.mine(3)

    keeper.grant(deal)

    assert keeper.is_permitted(deal)
    with pytest.raises(PaymentMissing, match="aborted"):
        check(deal, shop.buyer, did)


def test_access_can_be_taken_back(keeper, shop, agree, check):
    """When the owner of an asset revokes a permission, the agreement does not stand in for it."""
    did = keeper.register(shop.seller, shop.provider)
    deal = agree(Kind.ACCESS, did)
    keeper.grant(deal)
    check(deal, shop.buyer, did)

    keeper.renounce(deal, shop.seller)

    with pytest.raises(PaymentMissing, match="taken back"):
        check(deal, shop.buyer, did)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_grants_to_themselves(keeper, shop, agree, check, kind):
    """Only who owns or serves the asset can fulfil the condition that is asked for, whoever has made the agreement."""
    did = keeper.register(shop.seller, shop.provider)
    deal = agree(kind, did)

    with pytest.raises(RuntimeError, match=r"Invalid DID owner/provider|failed"):
        keeper.grant(replace(deal, provider=shop.buyer))

    with pytest.raises(PaymentMissing, match="not granted yet"):
        check(deal, shop.buyer, did)


def test_a_permission_without_an_agreement_opens_none(keeper, shop, agree, check):
    """What the owner permits by hand is no granting of an agreement."""
    did = keeper.register(shop.seller, shop.provider)
    deal = agree(Kind.ACCESS, did)

    keeper.contracts[ACCESS].transact(shop.seller, "grantPermission", shop.buyer, deal.did)

    with pytest.raises(PaymentMissing, match="not granted yet"):
        check(deal, shop.buyer, did)


@pytest.mark.parametrize("spelled", [str.lower, lambda text: "0x" + text[2:].upper(), lambda text: text[2:]])
def test_ids_are_spelled_in_any_way(keeper, shop, did, agree, check, spelled):
    """JavaScript's clients leave 0x out; capitals mean nothing."""
    deal = agree(Kind.COMPUTE, did)
    keeper.grant(deal)

    assert deal.id == check(replace(deal, id=spelled(deal.id)), shop.buyer, did).id


@pytest.mark.parametrize("spelled", [str, str.lower, lambda text: "0x" + text[2:].upper()])
def test_addresses_are_spelled_in_any_case(keeper, shop, did, agree, check, spelled):
    """Capitals are a checksum, and nothing else; one that is wrong is ignored."""
    deal = agree(Kind.ACCESS, did)
    keeper.grant(deal)

    assert shop.buyer.lower() == check(deal, spelled(shop.buyer), did).consumer


def test_confirmations_are_waited_for(keeper, shop, did, agree, open_agreements):
    """An agreement counts once so many blocks follow the one in which it was granted."""
    agreements = open_agreements(shop.node.url, chain_confirmations=3)
    deal = agree(Kind.COMPUTE, did)
    shop.node.mine(3)
    keeper.grant(deal)

    with pytest.raises(PaymentMissing, match="3 more blocks"):
        agreements.check(deal.id, shop.buyer, did, deal.kind, timeout_s=0, now_s=0)
    shop.node.mine(3)

    assert deal.id == agreements.check(deal.id, shop.buyer, did, deal.kind, timeout_s=0, now_s=0).id


def test_a_granting_that_was_undone_counts_no_more(keeper, shop, agree, check):
    """When another branch of the chain wins, what was granted on the one that lost is not granted."""
    did = keeper.register(shop.seller, shop.provider)
    deal = agree(Kind.ACCESS, did)
    with shop.node.undone():
        keeper.grant(deal)
        check(deal, shop.buyer, did)

    with pytest.raises(PaymentMissing, match="not granted yet"):
        check(deal, shop.buyer, did)


@pytest.mark.parametrize(
    ("agreement", "consumer"),
    [
        ("", "0x" + "11" * 20),
        ("0x", "0x" + "11" * 20),
        ("0x" + "zz" * 32, "0x" + "11" * 20),
        ("0x" + "ab" * 33, "0x" + "11" * 20),
        ("ab" * 32 + "\n", "0x" + "11" * 20),
        ("did:op:" + "ab" * 32, "0x" + "11" * 20),
        ("ab" * 32, ""),
        ("ab" * 32, "11" * 20),
    ],
)
def test_what_is_no_id_and_no_address_is_refused_without_asking(open_agreements, did, agreement, consumer):
    """A malformed id or address costs nothing: no endpoint is asked."""
    with pytest.raises(InputInvalid):
        open_agreements(NOTHING_HERE).check(agreement, consumer, did, Kind.ACCESS, timeout_s=0, now_s=0)


def test_a_short_did_has_no_agreements(open_agreements, shop):
    """The DID of a datatoken has 40 digits; a keeper knows none such, and is not asked."""
    with pytest.raises(PaymentMissing, match="64 digits"):
        open_agreements(NOTHING_HERE).check(
            "ab" * 32, shop.buyer, "did:op:" + "ab" * 20, Kind.ACCESS, timeout_s=0, now_s=0
        )


def test_without_contracts_agreements_are_not_checked(open_agreements, shop, did):
    """None is a 503 that says which setting is missing."""
    with pytest.raises(ChainUnavailable, match="SEAMARK_KEEPER_CONTRACTS"):
        open_agreements(NOTHING_HERE, keeper_contracts="").check(
            "ab" * 32, shop.buyer, did, Kind.ACCESS, timeout_s=0, now_s=0
        )


@pytest.mark.parametrize("at", ["buyer", "token"])
def test_a_wrong_address_of_a_contract_is_said(keeper, open_agreements, shop, did, at):
    """An account, or another contract, at the address that the settings name is a 503 that names it."""
    address = shop.buyer if at == "buyer" else shop.token.address
    contracts = setting_of(keeper.addresses | {STORE: address})

    with pytest.raises(ChainUnavailable, match=f"no {STORE} at {address}"):
        open_agreements(shop.node.url, keeper_contracts=contracts).check(
            "ab" * 32, shop.buyer, did, Kind.ACCESS, timeout_s=0, now_s=0
        )


def test_a_chain_that_is_down_is_a_problem_in_time(open_agreements, shop, did):
    """No endpoint is a 503 that names none, within the bound for all questions together."""
    begin = time.monotonic()

    with pytest.raises(ChainUnavailable) as caught:
        open_agreements(NOTHING_HERE, timeout_s=1.0).check(
            "ab" * 32, shop.buyer, did, Kind.ACCESS, timeout_s=0, now_s=0
        )

    assert "127.0.0.1" not in str(caught.value.as_document())
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("fault", ["hang_up", "error page", "over its limit"])
def test_another_endpoint_steps_in(keeper, shop, did, agree, open_agreements, fault):
    """With one good endpoint an agreement is checked, though the first one fails."""
    deal = agree(Kind.COMPUTE, did)
    keeper.grant(deal)

    with endpoint(FAULTS[fault]) as (url, asked):
        found = open_agreements(url, shop.node.url).check(deal.id, shop.buyer, did, Kind.COMPUTE, timeout_s=0, now_s=0)

    assert deal.id == found.id
    assert asked


CLAIM = Claim(id="0x" + "1" * 64, consumer="0x" + "2" * 40, did="0x" + "3" * 64, kind=Kind.ACCESS, timeout_s=0)
FOUND = Found(
    did=CLAIM.did,
    made_s=100,
    is_actor=True,
    is_permitted=True,
    conditions={"grant": Condition(state=State.FULFILLED, block=7)},
    head=7,
)


@pytest.mark.parametrize("state", [*State, 4, 255])
def test_a_state_that_is_not_fulfilled_grants_nothing(state):
    """Of all that a node may say of a condition, one value grants."""
    found = replace(FOUND, conditions={"grant": Condition(state=state, block=7)})

    assert (state == State.FULFILLED) == (fault_of(found, CLAIM, "grant", now_s=100, confirmations=0) is None)
