"""Provider and the metadata store, with requests that are signed and paid for, so that they get past the door."""

from __future__ import annotations

import pytest

from handlers.spec.documents import read_generated
from tests.property.market import Market
from tests.property.sending import LEAST, built, failed, send, tell_stories

APIS = read_generated(["metadata", "provider"])
WITHOUT = "compute"  # test_compute.py has it


@pytest.fixture(scope="package")
def market(here, app, shop, upstream):
    """Assets and orders."""
    return Market(here, shop, upstream)


@pytest.mark.long
def test_a_thousand_requests_get_past_the_door(app, market):
    """Each operation has answered with success, a paid download too, and none otherwise than its spec allows."""
    sent = send(APIS, app, market, WITHOUT, each=34)

    assert LEAST <= len(sent)
    assert [] == failed(sent)
    downloads = [one for one in sent if one.name in ("download", "download_by_post") and one.succeeded]
    assert [] != [one for one in downloads if one.parameters["documentId"] == market.priced]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_any_signed_story_keeps_to_the_spec(api, app, market):
    """Calls that follow one another's links, each signed with the nonce of its moment."""
    tell_stories(built(api, app, WITHOUT), market)
