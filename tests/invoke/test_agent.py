"""What clients of DEP 6 need around an invoke: who the server is, tokens, metadata, contents."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.invoke.conftest import ELSEWHERE

TOKEN, META, ASSETS = "/api/v1/auth/token", "/api/v1/meta", "/api/v1/assets"
PASSWORD = "correct horse battery staple"


def basic(name, password=PASSWORD, charset="utf-8"):
    """Return the headers of a name and a password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode(charset)).decode()}


def token(secret):
    """Return the headers of a token as DEP 20 has them."""
    return {"Authorization": f"token {secret}"}


@pytest.fixture
def name(here):
    """The name of an account of its own."""
    name = f"ann-{secrets.token_hex(4)}"
    here.accounts.add(name, ["invoke", "assets"], password=PASSWORD)
    return name


@pytest.fixture
def caller(client, name):
    """The headers of somebody who has logged in."""
    return token(client.post(TOKEN, headers=basic(name)).json)


def sha3(data):
    """Return the hash by which metadata are known."""
    return hashlib.sha3_256(data).hexdigest()


def metadata(**members):
    """Return a text of metadata unlike any other."""
    return json.dumps({"name": "rows", "type": "dataset", "nonce": secrets.token_hex(8)} | members).encode()


def register(client, caller, text):
    """Register metadata and return the answer."""
    return client.post(f"{META}/data", data=text, content_type="text/plain", headers=caller)


def upload(client, caller, asset_id, data):
    """Send the contents of an asset."""
    return client.post(f"{ASSETS}/{asset_id}", data={"file": (io.BytesIO(data), "file")}, headers=caller)


def test_the_ddo_tells_where_the_services_are(client, here):
    """One DID for the server, and the addresses under which it was asked."""
    ddo = client.get("/api/ddo", headers={"Host": "agent.example:8030"}).json

    services = {service["type"]: service["serviceEndpoint"] for service in ddo["service"]}
    assert here.agent.did == ddo["id"] == client.get("/api/ddo").json["id"]
    assert "http://agent.example:8030/api/v1/invoke" == services["DEP.Invoke.v1"]
    assert {"DEP.Auth.v1", "DEP.Invoke.v1", "DEP.Meta.v1", "DEP.Storage.v1"} == set(services)


def test_a_password_opens_a_token_that_works(client, name):
    """The token invokes from elsewhere, as the account; it is told again to whoever has the password."""
    none = client.get(TOKEN, headers=basic(name)).json
    opened = client.post(TOKEN, headers=basic(name)).json
    told = client.get(TOKEN, headers=basic(name)).json

    ran = client.post("/api/v1/invoke/sync/hash", json={"to_hash": ""}, headers=token(opened), environ_base=ELSEWHERE)
    assert ([], [opened]) == (none, told)
    assert 200 == ran.status_code


def test_tokens_end(client, here, name):
    """A token opens nothing after its time; one that is about to end is no longer told."""
    short = here.settings.model_copy(update={"login_s": 1})
    here.accounts.settings, kept = short, here.accounts.settings
    try:
        opened = client.post(TOKEN, headers=basic(name)).json
        alive = here.tokens.check(opened)
    finally:
        here.accounts.settings = kept

    assert 1 == (alive.expires - alive.created).total_seconds()
    assert not alive.valid(alive.expires)
    assert [] == client.get(TOKEN, headers=basic(name)).json


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "wrong",
    [{}, {"Authorization": "Basic"}, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}, "password", "name"],
)
def test_no_password_no_token(client, name, method, wrong):
    """Neither without one, nor with a wrong one, nor with that of nobody; the answer asks for Basic."""
    named = {"password": basic(name, "wrong"), "name": basic("nobody")}
    headers = named[wrong] if isinstance(wrong, str) else wrong

    answer = getattr(client, method)(TOKEN, headers=headers)

    assert 401 == answer.status_code
    if isinstance(wrong, str):
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_passwords_may_have_any_letters(client, here):
    """Clients send them as UTF-8, or as Latin-1."""
    name = f"jörg-{secrets.token_hex(4)}"
    here.accounts.add(name, ["invoke"], password="schöne grüße")

    for charset in ("utf-8", "latin-1"):
        assert 200 == client.post(TOKEN, headers=basic(name, "schöne grüße", charset)).status_code


def test_who_guesses_has_to_wait(client, name):
    """After ten wrong passwords 429 with Retry-After, from that address; others log in as ever."""
    guesser = {"REMOTE_ADDR": "198.51.100.99"}

    statuses = [client.get(TOKEN, headers=basic(name, str(n)), environ_base=guesser).status_code for n in range(11)]
    last = client.get(TOKEN, headers=basic(name, "again"), environ_base=guesser)

    assert [401] * 10 + [429] == statuses
    assert int(last.headers["Retry-After"]) > 0
    assert 200 == client.get(TOKEN, headers=basic(name), environ_base=ELSEWHERE).status_code


def test_an_account_that_is_removed_takes_its_tokens_along(client, here, name, caller):
    """Neither password nor token opens anything any more."""
    here.accounts.remove(name)

    assert 401 == client.get(TOKEN, headers=basic(name)).status_code
    assert 401 == client.get(f"{META}/index", headers=caller).status_code


def sign_in(client, wallet, *, sign=None, spell=str):
    """Log in with an Ethereum key; *sign* signs in its place."""
    address = spell(wallet.address)
    challenge = client.post("/api/v1/auth/challenge", json={"address": address}).json
    signed = (sign or wallet).sign_message(encode_defunct(text=challenge["text"]))
    body = {"address": address, "nonce": challenge["nonce"], "signature": "0x" + signed.signature.hex()}
    return client.post(TOKEN, json=body), body


@pytest.mark.parametrize("spell", [str, str.lower], ids=["checksummed", "lower"])
def test_a_signature_opens_a_token_once(client, here, spell):
    """The wallet of an account opens a token of that account; the challenge is used up then."""
    wallet = Account.create()
    name = f"wim-{secrets.token_hex(4)}"
    here.accounts.add(name, ["invoke"], address=wallet.address)

    opened, body = sign_in(client, wallet, spell=spell)
    again = client.post(TOKEN, json=body)

    assert (200, 401) == (opened.status_code, again.status_code)
    assert (name, ("invoke",)) == (here.tokens.check(opened.json).name, here.tokens.check(opened.json).scopes)


def test_only_the_own_signature_counts(client, here):
    """Neither that of another wallet, nor that over another challenge, nor what is none."""
    wallet = Account.create()
    here.accounts.add(f"wim-{secrets.token_hex(4)}", ["invoke"], address=wallet.address)

    forged, body = sign_in(client, wallet, sign=Account.create())
    _, mine = sign_in(client, wallet)
    statuses = [
        client.post(TOKEN, json=body | changes).status_code
        for changes in ({"signature": mine["signature"]}, {"signature": "0x"}, {"signature": "0x" + "00" * 65},
                        {"signature": "zz"}, {"nonce": "0" * 32})
    ]  # fmt: skip

    assert 401 == forged.status_code
    assert [401] * 5 == statuses


def test_a_challenge_is_for_one_server(client, here):
    """What was signed for another server's name opens nothing here."""
    wallet = Account.create()
    here.accounts.add(f"wim-{secrets.token_hex(4)}", ["invoke"], address=wallet.address)
    body = {"address": wallet.address}
    challenge = client.post("/api/v1/auth/challenge", json=body, headers={"Host": "evil.example"}).json
    signature = wallet.sign_message(encode_defunct(text=challenge["text"])).signature.hex()

    answer = client.post(TOKEN, json=body | {"nonce": challenge["nonce"], "signature": signature})

    assert 401 == answer.status_code


def test_wallets_without_an_account_come_in_where_the_settings_say_so(client, here):
    """Not as they come; with `signer_scopes` as their own address."""
    wallet = Account.create()
    refused, _ = sign_in(client, wallet)
    kept = here.accounts.settings
    here.accounts.settings = kept.model_copy(update={"signer_scopes": "invoke"})
    here.accounts.settings.__dict__.pop("scopes_of_signers", None)
    try:
        opened, _ = sign_in(client, wallet)
    finally:
        here.accounts.settings = kept

    assert (401, 200) == (refused.status_code, opened.status_code)
    assert wallet.address == here.tokens.check(opened.json).name


def test_metadata_are_kept_under_their_hash(client, caller):
    """Byte for byte, whoever asks, in any spelling of the id; registering them again is no error."""
    text = metadata(description="Grüße")

    answers = [register(client, caller, text) for _ in range(2)]
    metadata_id = answers[0].json

    assert [200, 200] == [answer.status_code for answer in answers]
    assert sha3(text) == metadata_id == answers[1].json
    for word in (metadata_id, metadata_id.upper(), "0x" + metadata_id):
        assert text == client.get(f"{META}/data/{word}", environ_base=ELSEWHERE).data
    assert json.loads(text) == client.get(f"{META}/index").json[metadata_id]


@pytest.mark.parametrize("text", [b"", b"[]", b"nothing", b'{"a": NaN}', b"\xff", b'{"a": "\\ud800"}', b"{" * 5000])
def test_what_is_no_metadata_is_refused(client, caller, text):
    """400 for what is not a JSON object that everybody can read."""
    assert 400 == register(client, caller, text).status_code


def test_metadata_are_bounded(client, caller):
    """413 beyond what metadata need."""
    assert 413 == register(client, caller, metadata(more="x" * 100_000)).status_code


def test_only_who_may_register_does(client, here, name):
    """401 without a token, 403 without the scope `assets`."""
    invoker = token(here.tokens.new("eve", ["invoke"])[0])

    assert 401 == register(client, {}, metadata()).status_code
    assert 403 == register(client, invoker, metadata()).status_code
    assert 401 == upload(client, {}, "0" * 64, b"").status_code


def test_contents_are_stored_once_and_are_the_registrants_own(client, here, caller):
    """201, then 200 for the same, 409 for others; only who sent them may have them."""
    asset_id = register(client, caller, metadata(contentType="text/csv")).json

    sent = [upload(client, caller, asset_id, data) for data in (b"a,b\n", b"a,b\n", b"other")]
    got = client.get(f"{ASSETS}/{asset_id}", headers=caller)
    stranger = client.get(f"{ASSETS}/{asset_id}")

    assert [201, 200, 409] == [answer.status_code for answer in sent]
    assert {"did": f"{here.agent.did}/{asset_id}", "size": 4} == sent[0].json
    assert (200, b"a,b\n", "4") == (got.status_code, got.data, got.headers["Content-Length"])
    assert 403 == stranger.status_code
    assert "text/csv" == here.assets.read(f"did:op:{asset_id}").content_type


def test_contents_have_to_be_those_of_the_metadata(client, caller):
    """Where the metadata name a hash, only contents with that hash are taken."""
    asset_id = register(client, caller, metadata(contentHash=sha3(b"right"))).json

    assert 400 == upload(client, caller, asset_id, b"wrong").status_code
    assert 201 == upload(client, caller, asset_id, b"right").status_code


def test_nobody_fills_the_metadata_of_another(client, here, caller):
    """403 for who has not registered them, 404 where nobody has."""
    asset_id = register(client, caller, metadata()).json
    other = token(here.tokens.new("otto", ["assets"])[0])

    assert 403 == upload(client, other, asset_id, b"").status_code
    assert 404 == upload(client, caller, "0" * 64, b"").status_code


def test_an_uploaded_asset_can_be_invoked_with(client, here, caller):
    """By the DID that the upload answered; nobody else may."""
    asset_id = register(client, caller, metadata()).json
    did = upload(client, caller, asset_id, b"model").json["did"]
    body = {"to_hash": "", "saved_model": {"did": did}}

    mine = client.post("/api/v1/invoke/sync/hash", json=body, headers=caller)
    others = client.post("/api/v1/invoke/sync/hash", json=body)

    assert sha3(b"model") == mine.json["outputs"]["saved_model_hash_val"]
    assert 403 == others.status_code


def test_an_asset_of_ours_has_metadata_by_which_it_is_found(client, here, tmp_path):
    """Its DID is the hash of a text; that of a private one is its owner's alone."""
    path = tmp_path / "rows.csv"
    path.write_text("a\n")
    free = here.assets.add(path).did.removeprefix("did:op:")
    own = here.assets.add(path, owner="paula").did.removeprefix("did:op:")
    paula = token(here.tokens.new("paula", ["invoke"])[0])

    text = client.get(f"{META}/data/{free}").data

    assert free == sha3(text)
    assert ("rows.csv", "dataset", "text/csv") == tuple(
        json.loads(text)[key] for key in ("name", "type", "contentType")
    )
    assert 404 == client.get(f"{META}/data/{own}").status_code
    assert 200 == client.get(f"{META}/data/{own}", headers=paula).status_code
    assert own not in client.get(f"{META}/index").json
    assert {free, own} <= client.get(f"{META}/index", headers=paula).json.keys()
    here.assets.remove(f"did:op:{free}")
    assert 404 == client.get(f"{META}/data/{free}").status_code
