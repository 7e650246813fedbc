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
