"""What a run would do, made in full before anything is written."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handlers.spec.findings import Finding
from tools.generate.apis import Api, read_apis
from tools.generate.controllers import Controller, controllers_of, look_at, read_before, types_in
from tools.generate.functions import look_at_functions, missing_functions
from tools.generate.python import NotPythonError
from tools.generate.tree import Tree, compare_tree, hand_edits, make_tree, module_path, read_manifest


@dataclass(frozen=True)
class Places:
    """Where everything is."""

    specs: Path
    out: Path  #: `generated/`
    handlers: Path


@dataclass(frozen=True)
class Change:
    """One file that is not as it should be."""

    path: Path
    before: bytes | None  #: None: it is not there
    after: bytes | None  #: None: it is to go
    added: str = ""  #: the functions that are appended, where that is all

    def line(self, *, done: bool) -> str:
        """Return the change as a line, before or after it was made."""
        if self.added:
            return f"{'appended' if done else 'append'} {self.added} to {shown(self.path)}"
        verbs = ("removed", "remove") if self.after is None else ("wrote", "write")
        return f"{verbs[0 if done else 1]} {shown(self.path)}"

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff."""
        lines, names = [], []
        for data in (self.before, self.after):
            lines.append((data or b"").decode(errors="replace").splitlines(keepends=True))
            names.append("/dev/null" if data is None else shown(self.path))
        for line in difflib.unified_diff(lines[0], lines[1], names[0], names[1]):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


@dataclass
class Plan:
    """All changes, and what is to be said about what is written by hand."""

    places: Places
    tree: Tree
    changes: list[Change]
    edited: list[str]  #: files of `generated/` that were changed by hand
    findings: list[Finding] = field(default_factory=list)

    def faults(self) -> list[str]:
        """Return a sentence for each thing that is not as the specs say."""
        sentences = compare_tree(self.tree, self.places.out)
        outside = [change for change in self.changes if not change.path.is_relative_to(self.places.out)]
        return sentences + [f"{shown(change.path)} lacks what the specs ask for." for change in outside]

    def apply(self) -> None:
        """Write it."""
        for change in self.changes:
            if change.after is None:
                change.path.unlink()
                remove_empty(change.path.parent, self.places.out)
                continue
            change.path.parent.mkdir(parents=True, exist_ok=True)
            beside = change.path.with_name(f".{change.path.name}.new")
            beside.write_bytes(change.after)
            if change.before is not None:
                beside.chmod(change.path.stat().st_mode)
            beside.replace(change.path)


def make_plan(places: Places) -> Plan:
    """Return what a run would do.

    Raises:
        SpecError: A spec cannot be bundled.
    """
    apis = read_apis(places.specs)
    tree = make_tree(places.specs, apis)
    before = read_before(places.out)
    controllers = controllers_of(apis, places.handlers, before)
    changes = [*tree_changes(tree, places.out), *controller_changes(controllers)]
    changes += [Change(path, None, text.encode()) for path, text in missing_functions(apis, places.handlers)]
    now = types_now(apis, tree)
    findings = [found for controller in controllers for found in look_at(controller, before, now)]
    findings += look_at_functions(apis, places.handlers)
    return Plan(places, tree, changes, hand_edits(tree, places.out), sorted(findings))


def tree_changes(tree: Tree, out: Path) -> Iterator[Change]:
    """Yield what is not yet so in the folder *out*, and what an earlier run made and this one does not."""
    for path, text in tree.items():
        before = read_bytes(out / path)
        if before != text.encode():
            yield Change(out / path, before, text.encode())
    for path in sorted(read_manifest(out).keys() - tree.keys()):
        if (out / path).is_file():
            yield Change(out / path, read_bytes(out / path), None)


def controller_changes(controllers: Sequence[Controller]) -> Iterator[Change]:
    """Yield the controllers that lack functions; one that cannot be read is told of elsewhere."""
    for controller in controllers:
        with contextlib.suppress(NotPythonError):
            after = controller.completed()
            before = read_bytes(controller.path)
            if after != (before or b""):
                names = ", ".join(stub.operation.name for stub in controller.missing())
                yield Change(controller.path, before, after, added=names if before is not None else "")


def types_now(apis: Sequence[Api], tree: Tree) -> dict[str, dict[str, str]]:
    """Return the types of all operations as they are to be, by API and function."""
    found: dict[str, dict[str, str]] = {}
    for api in apis:
        for name, types in types_in(api.name, tree[module_path(api.name)]).items() if not api.is_invoked else ():
            found[name] = dict(types)
    return found


def remove_empty(folder: Path, root: Path) -> None:
    """Remove *folder*, and those around it up to *root*, as far as nothing is in them."""
    while folder != root and folder.is_relative_to(root) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def read_bytes(path: Path) -> bytes | None:
    """Return what is in *path*, or None if there is no such file."""
    return path.read_bytes() if path.is_file() else None


def shown(path: Path) -> str:
    """Return a path as people write it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
