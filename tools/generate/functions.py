"""The functions of operations that are invoked, written by hand: a first text for those that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from handlers.operations.scaffold.function import function_text, properties
from handlers.operations.signatures import GIVEN, argument
from handlers.spec.findings import Finding, Level
from tools.generate.apis import Api
from tools.generate.controllers import parameters_of
from tools.generate.python import Function, NotPythonError, read_module

RULE = "operation"


def function_file(api: Api, handlers: Path) -> Path:
    """Return the module of an operation."""
    place = handlers / "operations" / argument(api.name.removeprefix("invoke/"))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def missing_functions(apis: Sequence[Api], handlers: Path) -> Iterator[tuple[Path, str]]:
    """Yield the modules that operations lack, with a first text of each."""
    for api in apis:
        if api.is_invoked and not function_file(api, handlers).is_file():
            yield function_file(api, handlers), function_text(api.name.removeprefix("invoke/"), api.document)


def look_at_functions(apis: Sequence[Api], handlers: Path) -> Iterator[Finding]:
    """Yield where the function of an operation does not agree with its spec."""
    for api in apis:
        path = function_file(api, handlers)
        if api.is_invoked and path.is_file():
            yield from look_at_function(api, path)


def look_at_function(api: Api, path: Path) -> Iterator[Finding]:
    """Yield where one function does not agree with its spec."""
    try:
        module = read_module(path.read_bytes(), "handlers.operations")
    except NotPythonError as error:
        yield finding(path, error.line, "error", str(error), "Mend it.")
        return
    if "run" in module.functions:
        yield from disagreements(api, path, module.functions["run"])
    elif "run" not in module.bound and not module.hides_names:
        yield finding(path, 1, "error", f"There is no function `run` for {api.source}.", "Write it.")


def disagreements(api: Api, path: Path, function: Function) -> Iterator[Finding]:
    """Yield where the parameters of a function are not the inputs of its spec."""
    inputs = {argument(each.name): each for each in properties(api.document, "Inputs")}
    taken = {name: needed for name, needed in parameters_of(function).items() if name not in GIVEN}
    for name in inputs.keys() - taken.keys() if function.args.kwarg is None else ():
        words = f"run does not take the input `{name}` of {api.source}."
        yield finding(path, function.lineno, "error", words, "Add the parameter.")
    for name, needed in taken.items():
        if name not in inputs:
            words = f"run takes `{name}`, which is no input of {api.source}."
            yield finding(path, function.lineno, "error", words, "Remove the parameter, or add the input.")
        elif needed and not inputs[name].required:
            words = f"run needs `{name}`, which may be missing by {api.source}."
            yield finding(path, function.lineno, "error", words, "Give it a default, or require the input.")


def finding(path: Path, line: int, level: Level, message: str, mend: str) -> Finding:
    """Return what is to be said of a place in a function's module."""
    return Finding(path, line, RULE, message, mend, level)
