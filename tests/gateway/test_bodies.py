"""Bodies are read under bounds; uploads go to disk and are gone when the request ends."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from handlers import wire
from handlers.gateway.server import Gateway
from handlers.wire import Reply
from tests.gateway.echo import echo_app

JSON = {"Content-Type": "application/json"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


def multipart(*files: tuple[str, str, bytes]) -> bytes:
    """Return a body of (name, file name, content)."""
    head = '--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
    return b"".join((head % (name, file)).encode() + data + b"\r\n" for name, file, data in files) + b"--b--\r\n"


def faults(response: Any) -> list[tuple[str, str]]:
    """Return the part and the place of each fault of a problem."""
    assert "application/problem+json" == response.headers["Content-Type"]
    return [(fault["in"], fault["place"]) for fault in response.json["errors"]]


def chunked(app: Gateway, path: str, body: bytes, **environ: Any) -> tuple[int, Any]:
    """Send *body* without a length."""
    sent = EnvironBuilder(method="POST", path=path).get_environ()
    sent |= {"wsgi.input": io.BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    sent.pop("CONTENT_LENGTH", None)
    chunks, status, _ = run_wsgi_app(app, sent | environ)
    return int(status.split()[0]), json.loads(b"".join(chunks))


def test_faults_of_a_body_name_their_places(client: Client):
    """Every wrong member is named by its JSON Pointer, and the first is said in the old keys too."""
    response = client.post("/styles/json", json={"size": "1", "owner": {}, "~/": 1})

    assert 400 == response.status_code
    assert {("body", "/size"), ("body", "/name"), ("body", ""), ("body", "/owner/mail")} == set(faults(response))
    assert response.json["errors"][0]["detail"] in response.json["error"]


@pytest.mark.parametrize("path", ["/styles/tree", "/styles/raw", "/styles/files"])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "identity, gzip", "x" * 1000])
def test_a_body_that_is_compressed_is_refused(client: Client, path: str, coding: str):
    """As 415, whatever it holds, and not as JSON that is none; the answer names what is taken."""
    kind = {"/styles/tree": "application/json", "/styles/raw": "application/octet-stream"}.get(path)
    headers = {"Content-Encoding": coding, "Content-Type": kind or MULTIPART["Content-Type"]}

    response = client.post(path, data=gzip.compress(b"{}"), headers=headers)

    assert (415, "application/problem+json") == (response.status_code, response.headers["Content-Type"])
    assert "identity" == response.headers["Accept-Encoding"]
    assert f"Content-Encoding is {coding[:50]}." in response.json["error"]


def test_a_body_may_say_that_it_is_not_compressed(client: Client):
    """`identity` is no compression."""
    headers = JSON | {"Content-Encoding": " Identity"}

    assert 200 == client.post("/styles/tree", data=b'{"label": "x"}', headers=headers).status_code


def test_a_body_beyond_the_limit_is_refused():
    """A JSON body that is too long is a 413, whether its length is announced or not."""
    app = echo_app(body_limit_bytes=100)
    body = json.dumps({"label": "x" * 100}).encode()

    announced = app.test_client().post("/styles/tree", data=body, headers=JSON)
    status, problem = chunked(app, "/styles/tree", body, CONTENT_TYPE="application/json")

    assert (413, 413, 413) == (announced.status_code, status, problem["status"])


@pytest.mark.parametrize("path", ["/styles/tree", "/nowhere"])
@pytest.mark.parametrize(
    ("proxies", "terminated", "announced", "size", "taken"),
    [
        (1, False, True, 3_000_000, 3_000_000),
        (1, True, False, 3_000_000, 3_000_000),
        (1, False, True, 5_000_000, 0),
        (0, True, True, 1000, 1000),
        (0, True, True, 1001, 0),
        (0, True, False, 1000, 0),
        (0, False, True, 1000, 0),
    ],
)
def test_what_is_left_of_a_refused_body_is_read(path, proxies, terminated, announced, size, taken):
    """Off a proxy all that an upload may have, off others what any body may have; nothing where that would wait."""
    app = echo_app(trusted_proxies=proxies, body_limit_bytes=1000, upload_limit_bytes=4_000_000)
    source = io.BytesIO(bytes(size))
    sent = EnvironBuilder(method="POST", path=path, content_type="text/plain").get_environ() | {"wsgi.input": source}
    sent.pop("CONTENT_LENGTH", None)
    length = {"CONTENT_LENGTH": str(size)} if announced else {"HTTP_TRANSFER_ENCODING": "chunked"}

    _, status, _ = run_wsgi_app(app, sent | length | {"wsgi.input_terminated": terminated})

    assert status.startswith("4")
    assert taken == source.tell()


def test_a_client_that_asks_before_it_sends_is_not_made_to_send(app: Gateway):
    """Whoever expects to be told whether to go on (RFC 9110, section 10.1.1) hears the refusal instead."""
    source = io.BytesIO(bytes(1000))
    sent = EnvironBuilder(method="POST", path="/nowhere", headers={"Expect": "100-continue"}).get_environ()

    run_wsgi_app(app, sent | {"wsgi.input": source, "CONTENT_LENGTH": "1000", "wsgi.input_terminated": True})

    assert 0 == source.tell()


def test_a_body_that_breaks_off_is_refused(app: Gateway):
    """A body that ends before its announced length is a 400, never half a value."""
    sent = EnvironBuilder(method="POST", path="/styles/raw", content_type="application/octet-stream").get_environ()
    chunks, status, _ = run_wsgi_app(app, sent | {"wsgi.input": io.BytesIO(b"abc"), "CONTENT_LENGTH": "10"})

    assert "400" == status.split()[0]
    assert "ended before" in json.loads(b"".join(chunks))["detail"]


@pytest.mark.parametrize("length", ["-1", "x", "1_0", "٣"])
def test_a_length_that_is_no_number_is_refused(app: Gateway, length):
    """Content-Length has decimal digits only."""
    sent = EnvironBuilder(method="POST", path="/styles/tree", content_type="application/json").get_environ()
    _, status, _ = run_wsgi_app(app, sent | {"CONTENT_LENGTH": length})

    assert "400" == status.split()[0]


def test_another_media_type_is_refused(client: Client):
    """What the operation does not take is a 415 that says what it takes."""
    response = client.post("/styles/tree", data="x", content_type="text/plain")

    assert 415 == response.status_code
    assert "application/json" in response.json["detail"]


def test_octets_are_streamed():
    """A raw body reaches the handler as a stream, in the argument and in the request."""
    seen: list[bytes] = []

    def handler(body: Any) -> dict[str, bool]:
        seen.extend([body.read(3), body.read(), body.read()])
        return {"same": wire.request().stream is body}

    status, answer = chunked(
        echo_app(handler=lambda **arguments: handler(arguments["body"])),
        "/styles/raw",
        b"abcdef",
        CONTENT_TYPE="application/octet-stream",
    )

    assert (200, {"same": True}) == (status, answer)
    assert [b"abc", b"def", b""] == seen


def test_octets_beyond_the_limit_stop_the_handler():
    """A raw body without a length is cut off by a 413 where the limit is passed."""
    app = echo_app(upload_limit_bytes=10)

    status, _ = chunked(app, "/styles/raw", b"x" * 11, CONTENT_TYPE="application/octet-stream")
    exact, answer = chunked(app, "/styles/raw", b"x" * 10, CONTENT_TYPE="application/octet-stream")

    assert (413, 200) == (status, exact)
    assert {"body": "x" * 10} == answer


def test_uploads_are_on_disk_and_then_gone():
    """A large file is not in memory; after the answer it is closed."""
    kept: list[wire.Upload] = []

    def handler(**arguments: Any) -> dict[str, int]:
        kept.extend([arguments["body"]["main"], *wire.request().uploads["more"]])
        return {"size": kept[0].size, "rolled": int(kept[0].file._rolled)}  # type: ignore[attr-defined]

    big = multipart(("main", "big.bin", b"x" * 3_000_000), ("more", "y", b"y"))
    response = echo_app(handler=handler).test_client().post("/styles/files", data=big, headers=MULTIPART)

    assert {"size": 3_000_000, "rolled": 1} == response.json
    assert [True, True] == [upload.file.closed for upload in kept]


def test_an_answer_may_stream_an_upload():
    """Where the answer is a stream, uploads stay open until it has ended."""
    kept: list[wire.Upload] = []

    def handler(**arguments: Any) -> Reply:
        kept.append(arguments["body"]["main"])
        return Reply(body=iter(lambda: kept[0].file.read(4), b""), content_type="text/plain")

    client = echo_app(handler=handler).test_client()
    response = client.post("/styles/files", data={"main": (io.BytesIO(b"0123456789"), "n")}, buffered=False)

    assert not kept[0].file.closed
    assert b"0123456789" == response.get_data()
    response.close()
    assert kept[0].file.closed


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"note": "n"}, [("form", "/main")]),
        ({"main": [(io.BytesIO(b"1"), "a"), (io.BytesIO(b"2"), "b")]}, [("form", "/main")]),
        ({"main": (io.BytesIO(b"1"), "a"), "note": (io.BytesIO(b"2"), "b")}, [("form", "/note")]),
        ({"main": (io.BytesIO(b"1"), "a"), "data": "{"}, [("form", "/data")]),
    ],
    ids=["missing", "twice", "file-for-text", "no-json"],
)
def test_faults_of_a_form_name_their_places(client: Client, data, expected):
    """A wrong part is named."""
    response = client.post("/styles/files", data=data, content_type="multipart/form-data")

    assert (400, expected) == (response.status_code, faults(response))


def test_multipart_is_bounded():
    """Too many parts, fields that are too long and a body that is too long are a 413; no boundary is a 400."""
    app = echo_app(body_limit_bytes=1000, upload_limit_bytes=100_000)
    client = app.test_client()

    def post(data: Any) -> int:
        return client.post("/styles/files", data=data, content_type="multipart/form-data").status_code

    assert 413 == post({"main": (io.BytesIO(b""), "m"), "note": "x" * 1001})
    assert 413 == post({"main": (io.BytesIO(b"x" * 100_001), "m")})
    assert 413 == post({"main": (io.BytesIO(b""), "m"), "more": [(io.BytesIO(b""), "f")] * 1000})
    assert 400 == client.post("/styles/files", data=b"x", content_type="multipart/form-data").status_code


def test_parameters_come_from_the_query_or_from_the_body(client: Client):
    """`x-parameters` takes the query if there is one, else the body, and names what is missing in either."""
    body = json.dumps({"did": "x", "index": None})

    assert {"did": "q"} == client.post("/styles/either?did=q", json={"did": "b", "index": 1}).json
    assert {"did": "x", "index": None} == client.post("/styles/either", data=body, headers=JSON).json
    assert {"did": "x", "index": None} == client.post("/styles/either", json=body).json
    assert [("query", "did")] == faults(client.post("/styles/either?index=1"))
    assert [("body", "/did"), ("body", "/index")] == faults(client.post("/styles/either", json={"index": "1"}))
    assert [("body", "/did")] == faults(client.post("/styles/either"))
    assert [("body", "")] == faults(client.post("/styles/either", json=[1]))
