"""Endpoints that fail, alone and beside others."""

import json
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import structlog

from handlers.chain.client import Chain
from handlers.chain.endpoints import Endpoints
from handlers.errors import ChainUnavailable
from tests.chain.faulty import FAULTS, endpoint, refusal, result

BOUND_S = 2.0
SLACK_S = 1.5  # what a busy machine may add


@pytest.fixture
def serve():
    """Return a function that serves an answer for the length of the test."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(endpoint(answer))


@pytest.fixture
def open_chain():
    """Return a function that opens a chain on endpoints."""
    opened = []

    def open_chain(*urls, timeout_s=BOUND_S, chain_id=None):
        opened.append(Chain(urls, timeout_s=timeout_s, chain_id=chain_id))
        return opened[-1]

    yield open_chain
    for chain in opened:
        chain.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_endpoint_is_a_problem_within_the_bound(serve, open_chain, fault):
    """Whatever it does, there is a 503 in time that says nothing of the address."""
    url, _ = serve(FAULTS[fault])
    begin = time.monotonic()

    with structlog.testing.capture_logs() as logs, pytest.raises(ChainUnavailable) as caught:
        open_chain(url).head()

    assert time.monotonic() - begin < BOUND_S + SLACK_S
    assert "secretapikey" not in f"{caught.value.as_document()}{logs}"
    assert "127.0.0.1" not in f"{caught.value.as_document()}{logs}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("fault", FAULTS)
def test_another_endpoint_steps_in(serve, open_chain, fault):
    """With one good endpoint the question is answered, wherever it stands in the list."""
    faulty, _ = serve(FAULTS[fault])
    good, _ = serve(result("0x2a"))

    assert 42 == open_chain(faulty, good, timeout_s=4.0).head()
    assert 42 == open_chain(good, faulty, timeout_s=4.0).head()


def test_an_endpoint_that_failed_is_asked_last(serve, open_chain):
    """The next question goes straight to the one that works."""
    faulty, asked = serve(FAULTS["error page"])
    good, _ = serve(result("0x2a"))
    chain = open_chain(faulty, good)

    for _ in range(3):
        chain.head()

    assert 1 == len(asked)


def test_nobody_listens(open_chain):
    """A closed port is no answer either."""
    with pytest.raises(ChainUnavailable):
        open_chain("http://127.0.0.1:9").head()


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1", "http://[", "http://"])
def test_an_address_that_is_none_is_a_problem(open_chain, url):
    """A typing error in the setting is a 503, not a failure of ours."""
    with pytest.raises(ChainUnavailable):
        open_chain(url).head()


def test_endpoints_of_different_chains_do_not_mix(serve, open_chain):
    """An endpoint of another chain than the first's is not asked: its orders are not worth anything here."""
    first, asked = serve(result("0x2a", chain=1))
    other, asked_other = serve(result("0xffff", chain=5))
    chain = open_chain(first, other)
    assert 42 == chain.head()

    asked_first_alone = open_chain(other, first)

    assert 0xFFFF == asked_first_alone.head()
    assert "eth_blockNumber" in asked
    assert "eth_blockNumber" in asked_other


def test_when_the_first_fails_one_of_another_chain_does_not_step_in(serve, open_chain):
    """Better no answer than that of another chain."""
    healthy = [True]

    def answer(handler, request):
        if healthy[0]:
            result("0x2a", chain=1)(handler, request)
        else:
            handler.send(503, b"")

    first, _ = serve(answer)
    other, asked_other = serve(result("0xffff", chain=5))
    chain = open_chain(first, other)
    chain.head()
    healthy[0] = False

    with pytest.raises(ChainUnavailable):
        chain.head()

    assert {"eth_chainId"} == set(asked_other)


@pytest.mark.parametrize("before", [[], ["http://127.0.0.1:1"]])
def test_only_the_chain_of_the_settings_is_believed(serve, open_chain, before):
    """One of another chain is not asked for more, even alone, and even if the first was down from the start."""
    other, asked = serve(result("0xffff", chain=5))

    with pytest.raises(ChainUnavailable):
        open_chain(*before, other, chain_id=1).head()

    assert {"eth_chainId"} == set(asked)


def test_a_silent_chain_does_not_keep_everybody_waiting(serve, open_chain):
    """Who asks which chain it is, right after it gave no answer, is told so at once, and nothing is sent."""
    sent = []
    url, asked = serve(lambda handler, request: handler.send(503, b""))
    chain = open_chain(url)

    for _ in range(3):
        with pytest.raises(ChainUnavailable):
            chain.id()
        sent.append(len(asked))

    assert sent[0] > 0
    assert [sent[0]] * 3 == sent
    assert 1 == open_chain("http://127.0.0.1:1", chain_id=1).id()


def test_what_is_the_questions_fault_is_not_asked_again(serve):
    """A revert is an answer: no other endpoint knows better."""
    first, asked = serve(refusal(3, "execution reverted"))
    endpoints = Endpoints([first])

    answer = endpoints.ask("eth_call", [], deadline=time.monotonic() + BOUND_S)

    assert 3 == answer["error"]["code"]
    assert ["eth_call"] == asked
    endpoints.close()


def deep(levels):
    """Return a list in a list in a list."""
    value = []
    for _ in range(levels):
        value = [value]
    return {"blockNumber": value, "logs": value}


@pytest.mark.parametrize("found", ["x", {}, [], 7, True, deep(1_000), {"blockNumber": "0x1"}])
def test_results_of_another_form_are_a_problem(serve, open_chain, found):
    """A node that does not keep to the standard is a 503, whatever it answers."""
    url, _ = serve(result(found))
    chain = open_chain(url)

    with pytest.raises(ChainUnavailable):
        chain.receipt("0x" + "ab" * 32)


def test_a_contract_cannot_send_us_elsewhere(serve, open_chain):
    """A revert that asks to fetch from a URL (EIP-3668) is an answer like any other; nothing is fetched."""
    elsewhere, fetched = serve(result("0x"))
    url = elsewhere.encode().hex()
    words = [20, 5 * 32, 9 * 32 + 64, 0, 9 * 32 + 96]
    urls = f"{1:064x}{32:064x}{len(elsewhere):064x}{url.ljust(128, '0')}"
    data = "0x556f1830" + "".join(f"{word:064x}" for word in words) + urls + f"{0:064x}" * 4

    def answer(handler, request):
        error = {"code": 3, "message": "execution reverted", "data": data}
        handler.send(200, json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode())

    node, asked = serve(answer)

    assert open_chain(node).minter("0x" + "ab" * 20) is None
    assert ["eth_call"] == asked
    assert [] == fetched


def test_many_threads_ask_at_once(serve, open_chain):
    """Connections are shared; each thread gets its own answer."""
    url, _ = serve(result("0x2a"))
    chain = open_chain(url, timeout_s=10.0)

    with ThreadPoolExecutor(16) as threads:
        assert [42] * 100 == list(threads.map(lambda _: chain.head(), range(100)))


def ask_again(chain, answers):
    """Ask in a process that was forked after the chain had been asked."""
    answers.put(chain.head())


def test_a_process_that_was_forked_asks_for_itself(serve, open_chain):
    """The thread and the connections of the parent do not follow a fork; the child makes its own."""
    url, _ = serve(result("0x2a"))
    chain = open_chain(url)
    chain.head()
    forks = multiprocessing.get_context("fork")
    answers = forks.SimpleQueue()

    child = forks.Process(target=ask_again, args=(chain, answers))
    child.start()
    child.join(20)

    assert 0 == child.exitcode
    assert 42 == answers.get()


def test_a_closed_chain_can_be_asked_again(serve, open_chain):
    """Closing ends connections, and the next question makes new ones."""
    url, _ = serve(result("0x2a"))
    chain = open_chain(url)
    chain.head()
    chain.close()
    chain.close()

    assert 42 == chain.head()
