"""Parts of an API are left out, and nothing leads to them any more."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.spec.documents import Api
from handlers.spec.parts import without

TO = {
    "open": {"operationId": "open"},
    "closed": {"operationId": "closed"},
    "other": {"operationRef": "other.json#/paths/~1x/get"},
    "gone": {"operationRef": "gone.json#/paths/~1x/get"},
    "elsewhere": {"operationRef": "https://a.example/b.json#/paths/~1x/get"},
}
REFERENCES = {name: {"$ref": f"#/components/links/{name}"} for name in TO}


@pytest.fixture
def document() -> Any:
    """A document with links of every kind, in an answer and in one that is shared."""
    answers = {"200": {"description": "", "links": REFERENCES}, "201": {"description": "", "links": TO}}
    answers["202"] = {"$ref": "#/components/responses/shared"}
    shared = {"description": "", "links": REFERENCES}
    paths = {"/open": {"get": {"operationId": "open", "responses": answers}}, "/closed": {"get": {}}}
    paths["/closed"]["get"] = {"operationId": "closed", "responses": {}}
    return {"paths": paths, "components": {"links": TO, "responses": {"shared": shared}}}


def test_no_link_leads_to_what_is_left_out(document: Any) -> None:
    """Neither to a closed operation nor to an API that is not served, wherever the link stands."""
    kept = {"open", "other", "elsewhere"}

    found = without(Api("api", document, ""), {"closed"}, {"api", "other"}).document

    assert {"/open"} == found["paths"].keys()
    answers = found["paths"]["/open"]["get"]["responses"]
    assert [kept, kept] == [answers[code]["links"].keys() for code in ("200", "201")]
    assert kept == found["components"]["links"].keys() == found["components"]["responses"]["shared"]["links"].keys()


def test_a_link_of_an_operation_is_read_from_where_it_is_served(document: Any) -> None:
    """In `invoke/` another folder is above."""
    document["components"]["links"] = {"up": {"operationRef": "../other.json#/paths/~1x/get"}}

    found = without(Api("invoke/hash", document, ""), set(), {"other"}).document

    assert {"up"} == found["components"]["links"].keys()


def test_no_tag_is_left_that_no_operation_has(document: Any) -> None:
    """Of those that went with closed operations; one that nobody had is its author's affair."""
    document["tags"] = [{"name": "run"}, {"name": "manage"}, {"name": "both"}, {"name": "nobody's"}]
    document["paths"]["/open"]["get"]["tags"] = ["run", "both"]
    document["paths"]["/closed"]["get"]["tags"] = ["manage", "both"]

    found = without(Api("api", document, ""), {"closed"}, set()).document

    assert ["run", "both", "nobody's"] == [tag["name"] for tag in found["tags"]]
