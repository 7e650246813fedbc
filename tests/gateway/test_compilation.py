"""A server whose documents and handlers disagree does not start, and says why."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from handlers.app import create_app
from handlers.gateway.compilation import CannotServe, mount_of
from handlers.gateway.resolver import Resolver
from handlers.settings import Settings
from handlers.spec.documents import Api
from tests.gateway.echo import SPECS, api, echo, echo_app, serving, styles

HASH = SPECS / "invoke" / "hash.yaml"


def small(**operation: Any) -> Api:
    """Return an API with one operation."""
    whole = {"operationId": "readThing", "x-openapi-router-controller": "c"} | operation
    whole["responses"] = {"200": {"description": "Good."}}
    document = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/thing": {"get": whole}}}
    return Api("small", document, "")


def test_all_missing_handlers_are_named_at_once():
    """The message has every operation, its module and the function that is wanted."""
    document = deepcopy(dict(styles().document))
    for path, controller in (("/arrays", "handlers.nowhere"), ("/objects", "handlers.wire")):
        document["paths"][path]["get"]["x-openapi-router-controller"] = controller

    with pytest.raises(CannotServe) as failure:
        create_app(Settings(), apis=[replace(styles(), document=document)])

    words = str(failure.value)
    assert "GET /styles/arrays of styles: there is no module handlers.nowhere for read_arrays" in words
    assert "GET /styles/objects of styles: handlers.wire has no function read_objects" in words


@pytest.mark.parametrize(
    ("operation", "handler", "words"),
    [
        ({}, lambda thing: thing, "needs thing, which not every request gives"),
        ({"parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}]}, lambda q: q, "needs q"),
        (
            {"parameters": [{"name": "q", "in": "query", "content": {"application/json": {}}}]},
            echo,
            "'q' has no schema",
        ),
        ({"x-scopes": ["manage"]}, echo, "x-scopes needs security"),
    ],
)
def test_what_cannot_be_served_is_found_at_start(operation, handler, words):
    """A handler that a valid request may leave short, and a document that is not served, are found before requests."""
    with pytest.raises(CannotServe, match=words):
        echo_app(small(**operation), handler=handler)


def test_a_handler_takes_what_it_names():
    """Parameters that a handler does not name are checked but not handed over."""
    parameters = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("one", "two")]
    client = echo_app(small(parameters=parameters), handler=lambda one=0: {"one": one}).test_client()

    assert {"one": 1} == client.get("/thing?one=1&two=2").json
    assert 400 == client.get("/thing?one=1&two=x").status_code


def test_operations_are_bound_to_the_functions_of_invoke():
    """The resolver fixes the operation, whatever its operationIds are called."""
    functions = {
        "sync": "invoke_sync",
        "async": "invoke_async",
        "status": "get_status",
        "events": "get_events",
        "result": "get_result",
        "cancel": "cancel_job",
    }

    bound = [Resolver(api(HASH)).handler("tests.gateway.bound", f"hash_{mode}") for mode in functions]

    assert all(isinstance(function, partial) and {"operation": "hash"} == function.keywords for function in bound)
    assert list(functions.values()) == [function.func.__name__ for function in bound]


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ({}, "/invoke/hash"),
        ({"invoke": "/"}, "/hash"),
        ({"invoke": "/v2/invoke/"}, "/v2/invoke/hash"),
        ({"invoke/hash": "/"}, ""),
        ({"ops": "/"}, "/invoke/hash"),
    ],
)
def test_an_api_may_be_mounted_elsewhere(mounts, expected):
    """By its own name, or by that of its family."""
    assert expected == mount_of(api(HASH), mounts)
    app = create_app(Settings(), apis=[api(HASH)], mounts=mounts, resolver=serving(echo))
    assert 200 == app.test_client().post(f"{expected}/invokesync", json={"to_hash": "a"}).status_code


def test_a_mount_answers_with_and_without_its_slash():
    """The path `/` below a mount is the mount itself."""
    document = dict(small().document) | {"paths": {"/": small().document["paths"]["/thing"]}}
    client = echo_app(Api("small", document, "/here")).test_client()

    assert [200, 200] == [client.get("/here").status_code, client.get("/here/").status_code]


def test_parameters_of_the_path_are_shared_and_the_operation_wins():
    """A parameter of the operation replaces that of its path with the same name."""

    def limit(maximum: int) -> dict[str, Any]:
        return {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": maximum}}

    document = deepcopy(dict(small(parameters=[limit(5)]).document))
    header = {"name": "X-A", "in": "header", "required": True, "schema": {"type": "string"}}
    document["paths"]["/thing"]["parameters"] = [limit(1), header]
    client = echo_app(Api("small", document, "")).test_client()

    assert {"limit": 3} == client.get("/thing?limit=3", headers={"X-A": "a"}).json
    assert 400 == client.get("/thing?limit=3").status_code
