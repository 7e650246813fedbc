"""DDOs as they come: valid ones of any kind, and what may be wrong in them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

hexadecimal = "0123456789abcdefABCDEF"
addresses = st.text(hexadecimal, min_size=40, max_size=40).map("0x".__add__)
times = st.sampled_from(["2026-11-20T12:00:00Z", None])
words = st.text(max_size=20)
flags = st.sampled_from([True, False, None])
costs = st.one_of(
    st.sampled_from(["10", "0", "0.5", "", "1.0"]),
    st.integers(0, 10**20),
    st.floats(0, 1e20, allow_nan=False),
)
timeouts = st.one_of(st.integers(0, 10**9), st.sampled_from(["0", "3600", "", None]))
checksums = st.sampled_from(["ab" * 32, "", None])


def optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that have some of these members."""
    return st.fixed_dictionaries({}, optional=members)


dids = st.builds(
    "{}{}".format,
    st.sampled_from(["did:op:", "0x"]),
    st.sampled_from([40, 64]).flatmap(lambda size: st.text(hexadecimal, min_size=size, max_size=size)),
)
rules = st.lists(
    st.fixed_dictionaries({"type": st.just("address"), "values": st.lists(addresses, max_size=3)}), max_size=2
)
privacy = optional(
    allowRawAlgorithm=flags,
    allowNetworkAccess=flags,
    allowAllPublishedAlgorithms=flags,
    publisherTrustedAlgorithms=st.lists(
        st.builds(
            lambda did, checksum: {"did": did, "filesChecksum": checksum, "containerSectionChecksum": checksum},
            dids,
            checksums,
        ),
        max_size=2,
    ),
    publisherTrustedAlgorithmPublishers=st.lists(addresses, max_size=2),
)
status = optional(isListed=flags, isRetired=flags, isOrderDisabled=flags)
container = st.just({"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"})


@st.composite
def metadata(draw: st.DrawFn) -> dict[str, Any]:
    """Return the attributes of a metadata service."""
    kind = draw(st.sampled_from(["dataset", "algorithm"]))
    indexes = draw(st.lists(st.integers(0, 1000), unique=True, max_size=3))
    files = [{"index": index, "contentType": "text/csv", "contentLength": "12"} for index in indexes]
    if draw(st.booleans()):
        files = [{name: value for name, value in file.items() if name != "index"} for file in files]
    main = {"type": kind, "name": draw(words), "author": draw(words), "license": "CC0", "files": files}
    if kind == "algorithm":
        main["algorithm"] = {"language": "python", "container": draw(container)}
    more = optional(
        encryptedFiles=st.sampled_from(["0x04ab", '{"encryptedDocument": "0x04ab"}', "", None]),
        status=status,
        additionalInformation=st.just({"tags": ["sea"]}),
        curation=st.just({"rating": 0}),
    )
    return {"main": main} | draw(more)


@st.composite
def sold(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Return the attributes of a service that is sold."""
    terms = {"name": "dataAssetAccess", "creator": draw(addresses), "datePublished": draw(times)}
    main = terms | draw(optional(cost=costs, timeout=timeouts))
    if kind == "compute":
        main |= {"privacy": draw(st.none() | privacy), "provider": draw(st.sampled_from([None, {"type": "Azure"}]))}
    return {"main": main}


@st.composite
def services(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the services of an asset, in any order, one of them its metadata."""
    kinds = draw(st.lists(st.sampled_from(["access", "compute", "provenance", "authorization"]), max_size=4))
    indexes = draw(st.lists(st.integers(1, 1000), unique=True, min_size=len(kinds), max_size=len(kinds)))
    found: list[dict[str, Any]] = [{"type": "metadata", "attributes": draw(metadata())}]
    if draw(st.booleans()):  # ocean-lib leaves it out
        found[0]["index"] = 0
    for kind, index in zip(kinds, indexes, strict=True):
        attributes = draw(sold(kind)) if kind in ("access", "compute") else {"main": {}}
        found.append({"type": kind, "index": index, "serviceEndpoint": "https://a.example", "attributes": attributes})
    return draw(st.permutations(found))


@st.composite
def ddos(draw: st.DrawFn) -> dict[str, Any]:
    """Return a DDO that may be published."""
    did = draw(dids)
    digits = did.removeprefix("did:op:").removeprefix("0x")
    token = st.sampled_from([f"0x{digits.lower()}", f"0x{digits.upper()}"]) if len(digits) == 40 else addresses
    creators = addresses | st.sampled_from([None, ""])
    more = optional(
        created=times,
        publicKey=st.lists(st.builds(lambda owner: {"id": did, "owner": owner}, creators), max_size=2),
        authentication=st.just([{"type": "RsaSignatureAuthentication2018", "publicKey": did}]),
        dataToken=token | st.sampled_from([None, ""]),
        proof=st.none() | st.builds(lambda who: {"creator": who, "checksum": {"0": "ab"}}, creators),
        credentials=st.none() | optional(allow=st.none() | rules, deny=st.none() | rules),
        isInPurgatory=st.just("false"),
    )
    return {"@context": "https://w3id.org/did/v1", "id": did, "service": draw(services())} | draw(more)


MAIN = r"/service/\d+/attributes/main"
#: What is wrong at a place, whatever stands around it.
WRONG: dict[str, list[Any]] = {
    r"/id": ["did:op:12", "did:web:a.example", "", 5],
    r"/dataToken": ["0x12", "DATA", 7],
    r"/(publicKey/\d+/owner|proof/creator)": ["me", "0x12", 7],
    r"/credentials/(allow|deny)/\d+/type": ["email", None],
    r"/credentials/(allow|deny)/\d+/values/\d+": ["everybody", "0x12", None],
    r"/service/\d+/type": ["lease", None],
    r"/service/\d+/index": [-1, "first", 1.5],
    r"/service/\d+/attributes": [None, "all"],
    r"/service/\d+/attributes/encryptedFiles": ["https://a.example", "0x0", []],
    r"/service/\d+/attributes/status/\w+": ["yes", 1],
    MAIN + r"/type": ["book", None],
    MAIN + r"/files": [None, "all"],
    MAIN + r"/files/\d+/index": [-1, "first"],
    MAIN + r"/algorithm/container/\w+": [""],
    MAIN + r"/cost": ["cheap", -1, "-1", "1e3", True, [], None],
    MAIN + r"/timeout": ["long", -1, 1.5, "1.5", True],
    MAIN + r"/privacy/allow\w+": ["yes", 1],
    MAIN + r"/privacy/publisherTrustedAlgorithms/\d+/did": ["any", None],
    MAIN + r"/privacy/publisherTrustedAlgorithmPublishers/\d+": ["any", None],
}


def places_in(value: Any, here: str = "") -> Iterator[str]:
    """Yield the pointer of everything in a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        place = f"{here}/{name}"
        yield place
        yield from places_in(member, place)


@st.composite
def faulty(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """Return a DDO with one fault, and the place of that."""
    ddo = copy.deepcopy(draw(ddos()))  # strategies hand out the same objects again
    choices = [
        (place, value)
        for place in places_in(ddo)
        for pattern, values in WRONG.items()
        if re.fullmatch(pattern, place)
        for value in values
    ]
    place, value = draw(st.sampled_from(choices))
    plant(ddo, place, value)
    return ddo, place


def plant(ddo: Any, place: str, value: Any) -> None:
    """Put a value at a place of a document."""
    *path, last = place.strip("/").split("/")
    for word in path:
        ddo = ddo[int(word)] if isinstance(ddo, list) else ddo[word]
    ddo[int(last) if isinstance(ddo, list) else last] = value
