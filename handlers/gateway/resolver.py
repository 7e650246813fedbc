"""operationIds to functions, through connexion's Resolver."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, NoReturn

from connexion.exceptions import ResolverError
from connexion.resolver import Resolution
from connexion.resolver import Resolver as ConnexionResolver

from handlers.errors import NotFound
from handlers.spec.documents import Api
from handlers.spec.names import function_name

Handler = Callable[..., Any]

#: What an operation's document calls its modes, and the functions of `handlers.invoke` that serve them.
INVOKE = {
    "sync": "invoke_sync",
    "async": "invoke_async",
    "status": "get_status",
    "events": "get_events",
    "result": "get_result",
    "cancel": "cancel_job",
}


class Resolver(ConnexionResolver):  # type: ignore[misc] # connexion has no types
    """Finds the functions of one API.

    An operationId is a function of the controller that the operation names: `predictJson` is `predict_json`. Those of
    `specs/invoke/<operation>.yaml` are the functions of `handlers.invoke`, with the operation fixed.
    """

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def resolve(self, operation: Any) -> Resolution:
        """Return the function of *operation*.

        Raises:
            ResolverError: There is none; the message has its name and its module.
        """
        operation_id = operation.operation_id
        if not operation_id:
            raise ResolverError("it has no operationId")
        controller = operation.router_controller
        if not controller:
            raise ResolverError(f"{operation_id} has no x-openapi-router-controller")
        return Resolution(self.handler(controller, operation_id), operation_id)

    def handler(self, controller: str, operation_id: str) -> Handler:
        """Return the function that serves *operation_id*; tests put echoes in its place."""
        family, _, name = self._api.name.partition("/")
        if family != "invoke" or not name:
            return self.function(f"{controller}.{function_name(operation_id)}")
        mode = operation_id.removeprefix(name.replace("-", "_") + "_")
        if mode not in INVOKE:
            raise ResolverError(f"{operation_id} is none of {', '.join(f'{name}_{mode}' for mode in INVOKE)}")
        return partial(self.function(f"{controller}.{INVOKE[mode]}"), operation=name)

    def function(self, path: str) -> Handler:
        """Return the function that *path*, such as `handlers.ops.get_info`, stands for.

        Raises:
            ResolverError: There is no such module, or it has no such function.
        """
        module_name, _, name = path.rpartition(".")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise  # The module is there; what it imports is not, which is another matter.
            raise ResolverError(f"there is no module {module_name} for {name}") from None
        function: Handler | None = getattr(module, name, None)
        if not callable(function):
            raise ResolverError(f"{module_name} has no function {name}")
        return function


def refusing(make: Callable[[Api], Resolver], closed: Mapping[str, Collection[str]]) -> Callable[[Api], Resolver]:
    """Return what makes resolvers like *make*, but for operations that are turned off: they answer 404.

    Args:
        make: Makes the resolver of an API.
        closed: The operationIds that are turned off, by the names of the APIs.
    """

    def made(api: Api) -> Resolver:
        resolver = make(api)
        resolve = resolver.resolve

        def resolve_open(operation: Any) -> Resolution:
            off = operation.operation_id in closed.get(api.name, ())
            return Resolution(nothing_here, operation.operation_id) if off else resolve(operation)

        resolver.resolve = resolve_open  # type: ignore[method-assign] # the one method that connexion calls
        return resolver

    return made


def nothing_here(**_given: Any) -> NoReturn:
    """Answer for an operation that is turned off."""
    raise NotFound("This server does not serve that.")
