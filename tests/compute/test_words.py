"""What requests say, in all the forms in which clients say it."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.compute import words
from handlers.compute.words import Container, Input
from handlers.errors import InputInvalid

ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
DID = "did:op:" + "0c" * 32
CONTAINER = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}
META = {"rawcode": "print('hi')", "language": "python", "url": "", "container": CONTAINER}


def detail_of(call, *arguments):
    """Return what is wrong, in words."""
    with pytest.raises(InputInvalid) as caught:
        call(*arguments)
    return caught.value.faults[0].detail


@pytest.mark.parametrize("sent", [META, json.dumps(META)])
def test_an_algorithm_comes_as_an_object_or_as_its_text(sent):
    """Real clients send both."""
    found = words.raw_algorithm(sent)

    assert ("print('hi')", "", Container(**CONTAINER)) == (found.rawcode, found.url, found.container)


@pytest.mark.parametrize("sent", [None, "", {}, "{}"])
def test_nothing_is_no_algorithm(sent):
    """Null, an empty text and an empty object mean that there is none."""
    assert words.raw_algorithm(sent) is None


@pytest.mark.parametrize("name", ["entrypoint", "image", "tag"])
@pytest.mark.parametrize("value", [None, "", 3, []])
def test_a_container_has_to_say_all(name, value):
    """Without entrypoint, image or tag nothing can be run."""
    words_of = detail_of(words.raw_algorithm, META | {"container": CONTAINER | {name: value}})

    assert "entrypoint, image and tag" in words_of or f"`{name}` is not a text" in words_of


def test_an_algorithm_has_code_or_an_address():
    """With neither there is nothing to run."""
    assert "one of `url` or `rawcode`" in detail_of(words.raw_algorithm, META | {"rawcode": None})


@pytest.mark.parametrize("sent", ["[", "[1]", "3", [1], "nothing"])
def test_what_is_no_object_is_refused(sent):
    """It is a fault of the input, whatever it is."""
    assert "not an object" in detail_of(words.raw_algorithm, sent)


def test_an_output_says_what_is_published():
    """Switches come as numbers, as text and as booleans."""
    found = words.output(
        {"publishOutput": 1, "publishAlgorithmLog": "false", "owner": ADDRESS, "metadata": {"name": "A"}}
    )

    assert (True, False, ADDRESS, {"name": "A"}) == (found.publish, found.publish_log, found.owner, found.metadata)


def test_addresses_and_uris_of_an_output_are_kept():
    """They are looked at for their form, and never called."""
    found = words.output({"nodeUri": "https://node.example.com", "brizoAddress": ADDRESS, "secretStoreUri": None})

    assert {"nodeUri": "https://node.example.com", "brizoAddress": ADDRESS} == found.kept


@pytest.mark.parametrize(
    "section",
    [
        {"owner": "0x12"},
        {"providerAddress": 3},
        {"metadataUri": "file:///etc/passwd"},
        {"whitelist": ["me"]},
        {"metadata": 1},
    ],
)
def test_an_output_that_makes_no_sense_is_refused(section):
    """The fault names the member."""
    assert f"`{next(iter(section))}`" in detail_of(words.output, section)


def test_further_inputs_come_as_a_list_or_as_its_text():
    """Each names an asset, and may name a service and an order."""
    sent = [{"documentId": DID, "serviceId": "4", "transferTxId": "0xab", "userdata": {"a": 1}}]
    wanted = [Input(did=DID, service=4, order="0xab", userdata={"a": 1})]

    assert wanted == words.additional_inputs(sent) == words.additional_inputs(json.dumps(sent))


@pytest.mark.parametrize("sent", [None, "", [], {}, "[]", "{}"])
def test_there_may_be_no_further_inputs(sent):
    """All of these say so."""
    assert [] == words.additional_inputs(sent)


def test_a_fault_in_a_further_input_tells_which():
    """By its place in the list."""
    sent = [{"documentId": DID}, {"documentId": "nothing"}]

    assert "Error in input at index 1: " in detail_of(words.additional_inputs, sent)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_whatever_is_sent_is_read_or_refused(sent):
    """No JSON value leads to anything else."""
    for read in (words.raw_algorithm, words.output, words.additional_inputs):
        with contextlib.suppress(InputInvalid):
            read(sent if isinstance(sent, dict | list | str) else None)
