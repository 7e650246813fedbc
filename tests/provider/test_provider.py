"""Ocean Provider, as its clients use it."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import ecies
import pytest

from handlers.app import create_app
from tests.databases import KINDS
from tests.files.upstream import always, ranging, whole
from tests.provider.conftest import ADDRESS, API, PROVIDER_KEY, Consumer, reader

BODY = b"id,value\n" + b"1,5.1\n" * 1000
WHERE = f"{API}/download"


def test_clients_learn_who_it_is_and_where(client):
    """They refuse a server without these members, and take verbs and paths from them."""
    document = client.get("/").json

    assert re.fullmatch("0x[0-9a-fA-F]{40}", document["providerAddress"])
    assert {
        "nonce": ["GET", f"{API}/nonce"],
        "encrypt": ["POST", f"{API}/encrypt"],
        "fileinfo": ["POST", f"{API}/fileinfo"],
        "initialize": ["GET", f"{API}/initialize"],
        "download": ["GET", f"{API}/download"],
    }.items() <= document["serviceEndpoints"].items()


def test_pages_of_all_origins_may_call(client, held):
    """As web applications do that hold the consumer's key; a preflight tells so, and other APIs stay closed."""
    page = {"Origin": "https://app.example"}
    ask = page | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}

    opened = [
        client.get("/", headers=page),
        client.get(f"{API}/nonce?userAddress={ADDRESS}", headers=page),
        client.get(f"{API}/nonce", headers=page),
        client.get(f"/api/v1/aquarius/assets/ddo/{held.did}", headers=page),
        client.options(f"{API}/encrypt", headers=ask),
    ]
    closed = [client.get("/healthz", headers=page), client.options(f"{API}/nowhere", headers=ask)]

    assert ["*"] * 5 == [answer.headers.get("Access-Control-Allow-Origin") for answer in opened]
    assert (204, "content-type") == (opened[-1].status_code, opened[-1].headers["Access-Control-Allow-Headers"])
    assert "Content-Disposition" in opened[0].headers["Access-Control-Expose-Headers"]
    assert [None, None] == [answer.headers.get("Access-Control-Allow-Origin") for answer in closed]


def test_nonces_are_numbers_for_whatever_case(client, consumer, held):
    """An address that was never seen has 0; both verbs tell the same."""
    assert 0 == consumer.nonce()
    assert 200 == consumer.download(held.did).status_code

    assert 1 == client.get(f"{API}/nonce?userAddress={ADDRESS.lower()}").json["nonce"]
    assert 1 == client.post(f"{API}/nonce", json={"userAddress": ADDRESS}).json["nonce"]
    assert 1 == client.post(f"{API}/nonce?userAddress={ADDRESS}").json["nonce"]
    assert {"nonce": 0} == client.post(f"{API}/nonce?userAddress=0x990922334").json
    assert 400 == client.post(f"{API}/nonce", json={"userAddress": ""}).status_code


def test_what_is_encrypted_is_in_the_layout_of_the_reference(client):
    """It opens with eciespy and the provider's key, and its text is compact."""
    document = '[{"url": "https://example.com/a.csv", "index": 0}]'
    body = {"documentId": "0x1111", "publisherAddress": ADDRESS, "document": document}

    sealed = client.post(f"{API}/encrypt", json=body).json["encryptedDocument"]

    plain = ecies.decrypt(PROVIDER_KEY, bytes.fromhex(sealed[2:]))
    assert b'[{"url":"https://example.com/a.csv","index":0}]' == plain


def test_what_is_encrypted_for_an_asset_says_so(client):
    """In each of its files, whatever the spelling of the DID."""
    body = {"documentId": "0x" + "AB" * 20, "publisherAddress": ADDRESS, "document": [{"url": "https://a.example"}]}

    sealed = client.post(f"{API}/encrypt", json=body).json["encryptedDocument"]

    plain = json.loads(ecies.decrypt(PROVIDER_KEY, bytes.fromhex(sealed[2:])))
    assert [{"url": "https://a.example", "assetDid": "did:op:" + "ab" * 20}] == plain


def test_what_was_sealed_for_one_asset_is_not_had_as_another(client, consumer, publish, upstream):
    """Everybody can read a sealed list in the DDO of what is paid for, and write it into one of their own."""
    upstream.paths["/a"] = ranging(BODY)
    paid = publish(upstream.url + "/a", cost="10", dataToken="0x" + "12" * 20)
    copied = client.get(f"/api/v1/aquarius/assets/ddo/{paid}").json["service"][0]["attributes"]["encryptedFiles"]
    did = publish(upstream.url + "/b", digits="f" * 64, attributes={"encryptedFiles": copied})

    answers = [
        consumer.download(did),
        client.get(f"{API}/initialize", query_string={"documentId": did, "consumerAddress": ADDRESS}),
        client.post(f"{API}/fileinfo", json={"did": did}),
    ]

    assert [400, 400, 400] == [answer.status_code for answer in answers]
    assert ("another asset", 0) == (answers[0].json["detail"][-14:-1], consumer.nonce())


@pytest.mark.parametrize("document", ['[{index:0, url:""}, {index:1, url:""}]', [{"url": "https://a.example"}], "{}"])
def test_any_list_is_encrypted_also_one_with_bare_names(client, document):
    """The contract's own example has them."""
    body = {"documentId": "0x1111", "publisherAddress": ADDRESS, "document": document}

    assert 201 == client.post(f"{API}/encrypt", json=body).status_code


@pytest.mark.parametrize("document", ["", "{", "nonsense", None])
def test_what_is_no_document_is_400(client, document):
    """Not 500."""
    body = {"documentId": "0x1111", "publisherAddress": ADDRESS, "document": document}

    assert 400 == client.post(f"{API}/encrypt", json=body).status_code


def test_a_signature_on_encrypt_is_checked_and_uses_the_nonce_up(client, consumer):
    """One that is not the publisher's leaves it."""
    body = {"documentId": "0x1111", "publisherAddress": ADDRESS, "document": "[]"}
    signed = body | {"signature": consumer.sign("0x1111")}
    stranger = Consumer(client, "0x" + "44" * 32)

    assert 401 == client.post(f"{API}/encrypt", json=body | {"signature": stranger.sign("0x1111")}).status_code
    assert 0 == consumer.nonce()
    assert [201, 401] == [client.post(f"{API}/encrypt", json=signed).status_code for _ in range(2)]
    assert 1 == consumer.nonce()


def test_an_asset_of_ours_is_downloaded(consumer, held):
    """With name, length, validators and no more than that."""
    answer = consumer.download(held.did)

    assert (200, BODY) == (answer.status_code, answer.data)
    assert "attachment;filename=rows.csv" == answer.headers["Content-Disposition"]
    assert (str(len(BODY)), "bytes") == (answer.headers["Content-Length"], answer.headers["Accept-Ranges"])
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["ETag"]
    assert answer.headers["Last-Modified"]


def test_a_file_elsewhere_is_downloaded(consumer, publish, upstream):
    """Through its sealed address, under the name that it has there."""
    upstream.paths["/x/a%20b.csv"] = ranging(BODY, ETag='"v1"')
    did = publish(upstream.url + "/x/a%20b.csv?token=secret")

    answer = consumer.download(did, serviceId=3, serviceType="access")

    assert (200, BODY, '"v1"') == (answer.status_code, answer.data, answer.headers["ETag"])
    assert "attachment;filename=a_b.csv" == answer.headers["Content-Disposition"]
    assert "text/csv" == answer.headers["Content-Type"]


def test_an_asset_without_files_is_not_found(client, consumer, publish):
    """Its list was sealed, and is empty."""
    query = {"documentId": publish(), "consumerAddress": consumer.address}

    assert 404 == client.get(f"{API}/initialize", query_string=query).status_code
    assert 404 == consumer.download(query["documentId"]).status_code


def test_post_is_the_same_as_get(client, consumer, held):
    """With numbers as text, null and empty text for what is absent."""
    body = consumer.parameters(held.did, fileIndex="0", serviceId="3", dataToken="", transferTxId=None)

    answer = client.post(WHERE, json=body)

    assert (200, BODY) == (answer.status_code, answer.data)


def test_parts_are_parts(consumer, held, publish, upstream):
    """206 with Content-Range, 416 with the length, the whole where If-Range names another version."""
    upstream.paths["/a"] = ranging(BODY, ETag='"v1"')
    for did in (held.did, publish(upstream.url + "/a")):
        etag = consumer.download(did, method="HEAD").headers["ETag"]
        part = consumer.download(did, {"Range": "bytes=3-7"})
        none = consumer.download(did, {"Range": "bytes=99999-"})
        same = consumer.download(did, {"Range": "bytes=-4", "If-Range": etag})
        other = consumer.download(did, {"Range": "bytes=-4", "If-Range": '"other"'})

        assert (206, BODY[3:8], f"bytes 3-7/{len(BODY)}", "5") == (
            part.status_code,
            part.data,
            part.headers["Content-Range"],
            part.headers["Content-Length"],
        )
        assert (416, f"bytes */{len(BODY)}") == (none.status_code, none.headers["Content-Range"])
        assert (206, BODY[-4:]) == (same.status_code, same.data)
        assert (200, BODY) == (other.status_code, other.data)


def test_head_has_no_effect(client, consumer, held):
    """It tells the length, and the same signature is good afterwards."""
    query = consumer.parameters(held.did)

    head = client.head(WHERE, query_string=query)

    assert (200, b"", str(len(BODY))) == (head.status_code, head.data, head.headers["Content-Length"])
    assert 0 == consumer.nonce()
    assert 200 == client.get(WHERE, query_string=query).status_code


@pytest.mark.parametrize("database", KINDS, indirect=True)
def test_of_fifty_requests_with_one_signature_one_passes(here, consumer, held):
    """Whatever their order, and whichever database keeps the nonce."""
    app, query = create_app(here.settings), consumer.parameters(held.did)

    def fetch(_):
        return reader(app).get(WHERE, query_string=query).status_code

    with ThreadPoolExecutor(16) as threads:
        statuses = sorted(threads.map(fetch, range(50)))

    assert [200] + [401] * 49 == statuses
    assert 1 == consumer.nonce()


@pytest.mark.parametrize("change", [{"signature": "0x00110011"}, {"consumerAddress": "0x" + "55" * 20}])
def test_who_has_not_signed_gets_nothing_and_burns_nothing(client, consumer, held, change):
    """401, as JSON that clients read."""
    answer = client.get(WHERE, query_string=consumer.parameters(held.did) | change)

    assert (401, 0) == (answer.status_code, consumer.nonce())
    assert {"error", "message", "detail"} <= set(answer.json)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"fileIndex": 1}, 404),
        ({"fileIndex": -1}, 400),
        ({"serviceId": 9}, 404),
        ({"serviceId": 4}, 400),
        ({"serviceId": 3, "serviceType": "compute"}, 400),
        ({"dataToken": "0x" + "66" * 20}, 400),
        ({"userdata": "[]"}, 400),
        ({"documentId": "did:op:" + "b" * 64}, 404),
        ({"consumerAddress": "nobody"}, 401),
    ],
)
def test_what_is_wrong_is_said_before_the_nonce_is_used_up(client, consumer, publish, upstream, change, status):
    """By its place; never 500."""
    upstream.paths["/a"] = ranging(BODY)
    answer = client.get(WHERE, query_string=consumer.parameters(publish(upstream.url + "/a")) | change)

    assert (status, 0) == (answer.status_code, consumer.nonce()), answer.text


def test_what_has_a_price_needs_a_chain(client, consumer, publish):
    """Without one nobody can tell who has paid: 503, not 500, and not a free file."""
    did = publish("https://example.com/a.csv", cost="1.5")

    assert 503 == consumer.download(did).status_code
    assert 503 == consumer.download(did, transferTxId="0x" + "ab" * 32).status_code
    assert 503 == client.get(f"{API}/initialize?documentId={did}&consumerAddress={ADDRESS}").status_code


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"attributes": {"status": {"isRetired": True}}}, 1),
        ({"attributes": {"status": {"isOrderDisabled": True}}}, 1),
        ({"credentials": {"allow": [{"type": "address", "values": ["0x" + "77" * 20]}]}}, 3),
        ({"credentials": {"deny": [{"type": "address", "values": [ADDRESS.lower()]}]}}, 4),
        ({"credentials": {"allow": [{"type": "address", "values": [ADDRESS.upper()]}]}}, None),
    ],
)
def test_an_asset_may_be_kept_from_some(client, consumer, publish, upstream, members, code):
    """The refusal has the code that clients know."""
    upstream.paths["/a"] = ranging(BODY)
    did = publish(upstream.url + "/a", **members)

    for answer in (
        consumer.download(did, serviceId=3),
        client.get(f"{API}/initialize?documentId={did}&serviceId=3&consumerAddress={ADDRESS}"),
    ):
        assert (200 if code is None else 403) == answer.status_code
        if code is not None:
            assert f"Error: Access to asset {did} was denied with code: {code}." == answer.json["error"]


def test_anothers_result_is_not_given_out(here, consumer, tmp_path):
    """An asset with an owner is the owner's, by token or by address."""
    file = tmp_path / "a.txt"
    file.write_text("x")

    assert 403 == consumer.download(here.assets.add(file, owner="ada").did).status_code
    assert 200 == consumer.download(here.assets.add(file, owner=ADDRESS.lower()).did).status_code


def test_a_quote_says_what_clients_read(client, publish, upstream, here):
    """The address is echoed as it was sent."""
    upstream.paths["/a"] = ranging(BODY)
    did = publish(upstream.url + "/a", publicKey=[{"owner": ADDRESS}])
    query = {"documentId": did, "serviceId": 3, "serviceType": "access", "consumerAddress": ADDRESS.lower()}

    answers = [client.get(f"{API}/initialize", query_string=query), client.post(f"{API}/initialize", json=query)]

    expected = {
        "from": ADDRESS.lower(),
        "to": ADDRESS,
        "numTokens": 0.0,
        "dataToken": "",
        "nonce": 0,
        "computeAddress": here.shop.address(),
        "validOrder": None,
    }
    assert [expected, expected] == [answer.json for answer in answers]


def test_a_quote_needs_a_file_that_can_be_had(client, publish, upstream):
    """Nobody pays for what is not there."""
    did = publish(upstream.url + "/gone")

    answer = client.get(f"{API}/initialize?documentId={did}&serviceId=3&consumerAddress={ADDRESS}")

    assert 404 == answer.status_code
    assert str(upstream.port) not in answer.text


def test_fileinfo_tells_what_real_clients_read(client, publish, upstream):
    """By address or by asset, with the checksum where it is wanted; what cannot be had is not valid."""
    upstream.paths["/a.csv"] = ranging(b"12345678", Content_Type="text/csv")
    did = publish(upstream.url + "/a.csv", upstream.url + "/gone", "http://10.0.0.1/")
    valid = {"index": 0, "valid": True, "contentLength": "8", "contentType": "text/csv"}
    checksum = {
        "checksum": "ef797c8118f02dfb649607dd5d3f8c7623048c9c063d532cc95c5ed7a898a64f",
        "checksumType": "sha256",
    }

    def ask(**body):
        return client.post(f"{API}/fileinfo", json=body).json

    assert [valid] == ask(url=upstream.url + "/a.csv")
    assert [valid | checksum] == ask(url=upstream.url + "/a.csv", checksum=True)
    assert [valid, {"index": 1, "valid": False}, {"index": 2, "valid": False}] == ask(did=did)
    assert [{"index": 0, "valid": False}] == ask(url="http://169.254.169.254/")
    assert [{"index": 0, "valid": False}] == ask(url="file:///etc/passwd")
    assert 400 == client.post(f"{API}/fileinfo", json={}).status_code


def test_a_file_that_breaks_off_is_no_short_200(consumer, publish, upstream):
    """The answer is aborted, or is an error from the start."""
    upstream.paths["/short"] = always(*whole(BODY[:100], length=len(BODY)))
    upstream.paths["/chunks"] = always(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + BODY[:100] + b"\r\n"
    )

    with pytest.raises(Exception, match="broke off"):
        consumer.download(publish(upstream.url + "/short")).get_data()
    assert 502 == consumer.download(publish(upstream.url + "/chunks", digits="b" * 64)).status_code


def test_userdata_reach_the_server_of_the_file(consumer, publish, upstream):
    """In the query of its address."""
    upstream.paths["/a"] = ranging(BODY)

    assert 200 == consumer.download(publish(upstream.url + "/a?x=1"), userdata='{"age": 3}').status_code
    assert "/a?x=1&age=3" == upstream.requests[-1][1]
