"""Requests as the published clients send them, those that the clients' own runs do not cover."""

from __future__ import annotations

import json
import re
import time

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from handlers.app import create_app
from handlers.settings import Settings
from tests.files.upstream import ranging
from tests.provider.conftest import ADDRESS, API, KEY, reader

BODY = b"12345678"
#: Of key 0x11…11, as ocean-lib 0.8.5 signs the DID with the nonce 7.
SIGNER = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
SIGNATURE = (
    "0x966ed4d222b35e6855c1e9d8a623a7d776e3ee2e00aea25944982dc3a94118342ef5c5cdb3a24f07c54dfc999a31521bc6e35bffbd8e920e"
    "2df91e97eaf4d7411c"
)
TOKEN = "0x0c184915b07b44C888D468bE85A9b28253e80070"
DID = "did:op:0c184915b07b44c888d468be85a9b28253e80070"
QUOTED = DID.replace(":", "%3A")
TX = "0x" + "ab" * 32
JOB = "0123456789abcdef0123456789abcdef"
OCEAN_JS = {"Content-type": "application/json"}  #: what it sends with every request
FILES = '[{"url": "https://example.com/a.csv", "index": 0, "contentType": "text/csv"}]'

SIGNED = {"signature": SIGNATURE, "documentId": DID, "consumerAddress": SIGNER}
ORDERED = SIGNED | {"transferTxId": TX, "serviceId": 4}
ALGORITHM = {
    "url": "",
    "rawcode": "print('hi')",
    "language": "python",
    "format": "docker-image",
    "version": "0.1",
    "container": {"entrypoint": "python $ALGO", "image": "python", "tag": "3.8"},
}
STARTS = {
    "ocean-lib 0.8": {"output": {"metadata": {}}, "jobId": "", "additionalInputs": [], "algorithmMeta": ALGORITHM},
    "ocean-lib 0.8, by DID": {
        "output": {},
        "jobId": "",
        "additionalInputs": [],
        "userdata": None,
        "algorithmDid": "did:op:" + "de" * 20,
        "algorithmDataToken": TOKEN,
        "algorithmTransferTxId": TX,
    },
    "ocean-lib 0.5": {
        "output": {},
        "jobId": "",
        "algorithmDid": None,
        "algorithmMeta": ALGORITHM,
        "algorithmDataToken": "",
        "algorithmTransferTxId": "",
        "serviceType": "compute",
        "dataToken": TOKEN,
    },
    "ocean.js": {
        "output": {"publishOutput": False, "publishAlgorithmLog": False},
        "algorithmMeta": ALGORITHM,
        "serviceId": "4",
        "serviceType": "compute",
        "dataToken": TOKEN,
        "algocustomdata": {"age": 3},
    },
}
JOB_QUERY = f"signature={SIGNATURE}&documentId={DID}&consumerAddress={SIGNER}&jobId="
JOB_REQUESTS = [
    *((method, JOB_QUERY + JOB, None) for method in ("GET", "PUT", "DELETE")),
    *((method, "", SIGNED | {"jobId": JOB}) for method in ("PUT", "DELETE")),
    ("GET", JOB_QUERY, None),
    ("GET", f"documentId={DID}&jobId={JOB}&consumerAddress={SIGNER}", None),
]
WRONG_FORM = (400, 405, 415, 422, 500)


@pytest.fixture
def did(publish, upstream):
    """A free asset that names its datatoken."""
    upstream.paths["/a.csv"] = ranging(BODY)
    return publish(upstream.url + "/a.csv", digits=DID.removeprefix("did:op:"), dataToken=TOKEN)


@pytest.fixture
def seventh(here):
    """The signer's nonce is 7."""
    for nonce in range(7):
        assert here.nonces.spend(SIGNER, nonce)


@pytest.mark.usefixtures("seventh")
def test_ocean_lib_for_python_has_files_encrypted(client):
    """Its signature is over the DID and the nonce."""
    body = {"documentId": DID, "signature": SIGNATURE, "document": FILES, "publisherAddress": SIGNER}

    answers = [client.post(f"{API}/encrypt", json=body) for _ in range(2)]

    assert [201, 401] == [answer.status_code for answer in answers]
    assert 8 == client.get(f"{API}/nonce?userAddress={SIGNER}").json["nonce"]


@pytest.mark.usefixtures("did")
@pytest.mark.parametrize(
    "query",
    [
        f"documentId={QUOTED}&serviceId=3&serviceType=access&dataToken={TOKEN}&consumerAddress={SIGNER}",
        f"documentId={DID}&serviceId=3&serviceType=&dataToken=&consumerAddress={SIGNER}&userdata=",
        f"documentId={TOKEN}&serviceId=3&serviceType=access&dataToken={TOKEN.lower()}&consumerAddress={SIGNER.lower()}",
        f"documentId={DID}&serviceId=3&serviceType=access&consumerAddress={SIGNER}&userdata=%7B%22age%22%3A%203%7D",
    ],
)
def test_quotes_are_asked_for(client, query):
    """With a DID that is quoted or not, in each of its forms, and with empty arguments."""
    answer = client.get(f"{API}/initialize?{query}", headers=OCEAN_JS)

    assert (200, TOKEN, 0) == (answer.status_code, answer.json["dataToken"], answer.json["numTokens"]), answer.text


@pytest.mark.usefixtures("did", "seventh")
@pytest.mark.parametrize(
    "query",
    [
        f"documentId={QUOTED}&serviceId=3&serviceType=access&dataToken={TOKEN}&transferTxId={TX}"
        f"&consumerAddress={SIGNER}&signature={SIGNATURE}&fileIndex=0",
        f"fileIndex=0&documentId={DID}&serviceId=3&serviceType=access&dataToken={TOKEN}&transferTxId={TX}"
        f"&consumerAddress={SIGNER}&signature={SIGNATURE}",
        f"fileIndex=0&documentId={DID}&serviceId=&serviceType=&dataToken=&transferTxId=&transactionId="
        f"&consumerAddress={SIGNER.lower()}&signature={SIGNATURE}&userdata=",
    ],
)
def test_files_are_downloaded(client, query):
    """In the order of Python's arguments and in that of JavaScript's, with the name where both look for it."""
    answer = client.get(f"{API}/download?{query}", headers=OCEAN_JS)

    assert (200, BODY) == (answer.status_code, answer.data)
    assert "a.csv" == re.match("attachment;filename=(.+)", answer.headers["Content-Disposition"])[1]


@pytest.mark.usefixtures("did", "seventh")
def test_null_is_what_is_absent(client):
    """As older clients write it out."""
    absent = dict.fromkeys(("serviceId", "serviceType", "dataToken", "transferTxId", "transactionId", "userdata"))

    answer = client.post(f"{API}/download", json=SIGNED | absent | {"fileIndex": 0})

    assert (200, BODY) == (answer.status_code, answer.data)


@pytest.mark.usefixtures("did")
def test_files_are_looked_at(client, upstream):
    """By address and by DID, in each of its forms."""
    bodies = [{"url": upstream.url + "/a.csv"}, {"did": DID}, {"url": None, "did": TOKEN}]

    answers = [client.post(f"{API}/fileinfo", json=body).json for body in bodies]

    assert [[True]] * 3 == [[file["valid"] for file in answer] for answer in answers]


def test_an_authentication_token_is_as_good_as_a_signature(client, did):
    """As often as wanted; no nonce is used up."""
    now = int(time.time())
    text = encode_defunct(text=f"Ocean Protocol Authentication\n{now}")
    token = f"0x{Account.sign_message(text, KEY).signature.hex().removeprefix('0x')}-{now}"
    query = f"documentId={did}&serviceId=3&fileIndex=0&consumerAddress={ADDRESS}&signature={token}"

    answers = [client.get(f"{API}/download?{query}") for _ in range(2)]

    assert [(200, BODY)] * 2 == [(answer.status_code, answer.data) for answer in answers]
    assert 0 == client.get(f"{API}/nonce?userAddress={ADDRESS}").json["nonce"]


@pytest.mark.parametrize("members", STARTS.values(), ids=STARTS)
def test_no_start_of_a_job_is_refused_for_its_form(client, members):
    """Whatever else there is to say of it."""
    answer = client.post(f"{API}/compute", json=ORDERED | members)

    assert answer.status_code not in WRONG_FORM, answer.text


@pytest.mark.parametrize(("method", "query", "body"), JOB_REQUESTS)
def test_no_request_about_a_job_is_refused_for_its_form(client, method, query, body):
    """Python puts all into the query, JavaScript some into the body."""
    data = json.dumps(body) if body else ""

    answer = client.open(f"{API}/compute?{query}", method=method, data=data, headers=OCEAN_JS)

    assert answer.status_code not in WRONG_FORM, answer.text


def test_an_address_of_the_server_may_end_with_a_slash(client):
    """JavaScript's client puts the paths behind it, with theirs."""
    paths = ("//", f"/{API}/nonce", f"//{API}/nonce", "//nowhere")

    answers = [client.get(f"/?userAddress={SIGNER}", environ_overrides={"PATH_INFO": path}) for path in paths]

    assert [200, 200, 200, 404] == [answer.status_code for answer in answers]


@pytest.mark.usefixtures("did", "seventh")
def test_clients_in_browsers_see_the_name_of_the_file(here):
    """Where other origins are let in; the type that JavaScript's names with GET makes browsers ask first."""
    app = reader(create_app(Settings(**here.settings.model_dump() | {"cors_origins": "*"})))
    origin = {"Origin": "https://market.example"}
    asked = origin | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "content-type"}
    query = f"documentId={DID}&serviceId=3&fileIndex=0&consumerAddress={SIGNER}&signature={SIGNATURE}"

    first = app.options(f"{API}/download", headers=asked)
    answer = app.get(f"{API}/download?{query}", headers=origin)

    assert ("content-type", "*") == tuple(
        first.headers[f"Access-Control-Allow-{name}"] for name in ("Headers", "Origin")
    )
    assert (200, "*") == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])
    assert "Content-Disposition" in answer.headers["Access-Control-Expose-Headers"]
