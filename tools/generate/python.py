"""A Python module written by hand, read for what it has: nothing here changes it."""

from __future__ import annotations

import ast
import io
import re
import symtable
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
NEWLINE = re.compile(r"\r\n|\n|\r")
PRAGMA = re.compile(r"^\s*#\s*ruff:\s*noqa(?P<colon>:(?P<codes>[\s,A-Z0-9]+))?", re.MULTILINE | re.IGNORECASE)


class NotPythonError(Exception):
    """A module cannot be read; the line says where."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(words)
        self.line = line


@dataclass(frozen=True)
class Module:
    """One module, as it is on disk."""

    data: bytes
    package: str  #: the package that its relative imports start from

    @cached_property
    def encoding(self) -> str:
        """The encoding that the module declares, or UTF-8."""
        return tokenize.detect_encoding(io.BytesIO(self.data).readline)[0]

    @cached_property
    def text(self) -> str:
        """The module's text, its line ends as they are."""
        return self.data.decode(self.encoding)

    @cached_property
    def newline(self) -> str:
        """The line end that the module uses last."""
        found = NEWLINE.findall(self.text)
        return found[-1] if found else "\n"

    @cached_property
    def tree(self) -> ast.Module:
        """The module's syntax tree."""
        return ast.parse(self.data)

    @cached_property
    def symbols(self) -> dict[str, symtable.Symbol]:
        """The names of the module's own scope."""
        table = symtable.symtable(NEWLINE.sub("\n", self.text), "module", "exec")
        return {symbol.get_name(): symbol for symbol in table.get_symbols()}

    @cached_property
    def bound(self) -> set[str]:
        """The names that the module gives a value to, wherever it does."""
        inner = {name for node in ast.walk(self.tree) if isinstance(node, ast.Global) for name in node.names}
        return inner | {
            name
            for name, symbol in self.symbols.items()
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
        }

    @cached_property
    def used(self) -> set[str]:
        """The names that the module has anywhere, bound or not."""
        return self.bound | {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}

    @cached_property
    def hides_names(self) -> bool:
        """Whether the module may have names that cannot be seen in it."""
        stars = (node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
        return next(stars, None) is not None or "__getattr__" in self.bound

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions at the top of the module, the last of each name."""
        return {node.name: node for node in self.tree.body if isinstance(node, Function)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """What the module imports at its top and never gives another value: expression by qualified name."""
        found = [pair for node in self.tree.body for pair in imported(node, self.package)]
        meanings: dict[str, set[str]] = {}
        for name, expression in found:
            local, dot, _ = expression.partition(".")
            meanings.setdefault(local, set()).add(local if dot else name)
        unclear = self.rebound | {local for local, each in meanings.items() if len(each) > 1}
        return {name: expression for name, expression in found if expression.partition(".")[0] not in unclear}

    @cached_property
    def rebound(self) -> set[str]:
        """The names that are bound by more than imports at the top, or deleted."""
        nodes = list(ast.walk(self.tree))
        changed = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        changed |= {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        changed |= {node.name for node in nodes if isinstance(node, Function | ast.ClassDef)}
        inner = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) and node not in self.tree.body]
        return changed | {alias.asname or alias.name.partition(".")[0] for node in inner for alias in node.names}

    @cached_property
    def accepted(self) -> set[str] | None:
        """The rules that ruff does not apply to this module; None: it applies none at all."""
        found = list(PRAGMA.finditer(self.text))
        if any(not pragma["colon"] for pragma in found):
            return None
        return {code for pragma in found for code in re.findall(r"[A-Z]+[0-9]+", pragma["codes"])}

    @property
    def is_heading(self) -> bool:
        """Whether an import at the end would still be one at the top."""
        return all(isinstance(node, ast.Import | ast.ImportFrom) or is_docstring(node) for node in self.tree.body)

    @property
    def has_imports(self) -> bool:
        """Whether the module imports anything at its top but the future."""
        found = (node for node in self.tree.body if isinstance(node, ast.Import | ast.ImportFrom))
        return any(not isinstance(node, ast.ImportFrom) or node.module != "__future__" for node in found)


def read_module(data: bytes, package: str) -> Module:
    """Return the module in *data*.

    Raises:
        NotPythonError: It has no syntax, or not the encoding that it declares.
    """
    module = Module(data, package)
    try:
        assert module.tree is not None, "it was parsed"
        assert module.symbols is not None, "it was decoded, and its names were found"
    except SyntaxError as error:
        raise NotPythonError(error.lineno or 1, f"This is no Python: {error.msg}.") from error
    except (ValueError, LookupError) as error:
        raise NotPythonError(1, f"This is no Python: {error}.") from error
    return module


def imported(node: ast.stmt, package: str) -> Iterator[tuple[str, str]]:
    """Yield what an import makes known: the qualified name, and the expression that has its value."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, alias.asname or alias.name
    elif isinstance(node, ast.ImportFrom):
        around = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        source = ".".join([*around, *([node.module] if node.module else [])])
        for alias in node.names:
            yield f"{source}.{alias.name}", alias.asname or alias.name


def is_docstring(node: ast.stmt) -> bool:
    """Tell whether a statement is but a text."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_stub(function: Function) -> bool:
    """Tell whether all that a function does is to say that it is not built."""
    body = [node for node in function.body if not is_docstring(node)]
    if len(body) != 1 or not isinstance(body[0], ast.Raise) or not isinstance(body[0].exc, ast.Call):
        return False
    return ast.unparse(body[0].exc.func).rpartition(".")[2] == "NotBuilt"


def package_of(module: str, path: Path) -> str:
    """Return the package that relative imports of a module start from."""
    return module if path.name == "__init__.py" else module.rpartition(".")[0]
