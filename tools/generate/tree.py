"""The whole tree of generated files, as text by path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from handlers.spec.bundle import bundle
from handlers.spec.documents import MANIFEST
from handlers.spec.names import module_name
from tools.generate.modules import header, make_module

FORMAT = 1  # of the tree; raised when older tools could not read it

SUPPORT = Path(__file__).with_name("support.py.txt")
PACKAGES = {
    "__init__.py": '"""Written by `seamark generate`; never by hand."""\n',
    "invoke/__init__.py": '"""Written by `seamark generate`; never by hand: one module per operation."""\n',
    "py.typed": "",
}

Tree = dict[str, str]  # text by path, with slashes


def find_specs(specs: Path) -> dict[str, Path]:
    """Return the specs by the name of their API; what begins with an underscore is shared by others."""
    paths = [*specs.glob("*.yaml"), *specs.glob("invoke/*.yaml")]
    found = {path.relative_to(specs).with_suffix("").as_posix(): path for path in paths if path.name[0] != "_"}
    return dict(sorted(found.items()))


def make_tree(specs: Path) -> Tree:
    """Return every generated file.

    Raises:
        SpecError: A spec cannot be bundled.
    """
    tree: Tree = dict(PACKAGES)
    tree["_support.py"] = header() + SUPPORT.read_text("utf-8")
    for name, path in find_specs(specs).items():
        document = bundle(path, specs)
        tree[f"{name}.json"] = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        tree[f"{module_name(name).replace('.', '/')}.py"] = make_module(name, document, f"specs/{name}.yaml")
    tree[MANIFEST] = make_manifest(specs, tree)
    return tree


def make_manifest(specs: Path, tree: Mapping[str, str]) -> str:
    """Return what was made of what, as SHA-256."""
    sources = {path.relative_to(specs).as_posix(): path.read_bytes() for path in sorted(specs.rglob("*.yaml"))}
    manifest = {
        "format": FORMAT,
        "sources": {path: digest(data) for path, data in sources.items()},
        "files": {path: digest(tree[path].encode()) for path in sorted(tree)},
    }
    return json.dumps(manifest, indent=2) + "\n"


def digest(data: bytes) -> str:
    """Return the SHA-256 of *data* in hex."""
    return hashlib.sha256(data).hexdigest()


def write_tree(tree: Mapping[str, str], out: Path) -> list[str]:
    """Write what is not yet so, remove what an earlier run made and this one did not; return the paths."""
    changed = [path for path, text in tree.items() if read_text(out / path) != text]
    gone = sorted(path for path in listed(out) - tree.keys() if (out / path).is_file())
    for path in changed:
        file = out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.new")
        beside.write_bytes(tree[path].encode())
        beside.replace(file)
    for path in gone:
        (out / path).unlink()
    return changed + gone


def compare_tree(tree: Mapping[str, str], out: Path) -> list[str]:
    """Return a sentence for each file of *out* that is not as the specs say."""
    made = listed(out)
    there = set(present(out))
    sentences = [f"{out / path} is missing." for path in tree if path not in there]
    sentences += [f"{out / path} is not what the specs say." for path, text in tree.items() if differs(out, path, text)]
    for path in sorted(there - tree.keys()):
        words = "is left over from a spec that is gone" if path in made else "was not made by the generator: remove it"
        sentences.append(f"{out / path} {words}.")
    return sorted(sentences)


def differs(out: Path, path: str, text: str) -> bool:
    """Tell whether the file *path* is there and is not *text*."""
    return (out / path).is_file() and read_text(out / path) != text


def present(out: Path) -> Iterator[str]:
    """Yield the files in *out*, apart from what Python and its tools leave there."""
    for path in out.rglob("*") if out.is_dir() else ():
        relative = path.relative_to(out)
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in relative.parts):
            yield relative.as_posix()


def listed(out: Path) -> set[str]:
    """Return the files that the manifest in *out* lists, if they are inside."""
    try:
        files = json.loads((out / MANIFEST).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {path for path in files if not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts}


def read_text(path: Path) -> str | None:
    """Return the text of *path* as it is, or None if there is none."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
