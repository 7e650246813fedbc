"""What other servers want to see: kept so that nobody reads it again, and sent to nobody else."""

from __future__ import annotations

import base64
import json
import logging
import time

import pytest
from sklearn.linear_model import LogisticRegression
from sqlalchemy import select

from handlers import services
from handlers.app import create_app
from handlers.errors import AddressRefused, InputInvalid, KeyUnavailable
from handlers.files.calls import Line
from handlers.files.remote import Remote
from handlers.keys import Keys
from handlers.models.audit import Audit
from handlers.models.credentials import headers_in, repeated
from handlers.models.registry import ENDPOINTS
from handlers.models.remote import Remotes, Wish
from handlers.settings import Settings, networks_of
from tests.models.peer import METADATA, App

SECRET = "hush-4711-do-not-tell"
BASIC = "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
WAYS = [
    ({"token": SECRET}, {"Authorization": f"Bearer {SECRET}"}),
    ({"username": "ann", "password": SECRET}, {"Authorization": BASIC}),
    ({"headers": {"X-API-Key": SECRET}}, {"X-API-Key": SECRET}),
    ({"token": SECRET, "headers": {"X-Tenant": "7"}}, {"Authorization": f"Bearer {SECRET}", "X-Tenant": "7"}),
]


@pytest.fixture
def add(client, peer):
    """Adds a model of the peer, whose infer answers."""
    peer.paths["/v2/models/m"] = (200, METADATA)
    peer.paths["/v2/models/m/infer"] = (
        200,
        {"outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": [1]}]},
    )

    def added(credentials, expect=201, url=None):
        body = {"url": url or peer.url, "protocol": "v2", "model": "m", "credentials": credentials}
        return client.call("POST", "/remotes", expect, json=body)

    return added


def sealed_of(client, model):
    """Return what the database holds."""
    endpoint = client.endpoint_of(model)["id"]
    with services.services().database.read() as connection:
        return connection.execute(select(ENDPOINTS.c.credentials).where(ENDPOINTS.c.id == endpoint)).scalar_one()


@pytest.mark.parametrize(("given", "sent"), WAYS)
def test_credentials_go_with_each_question(client, peer, add, given, sent):
    """To read the model, and to ask it."""
    model = add(given)
    client.predict(model, a=1)

    assert [sent] * 2 == [{name: headers.get(name) for name in sent} for headers in peer.headers]


def test_credentials_are_changed_and_taken_away(client, peer, add):
    """By PATCH: null takes them away, what is absent stays; a model that is no other server's has none."""
    model = add({"token": SECRET})
    path = f"/models/{model['id']}"

    for change in ({"credentials": {"headers": {"X-API-Key": "k"}}}, {"version": "v2"}, {"credentials": None}):
        client.call("PATCH", path, json=change)
        client.predict(model, a=1)

    assert [None] * 3 == [headers.get("Authorization") for headers in peer.headers[1:]]
    assert ["k", "k", None] == [headers.get("X-API-Key") for headers in peer.headers[1:]]
    assert sealed_of(client, model) is None
    other = client.call("POST", "/models", 201, json={"name": "no other server's"})
    client.call("PATCH", f"/models/{other['id']}", 409, json={"credentials": {"token": SECRET}})


def test_credentials_are_never_told(client, peer, add, caplog, tmp_path, monkeypatch):
    """Neither in what is stored, nor in any answer, log or document, nor in the words of a server that repeats them."""
    caplog.set_level(logging.DEBUG)
    here = services.services()
    audit = Audit(here.settings.model_copy(update={"audit_log": tmp_path / "audit"}))
    monkeypatch.setattr(here.models.predictor, "_audit", audit)
    model = add({"token": SECRET})
    endpoint = client.endpoint_of(model)
    said = [model, endpoint, client.call("PATCH", f"/models/{model['id']}", json={"credentials": {"token": SECRET}})]
    for status in (400, 401, 404, 500, 503):
        peer.paths["/v2/models/m/infer"] = (status, {"error": f"I do not know Bearer {SECRET}"})
        answer = client.raw(model, {"a": 1})
        said.append(answer.text)
        assert answer.status_code >= 400
    peer.paths["/v2/models/m/infer"] = (500, {"error": f"half of it: {SECRET[:10]}"})
    said.append(client.raw(model, {"a": 1}).json)
    assert "The other server says 500." == said[-1]["error"]
    said.append(client.call("POST", f"/models/{model['id']}/refresh"))
    for path in (
        f"/ops/models/{model['id']}",
        "/ops/models?limit=200",
        f"/v2/models/{model['id']}",
        "/openapi/ops.json",
    ):
        said.append(client.client.get(path).text)
    said.append(client.client.get(f"/ops/endpoints/{endpoint['id']}/openapi.json").text)
    kept = here.models.registry.endpoint(endpoint["id"])

    assert SECRET not in json.dumps(said)
    assert SECRET not in caplog.text
    assert SECRET not in (tmp_path / "audit").read_text()
    assert SECRET not in repr(kept) + str(kept.credentials) + json.dumps(kept.known)
    assert kept.credentials.startswith("0x")
    assert SECRET not in repr(Wish(url="http://h", protocol="v2", model="m", credentials={"token": SECRET}))


@pytest.mark.parametrize(
    "given",
    [
        SECRET,
        [SECRET],
        {},
        {"token": ""},
        {"token": SECRET + " two"},
        {"token": SECRET + "\n"},
        {"token": SECRET * 1000},
        {"token": [SECRET]},
        {"secret": SECRET},
        {"username": "ann"},
        {"password": SECRET},
        {"username": "a:b", "password": SECRET},
        {"token": SECRET, "username": "ann", "password": SECRET},
        {"token": SECRET, "headers": {"authorization": SECRET}},
        {"headers": {"X-Key": SECRET, "x-key": SECRET}},
        {"headers": {"X-Key": SECRET + "\r\nHost: elsewhere"}},
        {"headers": {"X-Key": SECRET + "é"}},
        {"headers": {"X-Key": " " + SECRET}},
        {"headers": {"X Key": SECRET}},
        {"headers": {"": SECRET}},
        {"headers": {"Host": SECRET}},
        {"headers": {"Transfer-Encoding": SECRET}},
        {"headers": {"Content-Length": SECRET}},
        {"headers": {"Proxy-Authorization": SECRET}},
        {"headers": {f"X-{number}": SECRET for number in range(9)}},
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_refused_and_not_repeated(client, add, given):
    """400 with the place, when the model is added and when it is changed; nothing is sent."""
    model = add({"token": "t"})

    answers = [add(given, 400), client.call("PATCH", f"/models/{model['id']}", 400, json={"credentials": given})]

    for answer in answers:
        assert answer["errors"][0]["place"].startswith("/credentials")
        assert SECRET not in json.dumps(answer)


def test_credentials_do_not_follow_a_redirect(client, peer, add):
    """Nor does anything else: it is an answer that is none."""
    model = add({"token": SECRET})
    there = App(lambda *_: pytest.fail("somebody was sent here"))
    peer.paths["/v2/models/m/infer"] = (307, b"", ("Location", there.url), ("Content-Length", 0))

    answer = client.raw(model, {"a": 1})
    there.close()

    assert 502 == answer.status_code
    assert "says 307" in answer.json["error"]


def test_credentials_go_to_no_other_server(here, client, add, safe):
    """They are sealed for scheme, host and port; with another address in the database they do not open."""
    sealed = here.models.registry.endpoint(client.endpoint_of(add({"token": SECRET}))["id"]).credentials
    own = safe.seal({"token": SECRET}, "https://h")

    assert {"Authorization": f"Bearer {SECRET}"} == safe.open(own, "https://H:443/any/path")
    for url in ("http://h", "https://h:444", "https://i", "https://h.i"):
        with pytest.raises(KeyUnavailable):
            safe.open(own, url)
    with pytest.raises(KeyUnavailable):
        safe.open(sealed, "https://h")


def test_a_line_leads_to_one_server(peer):
    """Whoever asks over it for an address of another server is refused before anything is sent."""
    with Line(Remote(networks_of("127.0.0.0/8")), peer.url, 1, shown={"X-Key": SECRET}) as line:
        for url in ("http://127.0.0.1:1/", peer.url.replace("http", "https"), "http://localhost/"):
            with pytest.raises(AddressRefused):
                line.call(url)

    assert [] == peer.requests


@pytest.mark.parametrize(
    ("url", "networks", "refused"),
    [
        ("http://inside.example", "", True),
        ("http://inside.example", "10.0.0.0/8", True),
        ("http://inside.example", "93.184.216.0/24", False),
        ("https://inside.example", "", False),
    ],
)
def test_credentials_go_by_https(safe, url, networks, refused):
    """By http only into networks that settings name, judged by the address that the name has now."""
    connections = []

    def connect(address, timeout_s):
        connections.append(address)
        raise ConnectionRefusedError

    remote = Remote(networks_of(networks), resolve=lambda *_: ["93.184.216.34"])
    remotes = Remotes(remote, safe, 1, connect=connect)
    sealed = remotes.sealed({"token": SECRET}, url)
    if refused:
        for ask in (remotes.check, lambda *given: remotes.read(Wish(url=given[0], protocol="v2", model="m"), given[1])):
            with pytest.raises(AddressRefused, match="https"):
                ask(url, sealed)
        assert [] == connections
    else:
        remotes.check(url, sealed)


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_other_credentials_is_a_bad_gateway(client, peer, add, status):
    """It says whose fault that is, and not a word of the other server's; a model that is added is a 422."""
    model, bare = (
        add({"token": SECRET}),
        client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "v2", "model": "m"}),
    )
    peer.paths["/v2/models/m/infer"] = peer.paths["/v2/models/m"] = (status, {"error": f"no: {SECRET} but s3cr3t"})

    refused = client.predict(model, 502, a=1)
    missing = client.predict(bare, 502, a=1)
    again = client.call("POST", f"/models/{model['id']}/refresh", 502)
    added = add({"token": SECRET}, 422)

    assert f"refuses the credentials that this one has for it: it says {status}." in refused["error"]
    assert f"wants credentials, and this one has none for it: it says {status}." in missing["error"]
    assert "refuses the credentials" in again["error"]
    assert "refuses the credentials" in added["error"]
    assert "s3cr3t" not in json.dumps([refused, missing, again, added])


def test_a_server_that_has_lost_its_key_says_so(here, client, peer, add, safe, tmp_path, monkeypatch):
    """503 where the key is another; and without any key nothing is taken that could not be sealed."""
    model = add({"token": SECRET})
    monkeypatch.setattr(safe_of(here), "_keys", Keys(Settings(home=tmp_path, provider_key="0x" + "11" * 32)))

    answer = client.raw(model, {"a": 1})
    client.call("PATCH", f"/models/{model['id']}", json={"credentials": {"token": SECRET}})
    client.predict(model, a=1)
    monkeypatch.setattr(safe_of(here), "_keys", Keys(Settings(home=tmp_path / "none")))

    assert (503, True) == (answer.status_code, "give them again" in answer.json["error"])
    assert "seamark key new" in add({"token": SECRET}, 503)["error"]


def safe_of(here):
    """Return the safe of the server."""
    return here.models.predictor.remotes._safe


def test_jobs_of_workers_send_them_too(client, peer, add):
    """A table that is a job is asked by another process, with the same credentials."""
    model = add({"token": SECRET})
    place = {"endpoint_id": client.endpoint_of(model)["id"]}
    more = {"data": b"a\n1\n", "content_type": "text/csv", "headers": {"Prefer": "respond-async"}}
    job = client.call("POST", "/predictions/batch", 202, query_string=place, **more)

    while job["status"] in ("scheduled", "running"):
        time.sleep(0.1)
        job = client.call("GET", f"/predictions/batch/{job['id']}")

    assert "succeeded" == job["status"], job
    assert f"Bearer {SECRET}" == peer.headers[-1]["Authorization"]


def test_a_closed_server_of_ours_is_asked(here, client, settings):
    """One that lets nobody discover or run models without a token: by both protocols."""
    closed = settings.model_copy(update={"ops_closed": "discover,run", "manage_open": False})
    there = App(create_app(closed))
    token, _ = here.tokens.new("proxy", ["models"])
    model = client.upload(LogisticRegression().fit([[0], [1]], [0, 1]), "closed.pkl")
    wishes = [
        {"url": f"{there.url}/ops", "protocol": "ops", "model": model["id"]},
        {"url": there.url, "protocol": "v2", "model": "closed"},
    ]

    refused = [client.call("POST", "/remotes", 422, json=wish)["error"] for wish in wishes]
    proxies = [
        client.call("POST", "/remotes", 201, json={**wish, "name": f"open {at}", "credentials": {"token": token}})
        for at, wish in enumerate(wishes)
    ]
    answers = [client.predict(proxy, x0=1) for proxy in proxies]
    there.close()

    assert all("wants credentials" in words for words in refused)
    assert [client.predict(model, x0=1)] * 2 == answers


@pytest.mark.parametrize(
    ("words", "header", "expected"),
    [
        ("bad token abcdefgh", "Bearer abcdefgh-ijkl", True),
        ("bad token 'abcdefg'", "Bearer abcdefgh-ijkl", False),
        ("Bearer is needed", "Bearer abcdefgh-ijkl", False),
        (f"got {BASIC[6:20]}", BASIC, True),
        (f"password {SECRET}", BASIC, True),
        ("anything", "Basic no base64", False),
        ("pin 12 is wrong", "12", True),
        ("", "12", False),
    ],
)
def test_words_that_repeat_a_credential_are_found(words, header, expected):
    """The whole of it, or a part that nobody says by chance."""
    assert expected == repeated(words, {"Authorization": header})


def test_credentials_are_read_as_they_were_given():
    """Nothing is trimmed or encoded but what Basic encodes: UTF-8."""
    pair = base64.b64encode("ann:pässword".encode()).decode()

    assert {"Authorization": f"Basic {pair}"} == headers_in({"username": "ann", "password": "pässword"})
    with pytest.raises(InputInvalid):
        headers_in({})
