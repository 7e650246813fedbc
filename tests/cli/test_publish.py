"""`seamark asset publish`: from a file, or an address, to what buyers can have."""

from __future__ import annotations

import json
import re

import pytest

from handlers import services
from handlers.app import create_app
from handlers.demo.node import secret_of
from handlers.settings import Settings
from handlers.storage import migrate
from tests.cli.conftest import environment_for, seamark
from tests.files.upstream import Upstream, ranging
from tests.nodes import Shop, devchain
from tests.provider.conftest import API, Consumer, reader

pytestmark = pytest.mark.long

BODY = b"id,value\n1,5.1\n"
PROVIDER = secret_of(3)  # the fourth account of the chain, which has funds


@pytest.fixture
def upstream():
    """A web server of this test's own."""
    server = Upstream()
    server.paths["/rows.csv"] = ranging(BODY, Content_Type="text/csv")
    yield server
    server.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A chain with its contracts."""
    with devchain(tmp_path_factory.mktemp("chain")) as node:
        yield Shop(node)


@pytest.fixture
def run(tmp_path, upstream, shop):
    """Returns what runs the command, with a chain or without."""
    file = tmp_path / "rows.csv"
    file.write_bytes(BODY)

    def command(*arguments, chain=False):
        given = {"provider_key": PROVIDER, "allowed_networks": "127.0.0.0/8", "fetch_timeout_s": 5}
        given |= {"chain_url": shop.node.url, "chain_factory": shop.factory} if chain else {}
        return seamark(environment_for(tmp_path / "home", **given), "asset", *arguments)

    def run(source, *options, chain=False):
        where = {"FILE": file, "URL": upstream.url + "/rows.csv"}.get(source, source)
        return command("publish", where, *options, chain=chain)

    run.command = command

    run.settings = lambda: Settings(
        home=tmp_path / "home",
        redis_url=f"unix://{tmp_path}/none",
        provider_key=PROVIDER,
        allowed_networks="127.0.0.0/8",
        chain_url=shop.node.url,
    )
    return run


@pytest.fixture
def client(run):
    """Returns a caller of a server over the same store, who reads answers to their end."""
    started = []

    def client():
        started.append(services.start(run.settings()))
        migrate.upgrade(started[-1].database)
        return reader(create_app(run.settings()))

    yield client
    for one in started:
        one.close()


@pytest.mark.parametrize("source", ["FILE", "URL"])
def test_what_is_free_is_had_by_everybody(run, client, upstream, source):
    """A file is kept here, and an address is sealed: nobody reads it in the DDO."""
    done = run(source, "--name", "Rows", "--author", "Ann", "--license", "CC0")
    assert 0 == done.returncode, done.stderr
    did = done.stdout.strip()
    caller = client()
    ddo = caller.get(f"/api/v1/aquarius/assets/ddo/{did}").json

    assert BODY == Consumer(caller).download(did).data
    assert ["metadata", "access"] == [service["type"] for service in ddo["service"]]
    assert ("Rows", "Ann", "CC0") == tuple(
        ddo["service"][0]["attributes"]["main"][name] for name in ("name", "author", "license")
    )
    assert upstream.url not in json.dumps(ddo)
    assert (source == "URL") == ("encryptedFiles" in ddo["service"][0]["attributes"])


def test_clients_are_told_where_it_is_had(run, client):
    """In each service, and in a line that can be pasted; this server's address is the one that it is known by."""
    allowed = "0x" + "ab" * 20
    done = run("FILE", "--endpoint", "https://data.example/", "--allow", allowed)
    (line,) = re.findall(r"curl '(\S+)'", done.stderr)
    by_default = json.loads(run("FILE", "--name", "Again", "--json").stdout)
    caller = client()
    ddo = caller.get(f"/api/v1/aquarius/assets/ddo/{done.stdout.strip()}").json

    assert ["https://data.example"] * 2 == [service["serviceEndpoint"] for service in ddo["service"]]
    # Nothing serves this store, so that it is where it would be.
    assert "http://127.0.0.1:8030" == by_default["service"][1]["serviceEndpoint"]
    assert line.startswith("https://data.example/api/")
    assert 0.0 == caller.get(line.removeprefix("https://data.example")).json["numTokens"]


def test_what_was_published_is_listed_and_shown(run):
    """As any asset is; with its DDO."""
    did = run("URL", "--name", "Rows").stdout.strip()

    assert f"{did}  Rows" in run.command("list").stdout
    shown = json.loads(run.command("show", did, "--json").stdout)
    assert (did, "Rows", ["metadata", "access"]) == (
        shown["did"],
        shown["name"],
        [service["type"] for service in shown["ddo"]["service"]],
    )


@pytest.mark.parametrize("source", ["FILE", "URL"])
def test_what_has_a_price_is_had_by_who_has_paid(run, client, shop, source):
    """The datatoken is made on the chain, and names the asset; buyers are given some of it."""
    done = run(source, "--price", "2.5", "--service", "access", "--mint", f"{shop.buyer}=10", "--json", chain=True)
    assert 0 == done.returncode, done.stderr
    ddo = json.loads(done.stdout)
    did, token = ddo["id"], shop.token_at(ddo["dataToken"])
    caller = client()
    buyer = Consumer(caller, secret_of(1))

    quote = caller.get(f"{API}/initialize", query_string={"documentId": did, "consumerAddress": buyer.address}).json
    without = buyer.download(did)
    tx = shop.order(2.5, payer=buyer.address, token=token)

    assert (2.5, shop.provider.lower()) == (quote["numTokens"], quote["to"].lower())
    assert 403 == without.status_code
    assert BODY == buyer.download(did, transferTxId=tx).data
    assert did == "did:op:" + ddo["dataToken"].removeprefix("0x").lower()


def test_computing_on_it_is_sold_with_its_rules(run):
    """Which algorithms may, is in the service; who may, in the DDO."""
    allowed = "0x" + "ab" * 20
    algorithm = run("FILE", "--entrypoint", "python $ALGO", "--image", "python", "--tag", "3.11").stdout.strip()

    done = run("FILE", *("--service", "compute", "--trusted-algorithm", algorithm, "--allow", allowed, "--json"))

    ddo = json.loads(done.stdout)
    main = ddo["service"][1]["attributes"]["main"]
    assert ("compute", 4) == (ddo["service"][1]["type"], ddo["service"][1]["index"])
    (entry,) = main["privacy"]["publisherTrustedAlgorithms"]
    assert {"did", "filesChecksum", "containerSectionChecksum"} == entry.keys()
    assert (algorithm, 64, 64) == (entry["did"], len(entry["filesChecksum"]), len(entry["containerSectionChecksum"]))
    assert {"allow": [{"type": "address", "values": [allowed]}]} == ddo["credentials"]
    assert {"name", "datePublished", "cost", "timeout", "privacy", "provider"} == main.keys()


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("FILE", ["--price", "1"], "SEAMARK_CHAIN_FACTORY"),
        ("FILE", ["--price", "cheap"], "is no price"),
        ("FILE", ["--allow", "everybody"], "/credentials/allow/0/values/0"),
        ("FILE", ["--image", "python"], "go together"),
        ("FILE", ["--mint", "0x12", "--price", "1"], "ADDRESS=TOKENS"),
        ("FILE", ["--mint", "0x12=5", "--price", "1"], "ADDRESS=TOKENS"),
        ("FILE", ["--allow-raw-algorithm"], "--service compute"),
        ("FILE", ["--service", "compute", "--trusted-algorithm", "did:op:" + 64 * "0"], "--trusted-algorithm"),
        ("FILE", ["--url", "http://127.0.0.1:1"], "configured store"),
        ("/nothing", [], "There is no file"),
        ("http://127.0.0.1:1/a", [], "did not answer"),
        ("http://10.1.2.3/a", [], "not a public one"),
        ("ftp://a.example/a", [], "http, https, ipfs or s3"),
    ],
)
def test_what_cannot_be_sold_is_not_registered(run, client, source, options, words):
    """The command says why."""
    done = run(source, *options)

    assert done.returncode != 0
    assert words in done.stderr
    assert [] == client().get("/api/v1/aquarius/assets/ddo").json
