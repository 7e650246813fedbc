"""Provider and the metadata store, with requests that are signed and paid for, so that they get past the door."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import assume, given, settings
from schemathesis.core import NotSet
from schemathesis.generation import GenerationMode

from handlers.spec.documents import read_generated
from tests.property.market import Market
from tests.property.test_specs import EXAMPLES, SLOW, STORIES, can_be_wrong, schema_of

APIS = read_generated(["metadata", "provider"])
LEAST = 1000  # requests in all
EACH = max(EXAMPLES, 40)  # for each operation and mode


@pytest.fixture(scope="session")
def market(here, app, shop, upstream):
    """Assets and orders."""
    return Market(here, shop, upstream)


def built(api, app):
    """Return the document as schemathesis has it, without what is not built yet."""
    schema = schema_of(api)
    schema.app = app
    return schema.exclude(path_regex="compute")


def apart(case, mode=GenerationMode.POSITIVE):
    """Send parameters in the query or in the body, as clients do: where both are sent, the body does not count."""
    if case.operation.definition.raw.get("x-parameters") and case.query:
        assume(mode is GenerationMode.POSITIVE or isinstance(case.body, NotSet))
        case.body = {}


def test_a_thousand_requests_get_past_the_door(app, market):
    """Each operation has answered with success, none otherwise than its spec allows."""
    statuses = defaultdict(list)

    @settings(max_examples=EACH, deadline=None, suppress_health_check=SLOW)
    def check(case):
        apart(case, mode)
        if mode is GenerationMode.POSITIVE:
            market.complete(case)
        statuses[case.operation.label].append(case.call_and_validate().status_code)

    for api in APIS:
        for result in built(api, app).get_all_operations():
            operation = result.ok()
            for mode in GenerationMode if can_be_wrong(api, operation) else [GenerationMode.POSITIVE]:
                given(case=operation.as_strategy(generation_mode=mode))(check)()

    assert LEAST <= sum(map(len, statuses.values()))
    assert [] == [label for label, found in statuses.items() if not any(200 <= status < 300 for status in found)]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_any_signed_story_keeps_to_the_spec(api, app, market):
    """Calls that follow one another's links, each signed with the nonce of its moment."""

    class Story(built(api, app).as_state_machine()):
        def setup(self):
            market.begin_story()

        def before_call(self, case):
            apart(case)
            market.complete(case)

    Story.run(
        settings=settings(max_examples=2 * STORIES, stateful_step_count=8, deadline=None, suppress_health_check=SLOW)
    )
