"""Answers from the examples of the documents, so that a client can be written before the handlers.

Requests are validated as ever, and security is asked for, but any token opens everything. A caller chooses among the
answers of an operation with `Prefer: code=404`, and among the examples of an answer with `Prefer: example=NAME`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from connexion.resolver import Resolution

from handlers.gateway.replies import is_json
from handlers.gateway.resolver import Handler, Resolver
from handlers.spec.sample import EndlessError, sample
from handlers.spec.shape import follow
from handlers.wire import Reply, request

PREFERENCE = re.compile(r"""\b(code|example)\s*=\s*"?([^";,]+)""")

Document = Mapping[str, Any]


class MockResolver(Resolver):
    """Finds, for each operation, a function that answers from its examples."""

    def resolve(self, operation: Any) -> Resolution:
        """Return a function that answers in place of *operation*."""
        document = self._api.document
        responses = document["paths"][operation.path][operation.method]["responses"]
        mock = Mock(document, {code: follow(document, response) for code, response in responses.items()})
        return Resolution(mock.answer, operation.operation_id or "")

    def function(self, path: str) -> Handler:
        """Return, in place of a function that knows credentials, one that takes any."""
        return anybody


def anybody(*_credentials: Any, **_more: Any) -> dict[str, Any]:
    """Say that whoever brings credentials may do anything."""
    return {"sub": "mock", "scopes": ["manage"]}


class Mock:
    """Answers one operation."""

    def __init__(self, document: Document, responses: Mapping[str, Document]) -> None:
        """Take the *responses* of the operation by their codes."""
        self._document = document
        self._responses = responses

    @property
    def codes(self) -> list[str]:
        """The codes of the operation's answers, as its document has them."""
        return list(self._responses)

    def answer(self, **_arguments: Any) -> Reply:
        """Answer with an example."""
        wanted = dict(PREFERENCE.findall(request().headers.get("prefer", "")))
        code = self._code(wanted.get("code", "").strip())
        response = self._responses.get(code) or self._responses.get(f"{code[0]}XX") or self._responses["default"]
        headers = self._headers(response)
        for kind, media in response.get("content", {}).items():
            value = self._value(media, wanted.get("example", "").strip())
            return Reply(body=as_body(kind, value), status=int(code), headers=headers, content_type=plain(kind))
        return Reply(status=int(code), headers=headers)

    def _code(self, wanted: str) -> str:
        """Return the status to answer: the wanted one if the operation has it, else its first success."""
        known = {code: code.upper().replace("XX", "00") for code in self._responses if code != "default"}
        there = wanted in known or (wanted and f"{wanted[0]}XX" in known) or "default" in self._responses
        if re.fullmatch("[2-5][0-9][0-9]", wanted) and there:
            return wanted
        successes = [code for code in sorted(known.values()) if code[0] in "23"]
        return next(iter(successes), "200" if "default" in self._responses else min(known.values()))

    def _value(self, media: Document, wanted: str) -> Any:
        """Return the example of an answer: the wanted one, the first, or one made of its schema."""
        examples = {name: follow(self._document, each) for name, each in media.get("examples", {}).items()}
        values = {name: each["value"] for name, each in examples.items() if "value" in each}
        if wanted in values:
            return values[wanted]
        if "example" in media or values:
            return media["example"] if "example" in media else next(iter(values.values()))
        return self._sample(media.get("schema", {}))

    def _headers(self, response: Document) -> dict[str, str]:
        """Return the headers of an answer, those left out that nothing is known of and that may be missing."""
        found = {name: follow(self._document, each) for name, each in response.get("headers", {}).items()}
        values = {name: each.get("example", self._sample(each.get("schema", {}))) for name, each in found.items()}
        return {name: str(value) for name, value in values.items() if name.lower() != "content-type"}

    def _sample(self, schema: Document) -> Any:
        try:
            return sample(self._document, schema)
        except EndlessError:
            return {}


def plain(kind: str) -> str:
    """Return a media type that can be sent in place of a range of them."""
    if "*" not in kind:
        return kind
    return "application/json" if kind.startswith("*") else f"{kind.partition('/')[0]}/x-mock"


def as_body(kind: str, value: Any) -> Any:
    """Return *value* as the body of an answer of one media type."""
    return value if is_json(plain(kind)) or isinstance(value, str) else json.dumps(value)
