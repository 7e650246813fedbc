"""Which algorithms run on which data."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.assets.store import Asset
from handlers.compute import privacy
from handlers.errors import Forbidden
from handlers.storage.sql import now

PUBLISHER = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
DID = "did:op:" + "a1" * 32
DATA = "did:op:" + "d0" * 32
FILES = [{"index": 0, "contentType": "text/x-python"}]
CONTAINER = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}


def algorithm(sealed="0x04ab", files=FILES, container=CONTAINER, publisher=PUBLISHER):
    """Return a published algorithm."""
    main = {"type": "algorithm", "files": files, "algorithm": {"container": container}}
    metadata = {"type": "metadata", "index": 0, "attributes": {"main": main, "encryptedFiles": sealed}}
    ddo = {"id": DID, "publicKey": [{"owner": publisher}], "service": [metadata]}
    time = now()
    return Asset(
        did=DID,
        name="",
        ddo=ddo,
        owner=None,
        blob=None,
        content_type="",
        size=0,
        job=None,
        created=time,
        updated=time,
    )


def rules(*, lenient=False, **section):
    """Return what a service with this privacy section allows."""
    return privacy.privacy_of({"attributes": {"main": {"privacy": section}}}, lenient=lenient)


def refusal(found, one=None):
    """Return why a published algorithm may not run; None: it may."""
    try:
        privacy.check_published(found, DATA, one or algorithm())
    except Forbidden as problem:
        return problem.detail
    return None


def test_what_is_not_said_is_not_allowed():
    """A service without a privacy section runs nothing but what its publisher trusts."""
    found = privacy.privacy_of({"attributes": {}})

    with pytest.raises(Forbidden, match="cannot run raw algorithm"):
        privacy.check_raw(found, DATA)
    assert not found.network
    assert "is not trusted" in refusal(found)


def test_brizo_allows_what_is_not_said():
    """Its documents are older than the rules."""
    found = privacy.privacy_of({"attributes": {}}, lenient=True)

    privacy.check_raw(found, DATA)
    assert refusal(found) is None


def test_brizo_too_keeps_to_what_is_said():
    """Once a publisher names algorithms, no other runs."""
    assert "is not trusted" in refusal(rules(lenient=True, trustedAlgorithms=[DATA]))
    assert refusal(rules(lenient=True, trustedAlgorithms=[DID])) is None


def test_a_trusted_algorithm_runs_in_any_spelling_of_its_did():
    """Bare digits and capitals name the same asset."""
    for did in (DID, DID.upper().replace("DID:OP", "did:op"), "0x" + "A1" * 32):
        assert refusal(rules(publisherTrustedAlgorithms=[{"did": did}])) is None


def test_a_trusted_publisher_is_enough():
    """Whatever the case of the address; the reference wanted the algorithm to be named as well."""
    assert refusal(rules(publisherTrustedAlgorithmPublishers=[PUBLISHER.lower()])) is None
    assert refusal(rules(publisherTrustedAlgorithmPublishers=["0x" + "0" * 40]))


def test_nobody_is_no_publisher():
    """An algorithm that names no publisher is not that of an empty entry."""
    assert refusal(rules(publisherTrustedAlgorithmPublishers=[""]), algorithm(publisher=""))


def test_everything_published_may_run_where_that_is_said():
    """But raw code may not."""
    found = rules(allowAllPublishedAlgorithms=True)

    assert refusal(found) is None
    with pytest.raises(Forbidden):
        privacy.check_raw(found, DATA)


def test_a_changed_algorithm_is_no_longer_trusted():
    """Both checksums are compared: of the files, sealed and public, and of the container."""
    entry = {
        "did": DID,
        "filesChecksum": privacy.files_checksum(algorithm().ddo),
        "containerSectionChecksum": privacy.container_checksum(algorithm().ddo),
    }
    found = rules(publisherTrustedAlgorithms=[entry])

    assert refusal(found) is None
    assert "filesChecksum" in refusal(found, algorithm(sealed="0x04ac"))
    assert "filesChecksum" in refusal(found, algorithm(files=[]))
    assert "containerSectionChecksum" in refusal(found, algorithm(container=CONTAINER | {"tag": "3.12"}))


def test_checksums_are_those_that_publishers_compute():
    """SHA-256 over the sealed list and the public one, compact, members in the order of the DDO."""
    files = '0x04ab[{"index":0,"contentType":"text/x-python"}]'
    container = '{"entrypoint":"python $ALGO","image":"python","tag":"3.11"}'

    assert privacy.digest(files) == privacy.files_checksum(algorithm().ddo)
    assert privacy.digest(container) == privacy.container_checksum(algorithm().ddo)


LEAVES = st.none() | st.booleans() | st.text(max_size=20)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=9)
LISTS = ["publisherTrustedAlgorithms", "trustedAlgorithms", "publisherTrustedAlgorithmPublishers"]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(LISTS), JSON))
def test_a_section_that_cannot_be_read_allows_nothing(section):
    """Whatever stands there, raw code does not run, and no algorithm that is not named."""
    found = rules(**section)

    assert not found.raw
    assert refusal(found)
