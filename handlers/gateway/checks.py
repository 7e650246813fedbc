"""Whether an answer keeps to the spec: checked where the settings ask for it, always in tests."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from handlers.errors import BodyMalformed
from handlers.gateway import jsontext
from handlers.gateway.replies import Answer, is_json
from handlers.spec.schemas import Checker, Schemas

DEPTH = 1000


class AnswerBroken(Exception):
    """An answer breaks the spec."""


class AnswerCheck:
    """The answers that one operation may give, compiled."""

    def __init__(self, responses: Mapping[str, Any], schemas: Schemas) -> None:
        """Take the OpenAPI Responses Object, its members dereferenced but not their schemas."""
        self._responses = {
            code.upper(): (compile_content(response.get("content", {}), schemas), required_headers(response, schemas))
            for code, response in responses.items()
        }

    def check(self, answer: Answer) -> None:
        """Refuse *answer* if the document does not describe it.

        Raises:
            AnswerBroken: The status, the content type, a header or the body is not as documented.
        """
        content, headers = self._described(answer.status)
        missing = headers - {name.lower() for name, _ in answer.headers}
        if missing:
            raise AnswerBroken(f"the answer {answer.status} lacks the headers {', '.join(sorted(missing))}")
        if not answer.content_type:
            if content:
                raise AnswerBroken(f"the answer {answer.status} has no body")
            return
        checker = described_type(content, answer.content_type)
        if checker is not None and isinstance(answer.body, bytes):
            check_body(checker, answer.body)

    def _described(self, status: int) -> tuple[Mapping[str, Checker | None], frozenset[str]]:
        for code in (str(status), f"{status // 100}XX", "DEFAULT"):
            if code in self._responses:
                return self._responses[code]
        raise AnswerBroken(f"the status {status} is not documented")


def compile_content(content: Mapping[str, Any], schemas: Schemas) -> dict[str, Checker | None]:
    """Return the checkers of JSON bodies by content type; None for what is not JSON."""
    return {
        kind.lower(): schemas.compile(media["schema"], "response") if is_json(kind) and "schema" in media else None
        for kind, media in content.items()
    }


def required_headers(response: Mapping[str, Any], schemas: Schemas) -> frozenset[str]:
    """Return the names of the headers that an answer must have, in lower case."""
    headers = response.get("headers", {})
    return frozenset(name.lower() for name, header in headers.items() if schemas.deref(header).get("required"))


def described_type(content: Mapping[str, Checker | None], content_type: str) -> Checker | None:
    """Return the checker of *content_type*.

    Raises:
        AnswerBroken: The document does not have this content type.
    """
    kind = content_type.partition(";")[0].strip().lower()
    for pattern, checker in content.items():
        if fnmatchcase(kind, pattern.partition(";")[0].strip()):
            return checker
    raise AnswerBroken(f"the content type {kind} is not documented")


def check_body(checker: Checker, body: bytes) -> None:
    """Refuse a JSON *body* that breaks its schema.

    Raises:
        AnswerBroken: It does.
    """
    try:
        value = jsontext.read(body, depth=DEPTH)
    except BodyMalformed:
        raise AnswerBroken("the body is not JSON") from None
    if not checker.valid(value):
        raise AnswerBroken("the body breaks its schema: " + checker.outline(value))
