"""The WSGI application: operations are answered natively, everything else by Flask.

Flask's request context costs more than all that an operation needs, so a request that matches an operation never
enters it. Flask keeps the same rules in its URL map, answers what matches none of them, and takes further routes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from flask import request as flask_request
from werkzeug.exceptions import HTTPException

from handlers import errors, observability, wire
from handlers.gateway.checks import AnswerBroken
from handlers.gateway.cors import Cors
from handlers.gateway.endpoint import Endpoint
from handlers.gateway.origin import Headers, Origins
from handlers.gateway.replies import Answer, HeaderList, problem_answer
from handlers.gateway.routing import Decimal, Router, Whole, methods, named, rules
from handlers.gateway.streams import drain
from handlers.settings import Settings
from handlers.storage import room

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ID_KEY = "seamark.request_id"
LOG = logging.getLogger("seamark.gateway")
ACCESS = logging.getLogger("seamark.access")
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked for every few seconds, for ever

BY_STATUS: dict[int, type[errors.Problem]] = {
    problem.status.value: problem
    for problem in (
        errors.BadRequest,
        errors.Unauthorized,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.Conflict,
        errors.Gone,
        errors.TooLarge,
        errors.MediaTypeUnsupported,
        errors.Unprocessable,
        errors.TooManyRequests,
    )
}


EVERYBODY = Cors(["*"])


class Gateway(Flask):
    """Flask with the operations beside it."""

    def __init__(self, import_name: str, *, settings: Settings, endpoints: Sequence[Endpoint]) -> None:
        super().__init__(import_name, static_folder=None)
        self.settings = settings
        self._origins = Origins(settings)
        self._cors = Cors(settings.origins) if settings.origins else None
        self.url_map.converters |= {"whole": Whole, "decimal": Decimal}
        self.url_map.merge_slashes = False
        self.url_map.strict_slashes = True
        for endpoint in endpoints:
            self._register(endpoint)
        self._router = Router(self.url_map, endpoints)
        self.register_error_handler(Exception, self._flask_problem)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if ACCESS.isEnabledFor(logging.INFO):
            return self._logged(environ, start_response)
        return self._serve(environ, start_response)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        if not ID.fullmatch(request_id):
            request_id = os.urandom(12).hex()
        environ[ID_KEY] = request_id
        observability.bind(request=request_id)
        added: HeaderList = [("X-Request-Id", request_id)]
        if "HTTP_ORIGIN" in environ and (cors := self._cors_of(environ)) is not None:
            added += cors.headers(environ)
            if cors.is_preflight(environ):
                start_response("204 No Content", added)
                return [b""]
        method = environ["REQUEST_METHOD"]
        try:
            found = self._router.find(method, environ.get("PATH_INFO", ""))
        except errors.Problem as problem:
            answer = problem_answer(problem, request_id)
        else:
            if found is None:
                return self._flask(environ, start_response, added)
            answer = self._answer(*found, environ, request_id)
        status, headers = answer.start()
        self._drain(status, environ)
        start_response(status, headers + added)
        if method == "HEAD":
            answer.close()
            return [b""]
        return answer.chunks()

    def _cors_of(self, environ: WSGIEnvironment) -> Cors | None:
        """Return which pages may call: those that the operator names, or what the API says; None: none may."""
        if self._cors is not None:
            return self._cors
        with contextlib.suppress(errors.Problem):
            found = self._router.find(Cors.wanted_method(environ), environ.get("PATH_INFO", ""))
            return EVERYBODY if found is not None and found[0].for_pages else None
        return None

    def _answer(self, endpoint: Endpoint, captured: Any, environ: WSGIEnvironment, request_id: str) -> Answer:
        begun = time.perf_counter()
        answer = self._attempt(endpoint, captured, environ, request_id)
        api, _, operation = endpoint.name.partition(":")
        observability.count_request(api, operation, answer.status, time.perf_counter() - begun)
        return answer

    def _attempt(self, endpoint: Endpoint, captured: Any, environ: WSGIEnvironment, request_id: str) -> Answer:
        try:
            return endpoint.answer(environ, captured, request_id)
        except errors.Problem as problem:
            if problem.__cause__ is not None and problem.status.value >= 500:
                LOG.warning("%s: %s", endpoint.name, type(problem).__name__, exc_info=problem.__cause__)
            return problem_answer(problem, request_id)
        except AnswerBroken as broken:
            LOG.error("%s: %s", endpoint.name, broken)
        except Exception as error:
            LOG.exception("%s failed", endpoint.name)
            if room.is_full(error):
                return problem_answer(errors.InsufficientStorage("A disk of this server is full."), request_id)
        return problem_answer(errors.InternalError(), request_id)

    def _flask(self, environ: WSGIEnvironment, start_response: StartResponse, added: HeaderList) -> Iterable[bytes]:
        def start(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
            self._drain(status, environ)
            return start_response(status, headers + added, exc_info)

        wire.enter(
            wire.Request(
                id=environ[ID_KEY],
                method=environ["REQUEST_METHOD"],
                path=environ.get("PATH_INFO", ""),
                base_url=self._origins.base_url(environ),
                headers=Headers(environ),
                remote_address=self._origins.remote_address(environ),
                caller=wire.Caller(local=self._origins.is_local(environ)),
            )
        )
        return super().wsgi_app(environ, start)

    def _drain(self, status: str, environ: WSGIEnvironment) -> None:
        """Read what a request still sends and nobody has read, as of one that is refused.

        A server that cannot get rid of it closes the connection behind the answer, and the client learns of that when
        its next request fails. No more is read than of any JSON body, and nothing where the client asks before it sends
        (`Expect`). A proxy has all of a body at hand, and takes the answer for lost (502) where that is not read to its
        end.
        """
        if self.settings.trusted_proxies and status >= "400":
            drain(environ, self.settings.upload_limit_bytes, in_chunks=True)
        elif environ.get("wsgi.input_terminated") and "HTTP_EXPECT" not in environ:
            # Where the server does not tell the end, reading on could wait for the next request.
            drain(environ, self.settings.body_limit_bytes)

    def _logged(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()
        statuses: list[str] = []

        def start(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
            statuses.append(status[:3])
            return start_response(status, headers, exc_info)

        chunks = self._serve(environ, start)
        path = environ.get("PATH_INFO", "").encode("unicode_escape").decode()
        facts = {
            "method": environ["REQUEST_METHOD"],
            "path": path,
            "status": int(statuses[-1]) if statuses else 0,
            "ms": round((time.perf_counter() - begun) * 1000, 1),
        }
        ACCESS.log(logging.DEBUG if path in PROBES else logging.INFO, "answered", extra=facts)
        return chunks

    def _register(self, endpoint: Endpoint) -> None:
        view = self._flask_view(endpoint)
        for rule in rules(endpoint):
            self.add_url_rule(rule, endpoint.name, view, methods=methods(endpoint))

    def _flask_view(self, endpoint: Endpoint) -> Callable[..., Response]:
        """Return a view for those who dispatch through Flask: the endpoint answers all the same."""

        def view(**captured: str) -> Response:
            environ = flask_request.environ
            answer = self._answer(endpoint, named(endpoint, captured), environ, environ.get(ID_KEY, ""))
            status, headers = answer.start()
            return Response(answer.chunks(), status, headers)

        view.__doc__ = endpoint.handler.__doc__
        return view

    def _flask_problem(self, error: Exception) -> Response:
        """Return the answer to an exception on Flask's side."""
        request_id = flask_request.environ.get(ID_KEY, "")
        problem = as_problem(error)
        if problem is None:
            LOG.error("%s failed", flask_request.path, exc_info=error)
            problem = errors.InternalError()
        answer = problem_answer(problem, request_id)
        return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)


def as_problem(error: Exception) -> errors.Problem | None:
    """Return *error* as a problem; None if it is unexpected."""
    if isinstance(error, errors.Problem):
        return error
    if not isinstance(error, HTTPException) or error.code not in BY_STATUS:
        return None
    headers = {name: value for name, value in error.get_headers() if name.lower() not in {"content-type", "location"}}
    return BY_STATUS[error.code](headers=headers)
