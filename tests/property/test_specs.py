"""Whatever is sent, the answer has a status, headers and a body that the spec documents."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from handlers.spec.documents import read_generated

EXAMPLES = int(os.environ.get("SEAMARK_PROPERTY_EXAMPLES", "20"))  # for each operation and mode
STORIES = int(os.environ.get("SEAMARK_PROPERTY_STORIES", "10"))  # for each API
MANAGED = ("manage", "ops")  # the APIs of which most is for managers
OTHERS = ("agent", "dep6", "konduit", "manage", "metadata", "ops", "v2")
BUILT = [api for api in read_generated() if api.name.startswith("invoke/") or api.name in OTHERS]
LINKED = [api for api in BUILT if "'links'" in str(api.document) and api.name not in ("ops", "v2")]  # test_models.py
TABLES = ["application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"]
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]

schemathesis.serializer.alias(TABLES, "application/octet-stream")  # they are bytes, which schemathesis cannot know


def schema_of(api):
    """Return the document as schemathesis has it."""
    schema = schemathesis.openapi.from_dict(dict(api.document))
    schema.config.update(base_url=f"http://localhost{api.mount}")
    return schema


def operations():
    """Return each operation that is built."""
    found = [(api, result.ok()) for api in BUILT for result in schema_of(api).get_all_operations()]
    return [pytest.param(api, one, id=f"{api.name}-{one.method.upper()}-{one.path}") for api, one in found]


class Manager:
    """Sends a management token, where the API is for managers."""

    token = ""

    def get(self, case, ctx):
        return self.token

    def set(self, case, data, ctx):
        case.headers["Authorization"] = f"Bearer {data}"


def open_to_managers(schema, api, manager):
    """Let schemathesis call the operations of *schema* as a manager, where the API is for managers."""
    if api.name in MANAGED:
        Manager.token = manager
        schema.auth()(Manager)
    elif api.name in ("agent", "dep6", "metadata"):  # where a token is optional schemathesis would leave it out
        schema.config.update(headers={"Authorization": f"Bearer {manager}"})
    return schema


def can_be_wrong(api, operation):
    """Tell whether there is anything in a request that could be broken; any text is a text in a path."""
    item = api.document["paths"][operation.path]
    wanted = item[operation.method]
    given = [*item.get("parameters", ()), *wanted.get("parameters", ())]
    known = api.document.get("components", {}).get("parameters", {})
    found = [known.get(one.get("$ref", "").rpartition("/")[2], one) for one in given]
    free = {"in": "path", "schema": {"type": "string"}}
    return "requestBody" in wanted or any({key: one.get(key) for key in free} != free for one in found)


@pytest.mark.parametrize(("api", "operation"), operations())
def test_any_request_gets_an_answer_that_the_spec_allows(api, operation, app, manager):
    """Valid or broken, a request is answered as the spec says, by all of schemathesis's checks."""
    schema = open_to_managers(schema_of(api), api, manager)
    schema.app = app
    operation = schema[operation.path][operation.method]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
    def check(case):
        status = case.call_and_validate().status_code
        assert 401 != status or case.meta.generation.mode is GenerationMode.NEGATIVE or api.name not in MANAGED

    for mode in GenerationMode if can_be_wrong(api, operation) else [GenerationMode.POSITIVE]:
        given(case=operation.as_strategy(generation_mode=mode))(check)()


@pytest.mark.parametrize("api", LINKED, ids=lambda api: api.name)
def test_any_story_keeps_to_the_spec(api, app, manager):
    """Calls that follow one another's links, in any order, keep to the spec too."""
    schema = open_to_managers(schema_of(api), api, manager)
    schema.app = app

    schema.as_state_machine().run(
        settings=settings(max_examples=STORIES, stateful_step_count=6, deadline=None, suppress_health_check=SLOW)
    )
