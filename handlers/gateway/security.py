"""Who is calling, by connexion's conventions.

A security scheme names the function that knows its credentials (`x-bearerInfoFunc`, `x-apikeyInfoFunc`,
`x-basicInfoFunc`, `x-tokenInfoFunc`); it returns what is known of the caller (`sub` or `uid`, `scope` or `scopes`) or
None. The requirements of an operation are alternatives, the schemes of one requirement are needed together.

Unlike connexion, credentials are looked at before `{}` lets strangers in: an optional token that is wrong is a 401,
and one that is right tells who is calling.
"""

from __future__ import annotations

import base64
import binascii
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_cookie

from handlers.errors import Forbidden, Problem, Unauthorized
from handlers.gateway.parameters import header_key, parse_query
from handlers.wire import Caller

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Info = Mapping[str, Any]
Check = Callable[["WSGIEnvironment"], Info | None]
Lookup = Callable[[str], Callable[..., Any]]

CHALLENGE = {"WWW-Authenticate": "Bearer"}


class SchemeUnsupported(ValueError):
    """The document asks for a security scheme that cannot be checked."""


class Guard:
    """What an operation asks of its caller."""

    def __init__(
        self, alternatives: Sequence[Sequence[Check]], *, optional: bool, scopes: Sequence[str], open_locally: bool
    ) -> None:
        """Take what was compiled.

        Args:
            alternatives: Any one of these is enough; its checks must all succeed.
            optional: Whether a stranger may call too.
            scopes: What the caller must hold besides.
            open_locally: Whether a caller on this machine needs no credentials and may do anything.
        """
        self._alternatives = alternatives
        self._optional = optional
        self._scopes = tuple(scopes)
        self._open_locally = open_locally

    def admit(self, environ: WSGIEnvironment, *, local: bool) -> Caller:
        """Return the caller.

        Raises:
            Unauthorized: Credentials are missing or wrong.
            Forbidden: The caller lacks a scope.
        """
        caller = self._identify(environ, local)
        for scope in self._scopes:
            if not caller.may(scope):
                raise Forbidden(f"This needs the scope {scope!r}.")
        return caller

    def _identify(self, environ: WSGIEnvironment, local: bool) -> Caller:
        refusals: list[Problem] = []
        for checks in self._alternatives:
            try:
                infos = [check(environ) for check in checks]
            except (Unauthorized, Forbidden) as refusal:
                refusals.append(refusal)
                continue
            if None not in infos:
                return as_caller([info for info in infos if info is not None], local=local)
        if refusals:
            raise max(refusals, key=lambda refusal: refusal.status)
        if self._open_locally and local:
            return Caller(scopes=frozenset({"manage"}), local=True)
        if self._optional:
            return Caller(local=local)
        raise Unauthorized(headers=CHALLENGE)


def as_caller(infos: Sequence[Info], *, local: bool) -> Caller:
    """Return the caller whom *infos* describe together."""
    names = [info.get("sub", info.get("uid")) for info in infos]
    scopes = frozenset(scope for info in infos for scope in scopes_of(info))
    return Caller(name=next((str(name) for name in names if name is not None), None), scopes=scopes, local=local)


def scopes_of(info: Info) -> list[str]:
    """Return the scopes of one scheme's caller: a list, or words in a text."""
    scopes = info.get("scope", info.get("scopes", ()))
    return scopes.split() if isinstance(scopes, str) else list(scopes)


def compile_guard(
    security: Sequence[Mapping[str, Sequence[str]]] | None,
    schemes: Mapping[str, Mapping[str, Any]],
    lookup: Lookup,
    *,
    scopes: Sequence[str] = (),
    open_locally: bool = False,
) -> Guard | None:
    """Return the guard of an operation, or None where everybody may call.

    Args:
        security: OpenAPI security requirements.
        schemes: The document's security schemes.
        lookup: Returns the function that a name such as `handlers.services.bearer_info` stands for.
        scopes: `x-scopes` of the operation.
        open_locally: Whether a caller on this machine needs no credentials.

    Raises:
        SchemeUnsupported: A scheme names no function, or scopes are asked of strangers.
    """
    if not security:
        if scopes:
            raise SchemeUnsupported("x-scopes needs security")
        return None
    alternatives = [
        [compile_check(name, schemes[name], wanted, lookup) for name, wanted in requirement.items()]
        for requirement in security
        if requirement
    ]
    return Guard(alternatives, optional={} in security, scopes=scopes, open_locally=open_locally)


def compile_check(name: str, scheme: Mapping[str, Any], wanted: Sequence[str], lookup: Lookup) -> Check:
    """Return the check of one security scheme."""
    kind = str(scheme.get("scheme", "")).lower() if scheme["type"] == "http" else scheme["type"]
    if kind not in KINDS:
        raise SchemeUnsupported(f"security scheme {name!r}: {kind!r} cannot be checked")
    key, build = KINDS[kind]
    if key not in scheme:
        raise SchemeUnsupported(f"security scheme {name!r} has no {key}")
    return build(scheme, wanted, bind(lookup(scheme[key]), wanted))


def bind(function: Callable[..., Any], wanted: Sequence[str]) -> Callable[..., Any]:
    """Return *function*, called with the scopes if it asks for them, that refuses what is unknown."""
    names = inspect.signature(function).parameters
    extra = {"required_scopes": list(wanted)} if "required_scopes" in names else {}

    def ask(*credentials: str) -> Info:
        info: Info | None = function(*credentials, **extra)
        if info is None:
            raise Unauthorized("The credentials are not valid.", headers=CHALLENGE)
        return info

    return ask


def authorization(environ: WSGIEnvironment, kind: str) -> str | None:
    """Return what follows *kind* in the Authorization header; None where it is another kind or absent."""
    header = environ.get("HTTP_AUTHORIZATION")
    if not header:
        return None
    word, _, rest = header.partition(" ")
    if not rest.strip():
        raise Unauthorized("The Authorization header is not valid.", headers=CHALLENGE)
    return rest.strip() if word.lower() == kind else None


def bearer_check(scheme: Mapping[str, Any], wanted: Sequence[str], ask: Callable[..., Info]) -> Check:  # noqa: ARG001 - one signature for all
    """Return the check of a bearer token."""

    def check(environ: WSGIEnvironment) -> Info | None:
        token = authorization(environ, "bearer")
        return None if token is None else ask(token)

    return check


def basic_check(scheme: Mapping[str, Any], wanted: Sequence[str], ask: Callable[..., Info]) -> Check:  # noqa: ARG001 - one signature for all
    """Return the check of a user name and a password."""

    def check(environ: WSGIEnvironment) -> Info | None:
        text = authorization(environ, "basic")
        if text is None:
            return None
        try:
            user, colon, password = base64.b64decode(text).decode("latin-1").partition(":")
        except binascii.Error:
            colon = ""
        if not colon:
            raise Unauthorized("The Authorization header is not valid.", headers={"WWW-Authenticate": "Basic"})
        return ask(user, password)

    return check


def api_key_check(scheme: Mapping[str, Any], wanted: Sequence[str], ask: Callable[..., Info]) -> Check:  # noqa: ARG001 - one signature for all
    """Return the check of a key in a header, the query or a cookie."""
    name, place = scheme["name"], scheme["in"]

    def check(environ: WSGIEnvironment) -> Info | None:
        if place == "header":
            key = environ.get(header_key(name))
        elif place == "query":
            key = parse_query(environ.get("QUERY_STRING", "")).get(name, [None])[-1]
        else:
            key = parse_cookie(environ).get(name)
        return None if key is None else ask(key)

    return check


def oauth_check(scheme: Mapping[str, Any], wanted: Sequence[str], ask: Callable[..., Info]) -> Check:
    """Return the check of an OAuth 2 token and of the scopes that the requirement lists."""
    bearer = bearer_check(scheme, wanted, ask)

    def check(environ: WSGIEnvironment) -> Info | None:
        info = bearer(environ)
        if info is not None and not set(wanted) <= set(scopes_of(info)):
            raise Forbidden("The token lacks a scope.")
        return info

    return check


KINDS: Mapping[str, tuple[str, Callable[..., Check]]] = {
    "bearer": ("x-bearerInfoFunc", bearer_check),
    "basic": ("x-basicInfoFunc", basic_check),
    "apiKey": ("x-apikeyInfoFunc", api_key_check),
    "oauth2": ("x-tokenInfoFunc", oauth_check),
}
