"""What may be published, and where a document says what may not."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.assets import validation
from handlers.assets.ddo import Sale, make_ddo
from handlers.assets.did import canonical
from handlers.assets.offers import offer_of
from handlers.assets.store import Asset
from handlers.errors import InputInvalid
from handlers.storage.sql import now
from tests.assets.documents import ddos, faulty, plant

ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
TOKEN = "0x0c184915b07b44C888D468bE85A9b28253e80070"
DID = "did:op:0c184915b07b44c888d468be85a9b28253e80070"
CONTAINER = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}


def terms(kind, index, **main):
    """Return a service that is sold, as the published clients write it."""
    said = {"name": "dataAssetAccess", "creator": ADDRESS, "datePublished": "2026-11-20T12:00:00Z", "cost": 2.5}
    main = {**said, "timeout": 0, **main}
    return {"type": kind, "index": index, "serviceEndpoint": "https://a.example", "attributes": {"main": main}}


def published(**members):
    """Return a DDO with all of its parts."""
    main = {"type": "dataset", "name": "Tides", "files": [{"index": 0, "contentType": "text/csv"}]}
    privacy = {
        "allowRawAlgorithm": False,
        "publisherTrustedAlgorithms": [{"did": DID, "filesChecksum": "ab", "containerSectionChecksum": "cd"}],
        "publisherTrustedAlgorithmPublishers": [ADDRESS],
    }
    return {
        "@context": "https://w3id.org/did/v1",
        "id": DID,
        "created": "2026-11-20T12:00:00Z",
        "publicKey": [{"id": DID, "type": "EthereumECDSAKey", "owner": ADDRESS}],
        "proof": {"type": "DDOIntegritySignature", "creator": ADDRESS, "signatureValue": "0x", "checksum": {"0": "ab"}},
        "dataToken": TOKEN,
        "credentials": {"allow": [{"type": "address", "values": [ADDRESS]}], "deny": []},
        "service": [
            {"type": "metadata", "index": 0, "attributes": {"main": main, "encryptedFiles": "0x04ab"}},
            terms("access", 3),
            terms("compute", 4, privacy=privacy, provider={"type": "Azure"}),
        ],
    } | members


def places(ddo):
    """Return where a document is wrong: by its schema, and if that lets it through, by what goes beyond."""
    try:
        validation.check_whole(ddo)
    except InputInvalid as problem:
        return [fault.place for fault in problem.faults]
    return []


def test_what_clients_publish_is_right():
    """With all of its parts, or with those of an asset that this server has made."""
    assert [] == places(published())
    sale = Sale(price="0.5", services=("access", "compute"), publisher=ADDRESS, allow=[ADDRESS], sealed="0x04ab")
    assert [] == places(make_ddo(DID, name="a", files=[{"contentType": "text/csv"}], created=now(), sale=sale))


def asset_of(ddo):
    """Return the asset that a document describes."""
    at = now()
    facts = {"name": "", "owner": None, "blob": None, "content_type": "", "size": 0, "job": None}
    return Asset(did=canonical(ddo["id"]), ddo=ddo, created=at, updated=at, **facts)


#: Where something is put that is wrong there, and the place that is told.
FAULTS = [
    ("/id", "did:op:12", "/id"),
    ("/dataToken", "0x12", "/dataToken"),
    ("/dataToken", ADDRESS, "/dataToken"),
    ("/publicKey/0/owner", "me", "/publicKey/0/owner"),
    ("/proof/creator", "me", "/proof/creator"),
    ("/credentials/allow/0/type", "email", "/credentials/allow/0/type"),
    ("/credentials/allow/0/values/0", "everybody", "/credentials/allow/0/values/0"),
    ("/service/1/type", "metadata", "/service"),
    ("/service/1/type", "lease", "/service/1/type"),
    ("/service/0/type", "provenance", "/service"),
    ("/service/2/index", 3, "/service/2/index"),
    ("/service/1/index", -1, "/service/1/index"),
    ("/service/1/attributes/main/cost", "cheap", "/service/1/attributes/main/cost"),
    ("/service/2/attributes/main/cost", -1, "/service/2/attributes/main/cost"),
    ("/service/1/attributes/main/timeout", "long", "/service/1/attributes/main/timeout"),
    ("/service/0/attributes/main/files/0/url", "https://a.example", "/service/0/attributes/main/files/0/url"),
    ("/service/0/attributes/encryptedFiles", "https://a.example", "/service/0/attributes/encryptedFiles"),
    ("/service/0/attributes/main/type", "book", "/service/0/attributes/main/type"),
    ("/service/0/attributes/main/files", None, "/service/0/attributes/main/files"),
    ("/service/1/attributes/main/timeout", 1.5, "/service/1/attributes/main/timeout"),
    ("/service/0/attributes/main/type", "algorithm", "/service/0/attributes/main/algorithm/container/entrypoint"),
    (
        "/service/2/attributes/main/privacy/publisherTrustedAlgorithms/0/did",
        "any",
        "/service/2/attributes/main/privacy/publisherTrustedAlgorithms/0/did",
    ),
    (
        "/service/2/attributes/main/privacy/publisherTrustedAlgorithmPublishers/0",
        "any",
        "/service/2/attributes/main/privacy/publisherTrustedAlgorithmPublishers/0",
    ),
]


@pytest.mark.parametrize(("place", "value", "told"), FAULTS)
def test_a_fault_is_told_where_it_is(place, value, told):
    """By a pointer into the document."""
    ddo = published()

    plant(ddo, place, value)

    assert told in places(ddo)


#: Those that the schema lets through, each a fault whatever else is wrong.
BEYOND = [
    ("/dataToken", ADDRESS),
    ("/service/2/index", 3),
    ("/service/1/index", None),
    ("/service/0/attributes/main/files/0/url", "https://a.example"),
]


@given(chosen=st.sets(st.sampled_from(BEYOND)))
def test_all_faults_are_told_at_once(chosen):
    """However many there are, each at its place, and nothing else."""
    ddo = copy.deepcopy(published())
    for place, value in chosen:
        plant(ddo, place, value)
    if ("/service/1/index", None) in chosen:
        del ddo["service"][1]["index"]
        chosen = chosen - {("/service/2/index", 3)}  # which is then the only one with this index

    assert {place for place, _ in chosen} == set(places(ddo))


@settings(deadline=None)
@given(ddo=ddos())
def test_any_valid_document_passes(ddo):
    """Whatever it has of what it may have, and in whatever form clients write that; and what it sells can be sold."""
    assert [] == places(ddo)
    for service in ddo["service"]:
        if service["type"] in validation.SOLD:
            assert service["index"] == offer_of(asset_of(ddo), service).index


@settings(deadline=None, max_examples=200)
@given(planted=faulty())
def test_one_fault_in_any_document_is_told_at_its_place(planted):
    """And nothing else is."""
    ddo, place = planted

    assert {place} == set(places(ddo))


def test_an_algorithm_says_how_it_is_run():
    """Else nobody could run it."""
    ddo = published()
    main = ddo["service"][0]["attributes"]["main"]
    main |= {"type": "algorithm", "algorithm": {"language": "python", "container": CONTAINER}}

    assert [] == places(ddo)


def test_no_more_is_told_than_can_be_read():
    """A document with a thousand faults names some of them."""
    services = [terms("access", 3) for _ in range(1000)]

    assert validation.MOST_FAULTS == len(places(published(service=services)))
