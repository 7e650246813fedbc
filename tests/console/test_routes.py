"""Documentation, documents, health and metrics."""

import re

import pytest

from handlers.app import create_app
from handlers.console.served import is_built
from handlers.ops import get_info
from handlers.settings import Settings


def test_the_index_lists_every_api(client):
    """Each API that is served stands in the list, with its mount and its documents, and each of these is there."""
    apis = client.get("/openapi").json["apis"]
    page = client.get("/docs").text

    assert {"invoke/hash", "konduit", "ops", "provider"} <= {api["name"] for api in apis}
    for api in apis:
        assert f'href="docs/{api["name"]}"' in page
        assert 200 == client.get(api["document"]).status_code
        assert 200 == client.get(api["documentation"]).status_code


def test_pages_load_nothing_from_elsewhere(client):
    """What the pages refer to is served here, and their policy forbids all else."""
    response = client.get("/docs/invoke/hash")
    links = re.findall(r'(?:src|href|data-document)="([^"]+)"', response.text)

    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert links
    for link in links:
        assert link.startswith("../../")
        with client.get(link.replace("../../", "/")) as answer:
            assert 200 == answer.status_code


def test_only_the_files_of_the_pages_are_given_out(client):
    """Templates and modules stay inside."""
    assert [404, 404, 404] == [
        client.get(f"/docs/assets/{name}").status_code for name in ("routes.py", "index.html", "..%2fsettings.py")
    ]


def test_a_document_names_the_server_as_the_client_sees_it(client, settings):
    """`servers` holds the public address with the true mount, not what the spec says."""
    ours = client.get("/openapi/ops.json").json["servers"]
    moved = Settings(home=settings.home, public_url="https://sea.example/x", mounts="ops=/v2, invoke=/")
    other = create_app(moved).test_client()

    assert "http://localhost/ops" == ours[0]["url"]
    assert "https://sea.example/x/v2" == other.get("/openapi/ops.json").json["servers"][0]["url"]
    assert "https://sea.example/x/hash" == other.get("/openapi/invoke/hash.json").json["servers"][0]["url"]


def test_a_document_that_the_client_has_is_not_sent_again(client):
    """The entity tag of a document answers with 304 while it holds."""
    tag = client.get("/openapi/ops.json").headers["ETag"]

    again = client.get("/openapi/ops.json", headers={"If-None-Match": tag})

    assert (304, b"") == (again.status_code, again.data)


def test_an_unknown_api_is_a_problem(client):
    """A document and a page that are not there are 404 problems."""
    for address in ("/openapi/none.json", "/docs/none"):
        response = client.get(address)

        assert (404, "application/problem+json") == (response.status_code, response.content_type)


def test_alive_is_not_ready(client):
    """Without Redis and without a worker the web lives, but is not ready, and says what is missing."""
    alive, ready = client.get("/healthz"), client.get("/readyz")

    assert 200 == alive.status_code
    assert (503, "application/problem+json") == (ready.status_code, ready.content_type)
    assert {"queue", "worker"} == set(ready.json["missing"])
    assert int(ready.headers["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["get", "head"])
def test_health_is_not_kept_by_caches(client, method):
    """A proxy never answers for us."""
    assert "no-store" == getattr(client, method)("/healthz").headers["Cache-Control"]


def test_metrics_say_what_is_up(client):
    """Parts that work and parts that do not are told apart, and requests are counted by operation and status."""
    client.post("/invoke/hash/invokesync", json={})

    text = client.get("/metrics").text

    assert 'seamark_up{part="database"} 1.0' in text
    assert 'seamark_up{part="queue"} 0.0' in text
    assert "seamark_jobs_waiting 0.0" in text
    assert 'seamark_request_seconds_count{api="invoke/hash",operation="hash_sync",status="400"} 1.0' in text


def test_a_handler_that_only_says_that_it_is_not_built_does_not_count():
    """What the index calls built is what does more than to raise `NotBuilt`."""
    assert not is_built(get_info) or get_info.__code__.co_names != ("NotBuilt",)
    assert is_built(Settings.model_dump)
