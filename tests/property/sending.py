"""How the property tests send signed requests: each operation with many, or one story after the other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import NamedTuple

from hypothesis import assume, given, seed, settings
from hypothesis.errors import FlakyStrategyDefinition, UnsatisfiedAssumption
from schemathesis.core import NotSet
from schemathesis.generation import GenerationMode

from tests.property.test_specs import EXAMPLES, SLOW, STORIES, can_be_wrong, schema_of

LEAST = 1000  # requests in all
TELLINGS = 3  # of stories that were not the same twice


class Sent(NamedTuple):
    """A request as it was sent, and the status of its answer."""

    label: str
    name: str  #: operationId
    parameters: Mapping
    status: int

    @property
    def succeeded(self):
        """Whether the answer was what the request was for."""
        return 200 <= self.status < 300


def parameters_of(case):
    """Return what a request says: its query, or its body where that is empty."""
    return dict(case.query or (case.body if isinstance(case.body, Mapping) else {}))


def as_sent(case, response):
    """Return a request as it was sent."""
    name = case.operation.definition.raw["operationId"]
    return Sent(case.operation.label, name, parameters_of(case), response.status_code)


def apart(case, mode):
    """Send parameters in the query or in the body, as clients do: where both are sent, the body does not count."""
    if case.operation.definition.raw.get("x-parameters") and case.query:
        assume(mode is GenerationMode.POSITIVE or isinstance(case.body, NotSet))
        case.body = {}


def built(api, app, without):
    """Return a document as schemathesis has it, but for the paths in which the expression *without* is found."""
    schema = schema_of(api)
    schema.app = app
    return schema.exclude(path_regex=without)


def send(apis, app, market, without, each):
    """Send so many requests to each operation, and as many broken ones; return them, all answered as the spec says."""
    sent = []
    for api in apis:
        for result in built(api, app, without).get_all_operations():
            operation = result.ok()
            for mode in GenerationMode if can_be_wrong(api, operation) else [GenerationMode.POSITIVE]:
                send_each(operation, mode, market, max(each, EXAMPLES), sent)
    return sent


def send_each(operation, mode, market, most, sent):
    """Send at most so many requests of one kind, and add them to *sent*."""

    @settings(max_examples=most, deadline=None, suppress_health_check=SLOW)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        apart(case, mode)
        if mode is GenerationMode.POSITIVE:
            market.complete(case)
        sent.append(as_sent(case, case.call_and_validate()))

    check()


def tell_stories(schema, market, hear=lambda case, response: None, number=None, **told):
    """Send requests that follow one another's links, each completed at its moment; return them.

    Args:
        schema: The document as schemathesis has it.
        market: Completes requests, and is told where a story begins.
        hear: Is given each request and its answer.
        number: Of which the stories are the same each time; None: others each time.
        told: Settings of hypothesis, if not the usual ones.
    """
    sent, findings = [], []

    def note(case, response):
        sent.append(as_sent(case, response))
        hear(case, response)

    story = seed(number)(story_of(schema, market, note, findings))
    usual = {"max_examples": 2 * STORIES, "stateful_step_count": 8, "deadline": None, "suppress_health_check": SLOW}
    for left in reversed(range(TELLINGS)):
        try:
            story.run(settings=settings(**usual | told))
            break
        except FlakyStrategyDefinition:
            # Jobs go on while a story is told, so that not every beginning can be told again as it was, which
            # hypothesis takes for a fault of the test. What was found goes up, even if it was not found again.
            if findings:
                raise findings[0] from None
            if not left:
                raise
    return sent


def story_of(schema, market, note, findings):
    """Return a state machine that has *market* complete requests, and keeps what it finds."""

    class Story(schema.as_state_machine()):
        def setup(self):
            market.begin_story()

        def before_call(self, case):
            mode = case.meta.generation.mode
            apart(case, mode)
            if mode is GenerationMode.POSITIVE:  # else what was broken on purpose would be mended
                market.complete(case)

        def after_call(self, response, case):
            super().after_call(response, case)
            note(case, response)

        def step(self, input):
            with kept(findings):
                return super().step(input)

    return Story


@contextmanager
def kept(findings):
    """Keep what goes wrong inside, but for what was made up and cannot be sent."""
    try:
        yield
    except UnsatisfiedAssumption:
        raise
    except BaseException as finding:
        findings.append(finding)
        raise


def failed(sent):
    """Return the operations none of whose requests succeeded."""
    return sorted({one.label for one in sent} - {one.label for one in sent if one.succeeded})
