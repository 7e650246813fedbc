"""Other servers that mean no good: what they say costs little, and leads nowhere."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from handlers import services
from handlers.errors import BadGateway, Unavailable
from handlers.files import calls
from handlers.files.calls import Line
from handlers.files.remote import Remote
from handlers.models.known import MOST_BYTES
from handlers.seats import Seats
from handlers.settings import networks_of
from tests.models.peer import COLUMN, LINKS, METADATA, SCHEMA, ask_table

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WORDS = "../../<img src=x onerror=alert(1)>\x1b[2J"


class Talker:
    """A server that answers the first request with what *say* sends, and counts how much that was."""

    def __init__(self, say, *, listens=True):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.sent = 0
        self.done = threading.Event()
        self._say, self._listens = say, listens
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        peer, _ = self.socket.accept()
        with peer:
            if self._listens:
                peer.recv(1 << 16)
            try:
                for piece in self._say():
                    peer.sendall(piece)
                    self.sent += len(piece)
                    if self.done.wait(0):
                        return
            except ConnectionError:
                return
            self.done.wait(60)

    def close(self):
        """End it."""
        self.done.set()
        self.socket.close()


@pytest.fixture
def talker():
    """Makes such servers."""
    made = []

    def make(say, **how):
        made.append(Talker(say, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


def line_to(server, within_s=30, **bounds):
    """Return a line to a server of this machine."""
    return Line(Remote(networks_of("127.0.0.0/8")), server.url, within_s, **bounds)


def endless(head):
    """Say something, and then go on for ever."""
    yield head
    while True:
        yield b"x" * 65536


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        HEAD + b"Content-Length: 999999999999\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"\r\n",
        HEAD + b"X: ",
        HEAD + b"X: y\r\n" * 200,
        b"",
    ],
    ids=["chunk -1", "long chunk", "long", "length -1", "no length", "long header", "many headers", "no HTTP"],
)
def test_an_answer_without_an_end_is_given_up(talker, head):
    """Not much more is read of it than may come, however it is said how long it is; and it is not waited for."""
    server = talker(lambda: endless(head))

    with line_to(server, most_bytes=1 << 20) as line, pytest.raises(BadGateway):
        line.call(server.url)

    assert server.sent < 32 << 20  # most of which lies between the two


def test_answers_are_bounded_together(client, peer, monkeypatch):
    """For each row of a table of the Open Prediction Service there is one, and all of them are held."""
    peer.paths |= {"/models/1": (200, {"id": "1", "name": "o", "input_schema": SCHEMA, "links": LINKS})}
    peer.paths["/predictions"] = (200, {"result": {"y": "z" * 1000}})
    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "ops", "model": "1"})
    monkeypatch.setattr(calls, "MOST_BYTES", 10_000)

    ask_table(client, model, b"a,b\n" + b"1,2\n" * 9)
    answer = ask_table(client, model, b"a,b\n" + b"1,2\n" * 10, 502)

    assert "too long" in answer["error"]


def drip():
    """Say a little at a time, and nothing that counts."""
    yield HEAD + b"Content-Length: 1000000\r\n\r\n"
    while True:
        threading.Event().wait(0.02)
        yield b" "


def promises():
    """Promise again and again that the answer will come."""
    while True:
        threading.Event().wait(0.02)
        yield b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("say", [drip, promises, lambda: iter(())], ids=["body", "headers", "nothing"])
def test_a_server_that_dallies_is_given_up(talker, say):
    """Each of its bytes comes in time, and all of them do not."""
    server = talker(say)

    with line_to(server, 0.5) as line, pytest.raises(Unavailable, match=r"within 0\.5 s"):
        line.call(server.url)


def test_a_server_that_does_not_listen_is_given_up(talker):
    """What it is sent is more than lies between the two."""
    server = talker(lambda: iter(()), listens=False)

    with line_to(server, 0.5) as line, pytest.raises(Unavailable, match=r"within 0\.5 s"):
        line.call(server.url, b"x" * (64 << 20))


def output(data, **more):
    """Return an answer with one output."""
    return {"outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": data} | more]}


@pytest.mark.parametrize(
    "body",
    [
        b'{"outputs": [' + b"{}," * 300_000 + b"{}]}",
        b'{"outputs": ' + b"[" * 300_000,
        b'{"outputs": [], "more": ' + b"[" * 70 + b"]" * 70 + b"}",
        json.dumps(output([float("nan")])).encode(),
        json.dumps(output([float("inf")])).encode(),
        json.dumps(output([1])).replace("1]}", "1e999]}").encode(),
        b'{"outputs": [{"name": "\\ud800", "shape": [1], "data": [1]}]}',
        output([1], name="n" * 1025),
        output([1], shape=[1] * 9),
        output([1], shape=[True]),
        output([1], shape=[1, 10**18, 0]),
        output(["a"], shape=[1, 0]),
    ],
    ids=[
        *("many values", "too deep to read", "deep", "NaN", "infinity", "no double", "no text"),
        *("long name", "dimensions", "a truth as a size", "no elements", "an element too many"),
    ],
)
def test_an_answer_that_costs_more_than_it_says_is_a_bad_gateway(client, v2, body):
    """Neither memory nor an error of ours."""
    assert 502 == client.raw(v2(body), {"a": 1}).status_code


@pytest.mark.parametrize(("levels", "expected"), [(50, 200), (200, 502), (900, 502)])
def test_a_result_that_could_not_be_passed_on_is_not_taken(client, peer, levels, expected):
    """The Open Prediction Service lets a result hold anything; we would have to write it again."""
    peer.paths |= {"/models/1": (200, {"name": "o", "links": LINKS})}
    peer.paths["/predictions"] = (200, b'{"result": {"y": ' + b"[" * levels + b"]" * levels + b"}}")
    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "ops", "model": "1"})

    assert expected == client.raw(model, {"a": 1}).status_code


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("v2", METADATA | {"inputs": [COLUMN | {"shape": [-1, 100_000, 100_000]}]}),
        ("v2", METADATA | {"inputs": [COLUMN | {"shape": [-1, *[100_000] * 7]}]}),
        ("v2", METADATA | {"inputs": [COLUMN | {"shape": [-1, 0]}]}),
        ("v2", METADATA | {"inputs": [COLUMN | {"shape": [-1, True]}]}),
        ("v2", METADATA | {"inputs": [COLUMN | {"name": "n" * 1025}]}),
        ("v2", METADATA | {"inputs": [COLUMN | {"name": f"n{number}"} for number in range(100_001)]}),
        ("v2", b'{"inputs": [], "name": "' + b"n" * MOST_BYTES + b'"}'),
        ("v2", b'{"inputs": [], "outputs": ' + b"[" * 1000 + b"]" * 1000 + b"}"),
        ("v2", METADATA | {"inputs": [COLUMN | {"datatype": ["INT64"]}]}),
        ("ops", {"links": [{"rel": "endpoint", "href": "/" + "e" * 5000}]}),
        ("ops", {"links": LINKS, "input_schema": [{"name": "a", "order": True, "type": "int"}]}),
        ("ops", {"links": LINKS, "input_schema": [{"name": "a", "order": 1e300, "type": "int"}]}),
        ("ops", {"links": LINKS, "input_schema": [{"name": {"a": 1}, "order": 0, "type": "int"}]}),
        ("ops", {"links": LINKS, "name": ["m"]}),
    ],
    ids=[
        *("wide", "very wide", "empty", "truth", "long name", "many", "long", "deep", "datatype"),
        *("endpoint", "order", "no order", "name", "names"),
    ],
)
def test_a_model_that_would_cost_too_much_is_not_added(client, peer, protocol, said):
    """422 with a reason: neither memory nor an error of ours."""
    peer.paths |= {"/v2/models/m": (200, said), "/models/m": (200, said)}

    refused = client.call("POST", "/remotes", 422, json={"url": peer.url, "protocol": protocol, "model": "m"})

    assert refused["error"].startswith("The model cannot be added: ")
    assert len(refused["error"]) < 1100


def test_a_model_that_is_elsewhere_is_not_followed_there(client, peer, talker):
    """A redirect is an answer that is none, when a model is added as well."""
    there = talker(lambda: iter((b"",)))
    peer.paths["/v2/models/m"] = (302, b"", ("Location", there.url), ("Content-Length", 0))

    refused = client.call("POST", "/remotes", 422, json={"url": peer.url, "protocol": "v2", "model": "m"})

    assert "says 302" in refused["error"]
    there.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        there.socket.accept()


def test_names_are_names_and_nothing_else(client, peer):
    """A path, a page or what a terminal obeys is kept as a name; nothing of it is run, and no file comes of it."""
    schema = [{"name": WORDS, "order": 0, "type": WORDS}]
    outputs = {WORDS: {"type": "string", "description": WORDS, "$ref": "http://127.0.0.1/"}}
    found = {"name": WORDS, "links": LINKS, "input_schema": schema, "output_schema": outputs}
    peer.paths |= {"/models/1": (200, found), "/predictions": (200, {"result": {WORDS: WORDS}})}

    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "ops", "model": "1"})
    endpoint = client.endpoint_of(model)["id"]
    document = client.call("GET", f"/endpoints/{endpoint}/openapi.json")
    page = client.client.get(f"/ops/endpoints/{endpoint}/docs").text
    answer = client.predict(model, **{WORDS: 1})

    assert WORDS == client.call("GET", f"/models/{model['id']}")["name"]
    assert "<img" not in page
    assert "$ref" not in json.dumps(document["paths"]["/predict"]["post"]["responses"]["200"])
    assert {WORDS: WORDS} == answer
    client.call("GET", f"/models/{model['id']}/download", 404)
    assert not list(services.services().settings.home.rglob("*img*"))


@pytest.mark.parametrize(("said", "expected"), [("7", "7"), ("0000000009999", "1"), ("-1", "1"), ("9999999", "1")])
def test_a_pause_is_told_within_reason(client, v2, said, expected):
    """Whatever the other server says of when to come again."""
    model = v2({}, 503, ("Retry-After", said), ("Content-Length", 2))

    assert (503, expected) == ((answer := client.raw(model, {"a": 1})).status_code, answer.headers["Retry-After"])


def test_servers_that_dally_do_not_keep_all_threads(peer, v2, client, here):
    """Only so many wait for other servers at a time; one more is told to come again, and gets its turn later."""
    proxy, remotes = v2(lambda: waits.wait(30) and output([1])), here.models.predictor.remotes
    free, waits = Seats(here.settings.web_threads), threading.Event()
    seats = sum(free.take("peer") for _ in range(here.settings.web_threads))
    endpoint = here.models.registry.endpoint(client.endpoint_of(proxy)["id"])
    ask = [threading.Thread(target=remotes.predict, args=(endpoint, [[1]], 30)) for _ in range(seats)]
    for one in ask:
        one.start()
    while len(peer.requests) <= seats:
        time.sleep(0.01)

    refused = client.raw(proxy, {"a": 1})
    waits.set()
    for one in ask:
        one.join()

    assert (503, "1") == (refused.status_code, refused.headers["Retry-After"])
    assert 200 == client.raw(proxy, {"a": 1}).status_code
