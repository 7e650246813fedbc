"""One operation, compiled at start: what it takes, whom it lets in, what it calls and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers import wire
from handlers.gateway.bodies import Bodies, read_members
from handlers.gateway.body import Body
from handlers.gateway.checks import AnswerCheck
from handlers.gateway.origin import Headers, Origins
from handlers.gateway.parameters import Parameters
from handlers.gateway.replies import Answer, Replies
from handlers.gateway.security import Guard
from handlers.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Handler = Callable[..., Any]

NO_BODY = Body(None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A compiled operation."""

    name: str  #: unique in the server: API and operationId
    method: str
    path: str  #: template, below the mount
    mount: str
    for_pages: bool  #: pages of all origins may call it (`x-cors: any`)
    handler: Handler
    accepted: frozenset[str] | None  #: keyword arguments that the handler takes; None: any
    guard: Guard | None
    parameters: Parameters
    either: bool  #: parameters come from the query or from the body (`x-parameters: query-or-body`)
    bodies: Bodies | None
    body_argument: str
    replies: Replies
    check: AnswerCheck | None
    settings: Settings
    origins: Origins

    def answer(self, environ: WSGIEnvironment, captured: Mapping[str, str], request_id: str) -> Answer:
        """Answer one request.

        Args:
            environ: The request.
            captured: Parts of the path by the names of their templates.
            request_id: Its id.

        Raises:
            Problem: The request is refused, or the handler could not do its work.
            AnswerBroken: The handler's answer breaks the spec.
        """
        local = self.origins.is_local(environ)
        caller = wire.Caller(local=local) if self.guard is None else self.guard.admit(environ, local=local)
        arguments = self._arguments(environ, captured)
        body = NO_BODY
        if self.bodies is not None:
            body = self.bodies.read(environ)
            arguments[self.body_argument] = body.value
        try:
            wire.enter(self._request(environ, caller, body, request_id))
            answer = self._call(arguments)
        except BaseException:
            body.close()
            raise
        return closing(answer, body)

    def _arguments(self, environ: WSGIEnvironment, captured: Mapping[str, str]) -> dict[str, Any]:
        if self.either and not environ.get("QUERY_STRING"):
            return self.parameters.read_members(read_members(environ, self.settings))
        return self.parameters.read(environ, captured) if self.parameters else {}

    def _request(self, environ: WSGIEnvironment, caller: wire.Caller, body: Body, request_id: str) -> wire.Request:
        return wire.Request(
            id=request_id,
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            base_url=self.origins.base_url(environ),
            mount=self.mount,
            headers=Headers(environ),
            remote_address=self.origins.remote_address(environ),
            caller=caller,
            uploads=body.uploads,
            stream=body.stream,
        )

    def _call(self, arguments: dict[str, Any]) -> Answer:
        if self.accepted is not None and not arguments.keys() <= self.accepted:
            arguments = {name: value for name, value in arguments.items() if name in self.accepted}
        answer = self.replies.encode(self.handler(**arguments))
        if self.check is not None:
            self.check.check(answer)
        return answer


def closing(answer: Answer, body: Body) -> Answer:
    """Return *answer*; the body's files are deleted now, or, where the answer is a stream, when that has ended."""
    if body is not NO_BODY:
        if isinstance(answer.body, bytes):
            body.close()
        else:
            answer.on_close = body.close
    return answer
