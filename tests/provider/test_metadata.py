"""The metadata store, written by publishers."""

from __future__ import annotations

from tests.provider.conftest import ADDRESS, Consumer

DID = "did:op:" + "c" * 64
STORE = "/api/v1/aquarius/assets/ddo"
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


def ddo(**members):
    """Return a DDO of the publisher's."""
    metadata = {"main": {"type": "dataset", "name": "Rows", "files": []}}
    service = [{"type": "metadata", "index": 0, "attributes": metadata}]
    return {"id": DID, "publicKey": [{"owner": ADDRESS}], "service": service} | members


def signed(who, method, did=DID):
    """Return the parameters of who signs."""
    return {"publisherAddress": who.address, "signature": who.sign(method + did)}


def test_a_publisher_writes_the_own_asset(client, consumer):
    """Registers, changes and retires it, each time with the next nonce."""
    made = client.post(STORE, json=ddo(), query_string=signed(consumer, "POST"), environ_base=ELSEWHERE)
    where = f"{STORE}/{DID}"
    changed = client.put(where, json=ddo(created="x"), query_string=signed(consumer, "PUT"), environ_base=ELSEWHERE)
    gone = client.delete(where, query_string=signed(consumer, "DELETE"), environ_base=ELSEWHERE)

    assert [201, 200, 200] == [made.status_code, changed.status_code, gone.status_code], (made.text, changed.text)
    assert (3, 404) == (consumer.nonce(), client.get(where).status_code)


def test_nobody_else_writes_it(client, consumer):
    """Neither another signer, nor a signature over something else, nor one that was used."""
    stranger = Consumer(client, "0x" + "44" * 32)
    query = signed(consumer, "POST")

    answers = [
        client.post(STORE, json=ddo(), environ_base=ELSEWHERE),
        client.post(STORE, json=ddo(), query_string=signed(stranger, "POST"), environ_base=ELSEWHERE),
        client.post(STORE, json=ddo(), query_string=signed(consumer, "PUT"), environ_base=ELSEWHERE),
        client.post(STORE, json=ddo(publicKey=[]), query_string=query, environ_base=ELSEWHERE),
        client.post(STORE, json=ddo(), query_string=query, environ_base=ELSEWHERE),
        client.put(f"{STORE}/{DID}", json=ddo(), query_string=query, environ_base=ELSEWHERE),
        client.put(f"{STORE}/{DID}", json=ddo(), query_string=signed(stranger, "PUT"), environ_base=ELSEWHERE),
    ]

    assert [401, 403, 401, 403, 201, 401, 403] == [answer.status_code for answer in answers]


def test_clients_ask_beforehand_what_they_may_publish(client):
    """The bytes are those that ocean-lib compares; what is missing is named."""
    main = {"type": "dataset", "name": "Rows", "author": "Ann", "license": "CC0", "dateCreated": "2026-11-20T12:00:00Z"}
    metadata = {"main": main | {"files": [{"index": 0, "url": "https://example.com/a.csv"}]}}

    good = [client.post(f"{STORE}/validate", json=metadata), client.post(f"{STORE}/validate-remote", json=ddo())]
    bad = [client.post(f"{STORE}/validate", json={"main": main}), client.post(f"{STORE}/validate-remote", json=main)]

    assert [(200, b"true\n")] * 2 == [(answer.status_code, answer.data) for answer in good]
    assert [400, 400] == [answer.status_code for answer in bad]
    assert "/main" in bad[0].text
    assert 404 == client.get(f"{STORE}/{DID}").status_code


def test_clients_know_a_did_that_is_free(client):
    """By the words that Aquarius says it with."""
    assert f"Asset DID {DID} not found in Elasticsearch" in client.get(f"{STORE}/{DID}").text
