"""Documents to endpoints: connexion loads and resolves, each operation is compiled once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connexion.exceptions import ResolverError
from connexion.http_facts import METHODS
from connexion.operations import OpenAPIOperation
from connexion.spec import Specification

from handlers.gateway.bodies import Bodies, compile_bodies
from handlers.gateway.checks import AnswerCheck
from handlers.gateway.endpoint import Endpoint, Handler
from handlers.gateway.origin import Origins
from handlers.gateway.parameters import ABSENT, Parameters, UnsupportedParameter, argument_name, compile_parameter
from handlers.gateway.replies import Replies
from handlers.gateway.resolver import Resolver
from handlers.gateway.security import SchemeUnsupported, compile_guard
from handlers.settings import Settings
from handlers.spec.documents import Api
from handlers.spec.schemas import Schemas

QUERY_OR_BODY = "query-or-body"


class CannotServe(RuntimeError):
    """The documents ask for what the code does not have; every such place is named."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("These operations cannot be served:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = tuple(faults)


def compile_apis(
    apis: Sequence[Api], settings: Settings, *, mounts: Mapping[str, str], resolver: Callable[[Api], Resolver]
) -> list[Endpoint]:
    """Return the endpoints of all operations of *apis*.

    Args:
        apis: The documents.
        settings: Bounds and trust.
        mounts: Where to serve an API, by its name, if not where its document says; `invoke` stands for all operations.
        resolver: Makes the resolver of an API.

    Raises:
        CannotServe: Handlers or security functions are missing, or do not take what the spec gives them.
    """
    faults: list[str] = []
    endpoints: list[Endpoint] = []
    for api in apis:
        compiler = Compiler(api, settings, mount_of(api, mounts), resolver(api))
        endpoints.extend(compiler.endpoints())
        faults.extend(compiler.faults)
    if faults:
        raise CannotServe(faults)
    return endpoints


def mount_of(api: Api, mounts: Mapping[str, str]) -> str:
    """Return the path below which *api* is served, without a trailing slash."""
    family, _, rest = api.name.partition("/")
    if api.name in mounts:
        return mounts[api.name].rstrip("/")
    if family in mounts:
        return f"{mounts[family].rstrip('/')}/{rest}"
    return api.mount.rstrip("/")


@dataclass
class Compiler:
    """Compiles one API."""

    api: Api
    settings: Settings
    mount: str
    resolver: Resolver
    faults: list[str] = field(default_factory=list)  #: what cannot be served, in words

    def __post_init__(self) -> None:
        self._schemas = Schemas(self.api.document)
        self._specification = Specification.from_dict(dict(self.api.document))
        self._origins = Origins(self.settings)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint of each operation, and note what cannot be served."""
        for path, item in self.api.document.get("paths", {}).items():
            for method in item:
                if method not in METHODS:
                    continue
                try:
                    yield self._endpoint(path, method)
                except (ResolverError, SchemeUnsupported, UnsupportedParameter) as error:
                    self.faults.append(f"{method.upper()} {self.mount}{path} of {self.api.name}: {error}")

    def _endpoint(self, path: str, method: str) -> Endpoint:
        raw = self.api.document["paths"][path][method]
        operation = OpenAPIOperation.from_spec(self._specification, path=path, method=method, resolver=self.resolver)
        either = raw.get("x-parameters") == QUERY_OR_BODY
        parameters = self._parameters(path, raw)
        body = None if either else self._schemas.deref(raw.get("requestBody"))
        body_argument = argument_name(operation.body_name(""), "body") if body else ""
        accepted = self._check_handler(operation.function, parameters, body_argument)
        responses = {code: self._schemas.deref(response) for code, response in raw.get("responses", {}).items()}
        return Endpoint(
            name=f"{self.api.name}:{operation.operation_id}",
            method=method.upper(),
            path=path,
            mount=self.mount,
            for_pages=self.api.document.get("x-cors") == "any",
            handler=operation.function,
            accepted=accepted,
            guard=compile_guard(
                operation.security,
                operation.security_schemes,
                self.resolver.function,
                scopes=raw.get("x-scopes", ()),
                open_locally=self.settings.manage_open,
            ),
            parameters=parameters,
            either=either,
            bodies=self._bodies(body) if body else None,
            body_argument=body_argument,
            replies=Replies(responses),
            check=AnswerCheck(responses, self._schemas) if self.settings.validate_responses else None,
            settings=self.settings,
            origins=self._origins,
        )

    def _parameters(self, path: str, raw: Mapping[str, Any]) -> Parameters:
        shared = self.api.document["paths"][path].get("parameters", [])
        definitions = [self._schemas.deref(node) for node in [*shared, *raw.get("parameters", [])]]
        # The operation's own come last and win over those of the path.
        unique = {(definition["in"], definition["name"]): definition for definition in definitions}
        wanted = set(raw.get("x-required", ()))
        return Parameters(
            [
                compile_parameter({**definition, "required": True} if name in wanted else definition, self._schemas)
                for (_, name), definition in unique.items()
            ]
        )

    def _bodies(self, body: Mapping[str, Any]) -> Bodies:
        required = bool(body.get("required", False))
        return compile_bodies(body["content"], self._schemas, self.settings, required=required)

    def _check_handler(self, handler: Handler, parameters: Parameters, body_argument: str) -> frozenset[str] | None:
        """Return the keyword arguments that *handler* takes, None for any.

        Raises:
            ResolverError: It wants an argument that not every valid request gives.
        """
        given = [p for p in parameters.all if p.place in {"query", "path"}]
        sure = {p.argument for p in given if p.required or p.default is not ABSENT}
        sure |= {body_argument} if body_argument else set()
        signature = inspect.signature(handler).parameters.values()
        named = [p for p in signature if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
        unmet = [p.name for p in named if p.default is p.empty and p.name not in sure]
        if unmet:
            name = getattr(handler, "__name__", repr(handler))
            raise ResolverError(f"{name} needs {', '.join(unmet)}, which not every request gives")
        return None if any(p.kind == p.VAR_KEYWORD for p in signature) else frozenset(p.name for p in named)
