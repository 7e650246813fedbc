"""Append functions that are not built yet to a module that is written by hand; not a byte of it changes."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tools.generate.operations import Argument, Operation
from tools.generate.python import Module, read_module

WIDTH = 120
ARGUMENTS = 10  # more than these ruff finds too many
LOOKS_LIKE_A_DIGIT = frozenset("lOI")
BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "None", "str", "tuple"})
SUPPORT = {"_support.Stream": "typing.BinaryIO"}
NO_RETURN, NOT_BUILT = "typing.NoReturn", "handlers.errors.NotBuilt"
WORDS = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z_][\w.]*')
REASON = "# For what is appended below."


@dataclass(frozen=True)
class Stub:
    """A function that a controller lacks."""

    api: str  #: name of the API, whose generated module has the types
    operation: Operation


def append_stubs(data: bytes, package: str, stubs: Sequence[Stub]) -> bytes:
    """Return the module *data* with *stubs* behind what it has.

    Raises:
        NotPythonError: It has no syntax.
    """
    module = read_module(data, package)
    names = Names(module, {stub.operation.name for stub in stubs})
    functions = [function(stub, names, module.accepted) for stub in stubs]
    parts = [*imports(names, module), *functions]
    text = "\n\n\n".join(parts).replace("\n", module.newline) + module.newline
    lead = before(module)
    result = data + (lead.replace("\n", module.newline) + text).encode(
        module.encoding.removesuffix("-sig"), "backslashreplace"
    )
    assert_appended(module, result, len(functions))
    return result


def before(module: Module) -> str:
    """Return what has to stand between what the module has and what is appended: empty lines."""
    if not module.text.strip():
        return "" if module.text.endswith(("\n", "\r")) or not module.text else "\n"
    written = module.text.rstrip("\r\n")
    there = len(re.findall(r"\r\n|\n|\r", module.text[len(written) :]))
    return "\n" * max(0, (2 if module.is_heading else 3) - there)


def assert_appended(module: Module, result: bytes, functions: int) -> None:
    """See that the module is the same as before, with functions behind."""
    tree = read_module(result, module.package).tree
    count = len(module.tree.body)
    assert result.startswith(module.data), "what is written by hand stays as it is"
    assert [ast.dump(node) for node in tree.body[:count]] == [ast.dump(node) for node in module.tree.body], "it too"
    assert sum(isinstance(node, ast.FunctionDef) for node in tree.body[count:]) == functions, "each is there"


@dataclass
class Names:
    """How the functions that are appended say what they need, with imports of their own where the module has none."""

    module: Module
    taken: set[str]
    wanted: dict[str, str] = field(default_factory=dict)  #: further imports: local name by qualified name

    def of(self, qualified: str, preferred: str = "") -> str:
        """Return an expression for a name such as `typing.Any`; *preferred* names its import if it is a module."""
        for around in steps(qualified):
            if around in self.module.imports:
                return self.module.imports[around] + qualified[len(around) :]
        if qualified not in self.wanted:
            self.wanted[qualified] = self.free(preferred or qualified.rpartition(".")[2], qualified)
        return self.wanted[qualified]

    def type(self, api: str, name: str) -> str:
        """Return an expression for a type of an API."""
        module = f"generated.{api}"
        if f"{module}.{name}" in self.module.imports:
            return self.module.imports[f"{module}.{name}"]
        return f"{self.of(module, 'api')}.{name}"

    def free(self, name: str, qualified: str) -> str:
        """Return *name*, or another that nothing in the module means."""
        taken = self.module.used | self.taken | set(self.wanted.values())
        words = qualified.split(".")
        longer = f"{words[-1]}_{name}" if name != words[-1] else f"{name}_"
        numbered = (f"{longer}{number}" for number in itertools.count(2))
        return next(each for each in itertools.chain([name, longer], numbered) if each not in taken)


def steps(qualified: str) -> Iterator[str]:
    """Yield a qualified name and the modules around it."""
    while qualified:
        yield qualified
        qualified = qualified.rpartition(".")[0]


def imports(names: Names, module: Module) -> Iterator[str]:
    """Yield the imports that the module lacks, as one block in the order that ruff wants."""
    if not names.wanted:
        return
    lines = list(import_lines(names.wanted))
    if module.is_heading:
        yield "\n".join([*(["# isort: split"] if module.has_imports else []), *lines])
        return
    note = "" if module.accepted is None or "E402" in module.accepted else "  # noqa: E402"
    yield "\n".join([REASON, *(f"{line}{note}" if line else line for line in lines)])


def import_lines(wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of imports: the standard library, an empty line, ours."""
    by_module: dict[str, list[str]] = {}
    for qualified, name in wanted.items():
        source, _, word = qualified.rpartition(".")
        by_module.setdefault(source, []).append(word if word == name else f"{word} as {name}")
    ours = sorted(by_module.keys() - {"typing"})
    groups = [[source for source in ("typing",) if source in by_module], ours]
    for number, group in enumerate(filter(None, groups)):
        yield from [""] * bool(number)
        yield from (f"from {source} import {', '.join(sorted(by_module[source]))}" for source in group)


def function(stub: Stub, names: Names, accepted: set[str] | None) -> str:
    """Return a function that says that it is not built."""
    operation = stub.operation
    answer = names.of(NO_RETURN)
    body = f'{docstring(operation.summary)}\n    raise {names.of(NOT_BUILT)}("{operation.name} is not built yet.")'
    return f"{head(stub, names, accepted, answer)}\n{body}"


def head(stub: Stub, names: Names, accepted: set[str] | None, answer: str) -> str:
    """Return the lines up to the docstring; what ruff finds in them is said to be meant."""
    operation = stub.operation
    given = sorted(operation.arguments, key=lambda argument: argument.optional)
    arguments = [f"{each.name}: {typed(each, stub.api, names)}{' = None' if each.optional else ''}" for each in given]
    many = {"PLR0913"} if len(given) > ARGUMENTS else set()
    line = f"def {operation.name}({', '.join([*(['*'] if given else []), *arguments])}) -> {answer}:"
    if len(line) <= WIDTH:
        return line + noqa(many.union(*map(found_in, given)), accepted)
    lines = [f"    {text},{noqa(found_in(each), accepted)}" for each, text in zip(given, arguments, strict=True)]
    return "\n".join([f"def {operation.name}({noqa(many, accepted)}", "    *,", *lines, f") -> {answer}:"])


def found_in(argument: Argument) -> set[str]:
    """Return the rules of ruff that an argument breaks while nothing reads it."""
    unused = set() if argument.name.startswith("_") else {"ARG001"}
    odd = {"N803"} if argument.name != argument.name.lower() else set()
    return unused | odd | ({"E741"} if argument.name in LOOKS_LIKE_A_DIGIT else set())


def noqa(codes: set[str], accepted: set[str] | None) -> str:
    """Return the comment by which a line may break rules that the module does not accept as a whole."""
    left = sorted(codes - accepted) if accepted is not None else []
    return f"  # noqa: {', '.join(left)}" if left else ""


def typed(argument: Argument, api: str, names: Names) -> str:
    """Return the type of an argument, each name in it as the module knows it."""

    def known(match: re.Match[str]) -> str:
        word = match[0]
        if word[0] == '"' or word in BUILTINS:
            return word
        if word in ("Any", "Literal"):
            return names.of(f"typing.{word}")
        return names.of(SUPPORT[word]) if word in SUPPORT else names.type(api, word)

    return WORDS.sub(known, argument.type)


def docstring(summary: str) -> str:
    """Return a docstring in one line, or with what does not fit in it below."""
    words = " ".join(summary.split()).replace("\\", "/").replace('"""', "'''")
    words = words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
    if len(words) + 10 <= WIDTH:
        return f'    """{words}"""'
    first = re.split(r"(?<=[.!?:;,]) ", words[:90])[0].rstrip(",;:")
    if len(first) > 80:
        first = words[:80].rpartition(" ")[0] or words[:80]
    rest = wrap(words[len(first) :].lstrip(" ,;:"))
    return f'    """{first if first.endswith((".", "!", "?")) else f"{first} …."}\n\n{rest}\n    """'


def wrap(words: str) -> str:
    """Return *words* in lines."""
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) + 1 > WIDTH - 4 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(f"    {line}" for line in lines)
