"""Where we and stock connexion 3.3 disagree, one by one, each with what explains it.

An entry matches narrowly, and its example shows the difference on the document `styles.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from jsonschema_rs import is_valid

from handlers.spec.schemas import Schemas
from tests.gateway.oracle import BODY_LIMIT_BYTES, Exchange, Request, is_file, spelled

JSON = "application/json"
UPLOAD = {"filename": "", "type": "", "bytes": ""}
FORM = "multipart/form-data; boundary=b"
THING = {"name": "x", "size": 1}


HEADER = "Inference-Header-Content-Length"  # of specs/v2.yaml


@dataclass(frozen=True)
class Difference:
    """One way in which we differ."""

    name: str
    why: str  #: the fault of stock connexion, or the decision of ours
    example: Request
    explains: Callable[[Exchange], bool]


def get(target: str, **headers: str) -> Request:
    """Return a GET of *target* below the mount."""
    return Request("GET", "/styles" + target, headers)


def send(method: str, target: str, body: bytes, content_type: str = JSON) -> Request:
    """Return a request with a body."""
    return Request(
        method,
        "/styles" + target,
        {"Content-Type": content_type, "Content-Length": str(len(body))} if body else {},
        body,
    )


def thing(**members: Any) -> Request:
    """Return a POST of a thing with these members."""
    return send("POST", "/json", json.dumps(members).encode())


def part(name: str, data: str, extra: str = "") -> str:
    """Return one part of a multipart body."""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{data}\r\n'


def parts(*texts: str) -> bytes:
    """Return a multipart body."""
    return ("".join(texts) + "--b--\r\n").encode()


def is_json(exchange: Exchange) -> bool:
    """Tell whether the request has a body that is announced as JSON."""
    return "json" in exchange.request.content_type and bool(exchange.request.body)


def parsed(exchange: Exchange) -> Any:
    """Return the JSON body; None if it is none."""
    try:
        return json.loads(exchange.request.body)
    except ValueError:
        return None


def member(exchange: Exchange, name: str) -> bool:
    """Tell whether the body is an object with the member *name*."""
    value = parsed(exchange)
    return isinstance(value, dict) and name in value


def has(value: Any, test: Callable[[Any], bool]) -> bool:
    """Tell whether *value*, or anything in it, passes *test*."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return test(value) or any(has(item, test) for item in inner)


def depth(value: Any) -> int:
    """Return how deeply *value* is nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max((depth(item) for item in inner), default=0)


def is_utf8(data: bytes) -> bool:
    """Tell whether *data* are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def surrogate(value: Any) -> bool:
    """Tell whether *value* is a text with a lone surrogate."""
    return isinstance(value, str) and not is_utf8(value.encode("utf-8", "surrogatepass"))


def query(exchange: Exchange) -> dict[str, str]:
    """Return the query."""
    return dict(parse_qsl(exchange.request.query, keep_blank_values=True))


def at(exchange: Exchange, path: str) -> bool:
    """Tell whether the request goes to *path* of the document `styles.yaml`."""
    return exchange.request.path == "/styles" + path


def renamed(arguments: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return *arguments* with one of them under another name."""
    return {new if name == old else name: value for name, value in arguments.items()}


def operation(exchange: Exchange) -> Mapping[str, Any]:
    """Return the operation at a path; a fixed one goes before one with parameters."""
    path, paths = exchange.request.path.removeprefix(exchange.oracle.api.mount), exchange.oracle.api.document["paths"]
    fitting = [item for template, item in paths.items() if fits(path, template)]
    found: Mapping[str, Any] = paths.get(path, fitting[0] if fitting else {}).get(exchange.request.method.lower(), {})
    return found


def fits(path: str, template: str) -> bool:
    """Tell whether a path is one of a template's."""
    words, parts = path.split("/"), template.split("/")
    return len(words) == len(parts) and all(
        part[:1] == "{" or part == word for word, part in zip(words, parts, strict=True)
    )


def security(exchange: Exchange) -> list[Any]:
    """Return the security requirements of the operation."""
    everywhere: list[Any] = exchange.oracle.api.document.get("security", [])
    return operation(exchange).get("security", everywhere)  # type: ignore[no-any-return] # a document is untyped


def without_body(request: Request) -> Request:
    """Return *request* with null in place of its body."""
    return replace(request, headers={"Content-Type": JSON, "Content-Length": "4"}, body=b"null")


def from_query(exchange: Exchange) -> bool:
    """Tell whether we took the query of a query-or-body operation and ignored its body."""
    if operation(exchange).get("x-parameters") != "query-or-body" or not exchange.request.query:
        return False
    stock = exchange.oracle.ask_stock(without_body(exchange.request))
    missing = set(operation(exchange).get("x-required", ())) - query(exchange).keys()
    if missing or stock.status != 200:
        return exchange.ours.status == 400
    expected = {name: value for name, value in stock.arguments.items() if name != "body"}
    return exchange.ours.status == 200 and spelled(expected) == spelled(exchange.ours.arguments)


def no_uri(exchange: Exchange) -> bool:
    """Tell whether a query parameter of the format `uri` is none."""
    schemas, sent = Schemas(exchange.oracle.api.document), query(exchange)
    parameters = [schemas.deref(node) for node in operation(exchange).get("parameters", [])]
    uris = [node["name"] for node in parameters if schemas.deref(node["schema"]).get("format") == "uri"]
    checked = {"type": "string", "format": "uri"}
    return any(not is_valid(checked, sent[name], validate_formats=True) for name in uris if name in sent)


def untyped(exchange: Exchange) -> set[str]:
    """Return the query parameters of the operation whose schemas have no type."""
    document = exchange.oracle.api.document
    path = "/scalars/{word}/{whole}/{decimal}" if "/scalars/" in exchange.request.path else ""
    item = document["paths"].get(path, {}).get("get") or operation(exchange)
    schemas = Schemas(document)
    parameters = [schemas.deref(node) for node in item.get("parameters", [])]
    return {node["name"] for node in parameters if "type" not in schemas.deref(node["schema"])}


DIFFERENCES = [
    Difference(
        "too-large",
        "Decision: JSON and forms have at most SEAMARK_BODY_LIMIT_BYTES.",
        thing(**THING, secret="x" * BODY_LIMIT_BYTES),
        lambda e: e.ours.status == 413 and len(e.request.body) > BODY_LIMIT_BYTES,
    ),
    Difference(
        "json-not-utf8",
        "Fault: stock lets UnicodeDecodeError through as a 500.",
        send("POST", "/json", b'{"name": "\xff"}'),
        lambda e: e.statuses == (400, 500) and is_json(e) and not is_utf8(e.request.body),
    ),
    Difference(
        "json-surrogate",
        "Decision: a lone surrogate is no character and cannot be stored or sent; orjson refuses it.",
        thing(**THING, secret="\ud800"),
        lambda e: e.ours.status == 400 and is_json(e) and has(parsed(e), surrogate),
    ),
    Difference(
        "json-nan",
        "Decision: NaN and infinities are not JSON (RFC 8259); Python's json takes them.",
        send("POST", "/json", b'{"name": "x", "size": 1, "weight": NaN}'),
        lambda e: e.statuses == (400, 200) and is_json(e) and bool(re.search(rb"NaN|Infinity", e.request.body)),
    ),
    Difference(
        "json-deep",
        "Decision: bodies are nested at most SEAMARK_JSON_DEPTH deep.",
        send("POST", "/tree", b'{"label": "", "children": [' * 40 + b"]}" * 40),
        lambda e: e.statuses == (400, 200) and is_json(e) and depth(parsed(e)) > 64,
    ),
    Difference(
        "json-in-a-string",
        "Decision: a JSON string that holds a valid object counts as that object.",
        send("POST", "/json", json.dumps(json.dumps(THING)).encode()),
        lambda e: e.statuses == (200, 400) and is_json(e) and isinstance(parsed(e), str),
    ),
    Difference(
        "charset",
        "Decision: JSON is UTF-8 (RFC 8259); another charset is a 415. Stock decodes as it says, or answers 500.",
        send("POST", "/json", json.dumps(THING).encode("utf-16"), "application/json;charset=utf-16"),
        lambda e: e.ours.status == 415 and "charset=" in e.request.content_type,
    ),
    Difference(
        "content-type-space",
        "Fault: stock takes the space before the semicolon as part of the media type (RFC 9110, 8.3.1).",
        send("POST", "/tree", b'{"label": ""}', "application/json ; charset=utf-8"),
        lambda e: e.statuses == (200, 415) and " ;" in e.request.content_type,
    ),
    Difference(
        "chunked",
        "Fault: stock takes a body without Content-Length for no body.",
        Request("POST", "/styles/tree", {"Content-Type": JSON, "Transfer-Encoding": "chunked"}, b'{"label": ""}'),
        lambda e: e.statuses == (200, 400) and e.request.header("Transfer-Encoding") == "chunked",
    ),
    Difference(
        "body-absent",
        "Fault: stock demands an optional JSON body unless its schema is nullable.",
        send("PATCH", "/json", b""),
        lambda e: e.statuses == (200, 400) and not e.request.body and e.ours.arguments.get("body", 0) is None,
    ),
    Difference(
        "body-absent-is-none",
        "Decision: a body that was not sent is None, not an empty object.",
        send("PUT", "/json", b""),
        lambda e: (
            e.statuses == (200, 200)
            and not e.request.body
            and e.ours.arguments.get("body", 0) is None
            and spelled(e.ours.arguments | {"body": {}}) == spelled(e.stock.arguments)
        ),
    ),
    Difference(
        "raw-absent-is-empty",
        "Decision: octets come as a stream; where there are none it is empty, not an empty object.",
        Request("POST", "/styles/raw", {"Content-Type": "application/octet-stream", "Content-Length": "0"}),
        lambda e: (
            e.statuses == (200, 200)
            and not e.request.body
            and e.ours.arguments.get("body") == ""
            and e.stock.arguments.get("body") == {}
        ),
    ),
    Difference(
        "read-only-required",
        "Fault: `required` holds for a read-only property in answers only (OpenAPI 3.0.3, Schema Object).",
        send("POST", "/record", b'{"name": "x"}'),
        lambda e: e.statuses == (200, 400) and at(e, "/record") and not member(e, "id"),
    ),
    Difference(
        "read-only-sent",
        "Decision: a read-only property in a request is a 400; connexion 3 no longer looks.",
        send("POST", "/record", b'{"name": "x", "id": "7"}'),
        lambda e: e.statuses == (400, 200) and at(e, "/record") and member(e, "id"),
    ),
    Difference(
        "nullable-composed",
        "Decision: `nullable` holds beside allOf too, as authors mean it; stock heeds it for `type` and `enum` only.",
        thing(**THING, owner=None),
        lambda e: e.statuses == (200, 400) and member(e, "owner") and parsed(e)["owner"] is None,
    ),
    Difference(
        "format-date",
        "Decision: all formats of jsonschema-rs are checked; stock checks what libraries happen to be installed for.",
        thing(**THING, day="x"),
        lambda e: e.statuses == (400, 200) and at(e, "/json") and member(e, "day"),
    ),
    Difference(
        "format-uri",
        "Decision: as for dates; stock checks a URI only where a library for that is installed.",
        get("/link?next=no%20uri"),
        lambda e: e.statuses == (400, 200) and no_uri(e),
    ),
    Difference(
        "pattern-newline",
        "Fault: Python's `$` matches before a final line break, that of ECMA 262 and of Rust does not.",
        get("/scalars/a/1/1.5?class=abc%0A"),
        lambda e: e.statuses == (400, 200) and "%0A" in e.request.target.upper(),
    ),
    Difference(
        "path-newline",
        "Fault: stock answers 500 where a line break is in the path: its two routers disagree.",
        get("/a/b%0A"),
        lambda e: e.stock.status == 500 and e.ours.status < 500 and "%0A" in e.request.path.upper(),
    ),
    Difference(
        "path-not-utf8",
        "Decision: a path that is not UTF-8 is a 400; stock takes replacement characters for it.",
        get("/a/%FF"),
        lambda e: e.ours.status == 400 and not is_utf8(unquote_to_bytes(e.request.path)),
    ),
    Difference(
        "path-number-empty",
        "Fault: stock's pattern of a number matches no digits at all, and then fails to convert them.",
        get("/scalars/a/1/."),
        lambda e: e.statuses == (404, 500) and bool(re.search(r"/[+-]?\.?$", e.request.path)),
    ),
    Difference(
        "path-concrete",
        "Fault: stock validates by the first template of the file that matches, not by the concrete path.",
        get("/x/JSON"),
        lambda e: (
            e.statuses == (200, 400) and e.request.path.endswith("/JSON") and e.ours.arguments.keys() == {"first"}
        ),
    ),
    Difference(
        "path-slash",
        "Decision: a path with a slash at its end is another path; stock redirects.",
        get("/json/"),
        lambda e: e.statuses == (404, 307) and e.request.path.endswith("/"),
    ),
    Difference(
        "query-not-utf8",
        "Decision: a query that is not UTF-8 is a 400; stock takes replacement characters for it.",
        get("/scalars/a/1/1.5?odd-name[1]=%FF"),
        lambda e: e.ours.status == 400 and not is_utf8(unquote_to_bytes(e.request.query)),
    ),
    Difference(
        "query-nan",
        "Decision: NaN and infinities are no numbers in a query either; no maximum would hold them.",
        get("/scalars/a/1/1.5?ratio=nan"),
        lambda e: (
            e.statuses == (400, 200)
            and any(v.strip(" +-").lower() in {"nan", "inf", "infinity"} for v in query(e).values())
        ),
    ),
    Difference(
        "query-untyped",
        "Fault: stock answers 500 to a query parameter whose schema has no `type`, such as one with anyOf.",
        get("/scalars/a/1/1.5?place=7"),
        lambda e: e.stock.status == 500 and e.ours.status < 500 and not untyped(e).isdisjoint(query(e)),
    ),
    Difference(
        "query-keyword",
        "Decision: a parameter whose name is a keyword of Python gets an underscore, or no function could name it.",
        get("/scalars/a/1/1.5?class=x"),
        lambda e: (
            e.statuses == (200, 200)
            and spelled(renamed(e.stock.arguments, "class", "class_")) == spelled(e.ours.arguments)
        ),
    ),
    Difference(
        "deep-object-empty-member",
        "Fault: stock makes an empty object of an empty text: dict('') is {}.",
        get("/objects?filter[inner]="),
        lambda e: (
            e.statuses == (400, 200)
            and at(e, "/objects")
            and "" in {query(e).get("filter"), query(e).get("filter[inner]")}
        ),
    ),
    Difference(
        "deep-object-in-scalar",
        "Fault: stock answers 500 to a member of a member that is no object.",
        get("/objects?filter[high][x]=1"),
        lambda e: e.statuses == (400, 500) and at(e, "/objects") and any(key.count("[") > 1 for key in query(e)),
    ),
    Difference(
        "header-number",
        "Fault: stock does not convert headers, so that an integer never passes.",
        get("/headers", **{"X-Word": "ab", "X-Count": "3"}),
        lambda e: (
            e.statuses == (200, 400)
            and bool(e.request.header(HEADER) or (at(e, "/headers") and e.request.header("X-Count")))
        ),
    ),
    Difference(
        "cookie-malformed",
        "Decision: a cookie whose value RFC 6265 does not allow is no cookie, as werkzeug has it; Starlette takes it.",
        get("/headers", **{"X-Word": "ab", "Cookie": 'mark=a "bcdefgh'}),
        lambda e: (
            at(e, "/headers")
            and {200, 400} == set(e.statuses)
            and bool(re.search(r'[\s",\\]', e.request.header("Cookie")))
        ),
    ),
    Difference(
        "multipart-malformed",
        "Fault: stock answers 500 to a body that is not multipart.",
        send("POST", "/files", b"--b\r\nx--b--\r\n", FORM),
        lambda e: e.statuses == (400, 500) and e.request.content_type.startswith("multipart/"),
    ),
    Difference(
        "multipart-json",
        "Fault: an object in a multipart body is JSON (OpenAPI 3.0.3, Encoding Object); stock leaves it a text.",
        send("POST", "/files", parts(part("main", "m", '; filename="m"'), part("data", json.dumps(THING))), FORM),
        lambda e: e.statuses == (200, 400) and at(e, "/files") and "data" in e.ours.arguments["body"],
    ),
    Difference(
        "multipart-nameless-file",
        "Decision: a file is an upload even if it came without a file name; stock gives text.",
        send("POST", "/files", parts(part("main", "m")), FORM),
        lambda e: (
            e.statuses == (200, 200)
            and at(e, "/files")
            and any(not is_file(e.stock.arguments["body"].get(name, UPLOAD)) for name in ("main", "more"))
        ),
    ),
    Difference(
        "query-or-body",
        "Decision: `x-parameters` takes the query, and the body only where there is no query.",
        Request("POST", "/styles/either?did=x", {"Content-Type": JSON, "Content-Length": "2"}, b"[]"),
        from_query,
    ),
    Difference(
        "body-of-query-or-body",
        "Decision: `x-parameters` takes the members of the body as the parameters.",
        send("POST", "/either", b'{"did": "x", "index": 3}'),
        lambda e: operation(e).get("x-parameters") == "query-or-body" and not e.request.query,
    ),
    Difference(
        "optional-token",
        "Decision: a wrong token is a 401 where a token is optional too; stock does not look at it.",
        Request("PUT", "/styles/secret", {"Authorization": "Bearer wrong"}),
        lambda e: (
            e.statuses == (401, 200) and {} in operation(e).get("security", e.oracle.api.document.get("security", []))
        ),
    ),
    Difference(
        "scopes",
        "Decision: `x-scopes` names what the caller must hold.",
        Request("DELETE", "/styles/secret", {"Authorization": "Bearer good"}),
        lambda e: e.statuses == (403, 200) and "x-scopes" in operation(e),
    ),
    Difference(
        "options",
        "Decision: OPTIONS answers with Allow.",
        Request("OPTIONS", "/styles/json"),
        lambda e: e.statuses == (200, 405) and e.request.method == "OPTIONS",
    ),
]
