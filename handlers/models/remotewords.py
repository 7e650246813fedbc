"""What another server is asked, and what it has answered: read as a stranger's word, results or an error's words."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from handlers.errors import (
    BadGateway,
    Conflict,
    Fault,
    InputInvalid,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from handlers.files.calls import RETRY, Answer
from handlers.models.credentials import repeated

WORDS: Final = 1000  #: characters of an error that are passed on
LONGEST_PAUSE_S: Final = 3600
DEEPEST: Final = 64  #: levels of an answer
MOST_VALUES: Final = (
    200_000  #: objects and lists of an answer, each of which takes far more memory than its two brackets
)
SPOKEN: Final = ("detail", "error", "message")  #: where an error's words are, in the order of preference
REFUSALS: Final[Mapping[int, type[Problem]]] = {
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.GONE: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
}


def question(document: Mapping[str, Any]) -> bytes:
    """Return what is sent.

    Raises:
        InputInvalid: A value is none that JSON has; tables hold more kinds of them.
    """
    try:
        return orjson.dumps(document)
    except TypeError as error:
        words = f"An input cannot be sent to another server: {error}"
        raise InputInvalid(faults=[Fault("body", "/parameters", words[:WORDS])]) from error


def document_in(answer: Answer) -> dict[str, Any]:
    """Return the object of an answer.

    Raises:
        InputInvalid, NotFound, Conflict, TooLarge, TooManyRequests: The other server does not take it.
        Unavailable: It cannot answer at the moment.
        BadGateway: It failed, wants other credentials than ours, or has answered something else.
    """
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise refusal(answer)
    found = parsed(answer.body)
    if not isinstance(found, dict):
        raise BadGateway("The other server has not answered with a JSON object.")
    if nests(found, DEEPEST):
        raise BadGateway(f"The other server's answer nests more than {DEEPEST} levels deep.")
    return found


def nests(value: Any, deepest: int) -> bool:
    """Tell whether a value nests more than *deepest* levels deep; a much deeper one could not be passed on."""
    level = [value]
    for _ in range(deepest):
        members = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for found in members for one in found if isinstance(one, dict | list)]
    return bool(level)


def refusal(answer: Answer) -> Problem:
    """Return the error that an answer is for whoever has asked us."""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return BadGateway(unknown_there(answer))
    said = words_in(answer)
    words = f"The other server says {answer.status}: {said}" if said else f"The other server says {answer.status}."
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequests(words, headers=pause(answer))
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unavailable(words, headers=pause(answer))
    if answer.status in REFUSALS:
        return REFUSALS[answer.status](words)
    if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InputInvalid(faults=[Fault("body", "/parameters", words)])
    return BadGateway(words)


def unknown_there(answer: Answer) -> str:
    """Return the words for an answer that wants other credentials: not the caller's, who has none to give."""
    if answer.shown:
        return f"The other server refuses the credentials that this one has for it: it says {answer.status}."
    return f"The other server wants credentials, and this one has none for it: it says {answer.status}."


def pause(answer: Answer) -> dict[str, str]:
    """Return when to try again: as the other server says, within reason."""
    text = answer.headers.get("retry-after", "")
    known = text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= LONGEST_PAUSE_S
    return {"Retry-After": text} if known else dict(RETRY)


def words_in(answer: Answer) -> str:
    """Return the words of an error, such as one line shows them; empty where there are none that are understood."""
    found = parsed(answer.body)
    said = [found.get(member) for member in SPOKEN] if isinstance(found, dict) else []
    words = next((one for one in said if isinstance(one, str) and one), "")[:WORDS]
    if repeated(words, answer.shown):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in words).strip()


def parsed(body: bytes) -> Any:
    """Return the JSON that a body holds; None where it holds none, or more than is held in memory."""
    if body.count(b"[") + body.count(b"{") > MOST_VALUES:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def member(document: Mapping[str, Any], name: str, kind: type) -> Any:
    """Return a member of an object.

    Raises:
        BadGateway: It is not there, or of another kind.
    """
    found = document.get(name)
    if not isinstance(found, kind):
        raise BadGateway(f"The other server's answer has no member {name}, or one of another kind.")
    return found


def listed(document: Mapping[str, Any], name: str) -> list[Any]:
    """Return a member of an object that is a list; it may be absent or null, and is empty then.

    Raises:
        BadGateway: It is of another kind.
    """
    return [] if document.get(name) is None else list(member(document, name, list))
