"""A provider in this process, with real stores and keys, and a server of files beside it."""

from __future__ import annotations

from functools import partial

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from handlers import services
from handlers.app import create_app
from handlers.settings import Settings
from handlers.storage import migrate
from tests.databases import database_of
from tests.files.upstream import Upstream

KEY = "0x" + "22" * 32
ADDRESS = Account.from_key(KEY).address
PROVIDER_KEY = "0x" + "33" * 32
API = "/api/v1/services"


@pytest.fixture
def upstream():
    """A web server of this test's own."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def database(request, tmp_path):
    """URL of the database; empty, as by default: SQLite in the home folder."""
    if not hasattr(request, "param"):
        yield ""
        return
    with database_of(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def settings(tmp_path, database):
    """Settings of a provider that may fetch from this machine, and has no chain."""
    return Settings(
        home=tmp_path,
        database_url=database,
        redis_url=f"unix://{tmp_path}/none",
        validate_responses=True,
        allowed_networks="127.0.0.0/8",
        provider_key=PROVIDER_KEY,
        fetch_timeout_s=2,
        calls_per_minute=500,
        apis="provider,metadata",
    )


@pytest.fixture
def here(settings):
    """The services of this process."""
    started = services.start(settings)
    migrate.upgrade(started.database)
    yield started
    started.close()


@pytest.fixture
def client(here):
    """A caller on this machine, who reads answers to their end."""
    return reader(create_app(here.settings))


@pytest.fixture
def consumer(client):
    """Somebody with a key."""
    return Consumer(client)


def reader(app):
    """Return a client that reads answers to their end."""
    client = app.test_client()
    client.open = partial(client.open, buffered=True)
    return client


class Consumer:
    """Signs and fetches."""

    def __init__(self, client, key=KEY):
        self.client = client
        self.account = Account.from_key(key)
        self.address = self.account.address

    def nonce(self):
        """Return the nonce to be signed next."""
        return self.client.get(f"{API}/nonce?userAddress={self.address}").json["nonce"]

    def sign(self, text, nonce=None):
        """Return the signature of a text with the nonce."""
        message = encode_defunct(text=f"{text}{self.nonce() if nonce is None else nonce}")
        return "0x" + self.account.sign_message(message).signature.hex().removeprefix("0x")

    def parameters(self, did, **more):
        """Return what a download sends."""
        return {"documentId": did, "fileIndex": 0, "consumerAddress": self.address, "signature": self.sign(did)} | more

    def download(self, did, headers=None, method="GET", **more):
        """Fetch a file."""
        query = self.parameters(did, **more)
        return self.client.open(f"{API}/download", method=method, query_string=query, headers=headers)


@pytest.fixture
def held(here, tmp_path):
    """An asset whose file is kept here."""
    file = tmp_path / "rows.csv"
    file.write_bytes(b"id,value\n" + b"1,5.1\n" * 1000)
    return here.assets.add(file)


@pytest.fixture
def publish(client, here):
    """Returns a function that registers an asset whose files lie elsewhere, as publishers do."""

    def publish(*urls, cost="0", digits="a" * 64, **members):
        document = [{"index": index, "url": url} for index, url in enumerate(urls)]
        answer = client.post(
            f"{API}/encrypt",
            json={"documentId": "did:op:" + digits, "publisherAddress": ADDRESS, "document": document},
        )
        assert 201 == answer.status_code, answer.text
        files = [{"index": index, "contentType": "text/csv"} for index in range(len(urls))]
        metadata = {"main": {"type": "dataset", "name": "Rows", "files": files}}
        terms = {"main": {"name": "access", "cost": cost, "timeout": 0}}
        ddo = {
            "id": "did:op:" + digits,
            "service": [
                {"type": "metadata", "index": 0, "attributes": metadata | answer.json | members.pop("attributes", {})},
                {"type": "access", "index": 3, "attributes": terms},
                {"type": "compute", "index": 4, "attributes": terms},
            ],
            **members,
        }
        ddo["service"][0]["attributes"].setdefault("encryptedFiles", answer.json["encryptedDocument"])
        return here.assets.register(ddo).did

    return publish
