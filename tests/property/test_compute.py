"""Compute of Provider and of Brizo, with requests that are signed, ordered or agreed on, and with a real worker."""

from __future__ import annotations

import pytest

from handlers.spec.documents import read_generated
from tests.property.sending import LEAST, built, failed, send, tell_stories

pytestmark = pytest.mark.long

APIS = read_generated(["provider", "brizo"])
WITHOUT = "^(?!.*compute)"  # what is not compute
STARTS = ("start_compute", "start_any_compute")


def test_a_thousand_requests_get_past_the_door(app, compute_market):
    """Each operation has answered with success, under orders and agreements too, and none against its spec."""
    sent = send(APIS, app, compute_market, WITHOUT, each=40)

    assert LEAST <= len(sent)
    assert [] == failed(sent)
    started = [one.parameters for one in sent if one.name in STARTS and one.succeeded]
    assert [] != [one for one in started if one.get("documentId") == compute_market.paid]
    assert [] != [one for one in started if one.get("serviceAgreementId") == compute_market.agreement]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_any_signed_story_keeps_to_the_spec(api, app, compute_market):
    """A job is started, looked at, stopped and deleted, in any order, each time with the signature of the moment."""
    tell_stories(built(api, app, WITHOUT), compute_market)
