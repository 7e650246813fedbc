"""The controllers, written by hand: what they lack is appended to them, what does not agree is told."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.spec.bundle import CONTROLLER
from handlers.spec.findings import Finding, Level
from handlers.spec.names import function_name
from handlers.spec.shape import operations
from tools.generate.apis import Api
from tools.generate.python import Function, Module, NotPythonError, is_stub, package_of, read_module
from tools.generate.stubs import Stub, append_stubs

ROOM = "handlers"  # the package that controllers are in
HEAD = '"""Handlers of {source}, {title}."""\n\nfrom __future__ import annotations\n\n'


@dataclass
class Controller:
    """One module, and the operations that it serves."""

    name: str  #: such as "handlers.ops"
    path: Path
    stubs: list[Stub] = field(default_factory=list)  #: its operations, as functions that it may lack
    apis: list[Api] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """What is on disk."""
        return self.path.read_bytes() if self.path.is_file() else b""

    def module(self) -> Module:
        """Return the module.

        Raises:
            NotPythonError: It has no syntax.
        """
        return read_module(self.data, package_of(self.name, self.path))

    def missing(self) -> list[Stub]:
        """Return the functions that the module lacks, as far as that can be seen."""
        module = self.module()
        return [] if module.hides_names else [stub for stub in self.stubs if stub.operation.name not in module.bound]

    def completed(self) -> bytes:
        """Return the module with what it lacked appended; a module that is not there yet gets a head."""
        missing = self.missing()
        if not missing:
            return self.data
        head = HEAD.format(source=self.apis[0].source, title=self.apis[0].document["info"]["title"].rstrip("."))
        start = self.data if self.path.is_file() else head.replace("\\", "/").encode()
        return append_stubs(start, package_of(self.name, self.path), missing)


def controllers_of(apis: Sequence[Api], folder: Path, before: Before) -> list[Controller]:
    """Return the controllers in *folder*, those among them that served operations before.

    Operations that are invoked have functions elsewhere, and one controller of ours.
    """
    gone = sorted({name for name, _ in before.served if name.partition(".")[0] == ROOM})
    found = {name: Controller(name, module_file(name, folder)) for name in gone}
    for api in apis:
        for operation in api.operations if not api.is_invoked else ():
            name = operation.controller
            if name.partition(".")[0] != ROOM:
                continue  # somebody else's package, which nobody may write to
            controller = found.setdefault(name, Controller(name, module_file(name, folder)))
            controller.stubs.append(Stub(api.name, operation))
            controller.apis += [api] if api not in controller.apis else []
    return [controller for controller in found.values() if controller.stubs or controller.path.is_file()]


def module_file(name: str, folder: Path) -> Path:
    """Return the file of the module *name*, be it a package."""
    place = folder.joinpath(*name.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@dataclass(frozen=True)
class Before:
    """What the operations were like when `generated/` was last made."""

    served: frozenset[tuple[str, str]]  #: controller and function of each operation
    types: Mapping[str, Mapping[str, str]]  #: of arguments and answer by name, by API and function


def look_at(controller: Controller, before: Before, now: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """Yield where a controller does not agree with its specs, or may not know yet what changed in them.

    Args:
        controller: As it is on disk.
        before: What the operations were like.
        now: The types of arguments and answer by name, by API and function.
    """
    try:
        module = controller.module()
    except NotPythonError as error:
        yield finding(controller, error.line, "error", str(error), "Nothing is appended to it until it is.")
        return
    if module.hides_names:
        words = "It imports `*`, or has `__getattr__`, so nobody can tell which functions it has."
        yield finding(controller, 1, "warning", words, "Import them by name, else none is appended.")
    stubs = {stub.operation.name: stub for stub in controller.stubs}
    for name, function in module.functions.items():
        if name in stubs:
            yield from disagreements(controller, function, stubs[name])
            key = f"{stubs[name].api}.{name}"
            yield from changes(controller, function, before.types.get(key, {}), now.get(key, {}))
        elif (controller.name, name) in before.served or (is_stub(function) and not name.startswith("_")):
            words = f"{name} serves no operation any more."
            yield finding(controller, function.lineno, "warning", words, "Remove it, unless something else calls it.")


def finding(controller: Controller, line: int, level: Level, message: str, mend: str) -> Finding:
    """Return what is to be said of a place in a controller."""
    return Finding(controller.path, line, "controller", message, mend, level)


def disagreements(controller: Controller, function: Function, stub: Stub) -> Iterator[Finding]:
    """Yield where a function does not take what the spec gives."""
    spec, name = f"specs/{stub.api}.yaml", function.name
    given = {argument.name: argument for argument in stub.operation.arguments}
    taken = parameters_of(function)
    for argument in given.values() if function.args.kwarg is None else ():
        if argument.name not in taken:
            words = f"{name} does not take `{argument.name}: {argument.type}`, which {spec} gives."
            yield finding(controller, function.lineno, "error", words, "Add the argument.")
    for parameter, required in taken.items():
        if parameter not in given:
            words = f"{name} takes `{parameter}`, which {spec} does not give."
            yield finding(controller, function.lineno, "error", words, "Remove the argument.")
        elif required and given[parameter].optional:
            words = f"{name} needs `{parameter}`, which may be missing by {spec}."
            yield finding(controller, function.lineno, "error", words, "Give it the default None.")
    if function.args.posonlyargs:
        words = f"{name} takes arguments by position only; the gateway gives them by name."
        yield finding(controller, function.lineno, "error", words, "Remove the `/`.")


def parameters_of(function: Function) -> dict[str, bool]:
    """Return the parameters that can be given by name, and whether each has to be."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    first_default = len(plain) - len(arguments.defaults)
    found = {each.arg: place < first_default for place, each in enumerate(plain)}
    return found | {
        each.arg: default is None for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }


def changes(
    controller: Controller, function: Function, before: Mapping[str, str], now: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what of an operation has another type than before; to a stub that is no news."""
    for name, type_ in before.items():
        if name in now and now[name] != type_ and not is_stub(function):
            what = f"`{name}` of {function.name}" if name != "return" else f"What {function.name} answers"
            words = f"{what} was `{type_}` and is now `{now[name]}`."
            yield finding(controller, function.lineno, "warning", words, "See that the function knows it.")


def read_before(out: Path) -> Before:
    """Return what the operations were like when the folder *out* was last made."""
    types: dict[str, Mapping[str, str]] = {}
    served = set()
    for path in sorted(out.glob("*.json")):
        document = read_json(path)
        served |= {(each.get(CONTROLLER, ""), function_name(each["operationId"])) for *_, each in operations(document)}
        module = path.with_suffix(".py")
        types |= types_in(path.stem, module.read_text("utf-8") if module.is_file() else "")
    return Before(frozenset(served), types)


def read_json(path: Path) -> Mapping[str, Any]:
    """Return a document that was served; nothing if it is none, such as after a merge."""
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return value if isinstance(value, dict) and "openapi" in value else {}


def types_in(api: str, text: str) -> dict[str, Mapping[str, str]]:
    """Return what the protocol in the module of an API says of each operation; nothing if it cannot be read."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    protocols = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.endswith("Operations")]
    methods = [node for protocol in protocols[-1:] for node in protocol.body if isinstance(node, ast.FunctionDef)]
    return {f"{api}.{method.name}": dict(types_of(method)) for method in methods}


def types_of(method: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield the name and the type of each argument of a generated method, and its answer's."""
    for argument in method.args.kwonlyargs:
        if argument.annotation is not None:
            yield argument.arg, ast.unparse(argument.annotation)
    if isinstance(method.returns, ast.Subscript):
        yield "return", ast.unparse(method.returns.slice)
