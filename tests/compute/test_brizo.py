"""Brizo's door: agreements on a real chain, and signatures that can be sent again."""

from __future__ import annotations

import json

import pytest

from handlers import services
from handlers.app import create_app
from handlers.chain.agreements import Kind
from handlers.demo.keeper import deploy, setting_of
from handlers.demo.node import secret_of
from tests.compute.conftest import COUNT, Computing, publish, raw
from tests.nodes import Shop, devchain
from tests.provider.conftest import reader

BRIZO = "/api/v1/brizo/services/compute"
STATUS = ("status", "statusText")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A chain of one's own."""
    with devchain(tmp_path_factory.mktemp("chain")) as node:
        yield Shop(node)


@pytest.fixture(scope="module")
def keeper(shop):
    """The contracts of agreements."""
    return deploy(shop.node.ask, shop.seller, shop.provider)


@pytest.fixture(scope="module")
def did(keeper, shop, here, upstream):
    """Data that are computed on under agreements, in a DDO that says nothing of privacy."""
    found = keeper.register(shop.seller, shop.provider)
    return publish(here, found, upstream.url + "/rows.csv")


@pytest.fixture
def client(request, settings, worker, keeper, shop, did):
    """A caller of a server that knows the chain, over the same stores; with settings of the test's own."""
    chain = {"chain_url": shop.node.url, "keeper_contracts": setting_of(keeper.addresses)} | getattr(
        request, "param", {}
    )
    before = services.services()
    started = services.start(type(settings)(**settings.model_dump() | chain))
    yield reader(create_app(started.settings))
    started.close()
    services._services = before


@pytest.fixture
def agreement(keeper, shop, did):
    """An agreement of the buyer's that was granted."""
    deal = keeper.agree(Kind.COMPUTE, did, shop.buyer, shop.provider)
    keeper.pay(deal)
    keeper.grant(deal)
    return deal.id


class Agreed(Computing):
    """Signs what Brizo's callers sign: without a nonce."""

    def __init__(self, client):
        super().__init__(client, secret_of(1))

    def signed(self, agreement, job=""):
        """Return the parameters of a request."""
        proof = self.sign(f"{self.address}{job}{agreement}", nonce="")
        return {"signature": proof, "serviceAgreementId": agreement, "consumerAddress": self.address, "jobId": job}

    def begin(self, agreement, **more):
        """Start a job as squid-py does."""
        meta = {"algorithmDID": None, "algorithmMeta": raw(COUNT), "output": {}}
        return self.client.post(BRIZO, json=self.signed(agreement) | meta | more)

    def ask(self, verb, job="", data="", **more):
        """Ask about jobs under the agreement, stop or delete them."""
        answer = self.client.open(BRIZO, method=verb, query_string=self.signed(data, job) | more)
        assert 200 == answer.status_code, answer.text
        return answer.json


def test_what_was_agreed_on_is_computed(client, agreement):
    """As squid-py asks, with or without 0x, polling with one signature as often as it likes."""
    owner = Agreed(client)

    started = owner.begin(agreement)
    other = owner.begin(agreement.removeprefix("0x"), algorithmMeta=json.dumps(raw(COUNT)))

    assert [200, 200] == [started.status_code, other.status_code], (started.text, other.text)
    job = started.json[0]["jobId"]
    done = owner.ended(job)
    assert (6, "Job completed") == tuple(done[name] for name in STATUS), done
    assert (agreement, None) == (done["agreementId"], done.get("documentId"))
    assert 2 == len(owner.ask("GET", data=agreement))
    assert 1 == len(done["resultsUrls"])
    assert 200 == client.get(done["resultsUrls"][0].partition("localhost")[2]).status_code


def test_requests_of_the_published_clients_pass_unchanged(client, agreement):
    """squid-py 0.9.3 sends a body to start and a query for the rest; squid-js 2.2.0 sends queries alone, without 0x."""
    owner = Agreed(client)
    python = owner.signed(agreement) | {"algorithmDID": None, "algorithmMeta": raw(COUNT), "output": {}, "jobId": ""}
    bare = agreement.removeprefix("0x")
    script = owner.signed(bare) | {"algorithmMeta": json.dumps(raw(COUNT)), "output": json.dumps({}), "jobId": ""}

    begun = [client.post(BRIZO, json=python), client.post(BRIZO, query_string=script)]

    assert [200, 200] == [answer.status_code for answer in begun], [answer.text for answer in begun]
    for answer, subject in zip(begun, (agreement, bare), strict=True):
        job = answer.json[0]["jobId"]
        asked = client.get(BRIZO, query_string=owner.signed(subject, job))
        ended = owner.ended(job)
        assert (200, 1) == (asked.status_code, len(asked.json))
        assert (6, 1) == (ended["status"], len(ended["resultsUrls"]))
        stopped = client.put(BRIZO, query_string=owner.signed(subject, job))
        deleted = client.delete(BRIZO, query_string=owner.signed(subject, job))
        assert [200, 200, 8] == [stopped.status_code, deleted.status_code, deleted.json[0]["status"]]


def test_nobody_computes_without_an_agreement(client, keeper, shop, did):
    """Neither under none, nor under one that waits, nor as somebody else."""
    owner = Agreed(client)
    waiting = keeper.agree(Kind.COMPUTE, did, shop.buyer, shop.provider).id
    others = keeper.agree(Kind.COMPUTE, did, shop.other, shop.provider)
    keeper.grant(others)

    answers = [owner.begin("0x" + "ab" * 32), owner.begin(waiting), owner.begin(others.id), owner.begin("0x12")]
    forged = owner.begin(waiting, signature="0x" + "11" * 65)

    assert [403, 403, 403, 400, 401] == [answer.status_code for answer in (*answers, forged)]


def test_a_signature_stops_a_job_once(client, agreement):
    """Whoever has seen it cannot stop a job that its owner has started again."""
    owner = Agreed(client)
    job = owner.begin(agreement, algorithmMeta=raw("import time; time.sleep(30)")).json[0]["jobId"]
    seen = owner.signed(agreement, job)

    stopped = client.put(BRIZO, query_string=seen).json[0]
    again = client.post(BRIZO, json=seen)
    replayed = client.put(BRIZO, query_string=seen).json[0]
    deleted = client.delete(BRIZO, query_string=seen).json[0]

    assert [7, 200, 8] == [stopped["status"], again.status_code, deleted["status"]]
    assert replayed["status"] < 6


@pytest.mark.parametrize("client", [{"compute_jobs_per_order": 2}, {"calls_per_minute": 2}], indirect=True)
def test_an_agreement_is_good_for_so_many_jobs(client, agreement):
    """One signature starts several, up to the bounds on jobs and on calls; then there is a 429, for any signature."""
    owner = Agreed(client)
    code = raw("pass")

    answers = [owner.begin(agreement, algorithmMeta=code).status_code for _ in range(3)]

    assert [200, 200, 429] == answers
