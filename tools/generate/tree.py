"""The whole tree of generated files, as text by path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from handlers.operations.scaffold.spec import MODEL, SHARED
from handlers.spec.documents import MANIFEST
from handlers.spec.names import module_name
from tools.generate import template
from tools.generate.apis import Api
from tools.generate.modules import header, make_module

FORMAT = 1  # of the tree; raised when older tools could not read it

SUPPORT = Path(__file__).with_name("support.py.txt")
PACKAGES = {
    "__init__.py": '"""Written by `seamark generate`; never by hand."""\n',
    "invoke/__init__.py": '"""Written by `seamark generate`; never by hand: one module per operation."""\n',
    "py.typed": "",
}

Tree = dict[str, str]  # text by path, with slashes


def make_tree(specs: Path, apis: Sequence[Api]) -> Tree:
    """Return every generated file of *apis*, which were read from *specs*."""
    tree: Tree = dict(PACKAGES)
    tree["_support.py"] = header() + SUPPORT.read_text("utf-8")
    tree |= models(specs)
    for api in apis:
        document = {"x-generated": header(api.source).strip("# \n")} | api.document
        tree[f"{api.name}.json"] = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        tree[module_path(api.name)] = make_module(api)
    tree[MANIFEST] = make_manifest(specs, tree)
    return tree


def models(specs: Path) -> Tree:
    """Return what new operations are made of, also where there are no sources: a spec with gaps, the common parts."""
    spec, shared = specs / "invoke" / f"{template.NAME}.yaml", specs / SHARED
    if not spec.is_file() or not shared.is_file():
        return {}
    return {
        MODEL: header(f"specs/invoke/{spec.name}") + template.make_model(spec.read_text("utf-8")),
        SHARED: header(f"specs/{SHARED}") + shared.read_text("utf-8"),
    }


def module_path(name: str) -> str:
    """Return the path of the module of the API *name*."""
    return f"{module_name(name).replace('.', '/')}.py"


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


def compare_tree(tree: Mapping[str, str], out: Path) -> list[str]:
    """Return a sentence for each file of *out* that is not as the specs say."""
    made = read_manifest(out)
    there = set(present(out))
    sentences = [f"{out / path} is missing." for path in tree if path not in there]
    sentences += [f"{out / path} is not what the specs say." for path, text in tree.items() if differs(out, path, text)]
    for path in sorted(there - tree.keys()):
        words = "is left over from a spec that is gone" if path in made else "was not made by the generator: remove it"
        sentences.append(f"{out / path} {words}.")
    return sorted(sentences)


def differs(out: Path, path: str, text: str) -> bool:
    """Tell whether the file *path* is there and is not *text*."""
    return (out / path).is_file() and (out / path).read_bytes() != text.encode()


def hand_edits(tree: Mapping[str, str], out: Path) -> list[str]:
    """Return the files that a run would overwrite or remove, and that are not as the run before left them."""
    made = read_manifest(out)
    at_stake = [path for path, text in tree.items() if path != MANIFEST and differs(out, path, text)]
    at_stake += sorted(path for path in made.keys() - tree.keys() if (out / path).is_file())
    return [path for path in at_stake if digest((out / path).read_bytes()) != made.get(path)]


def present(out: Path) -> Iterator[str]:
    """Yield the files in *out*, apart from what Python and its tools leave there."""
    for path in out.rglob("*") if out.is_dir() else ():
        relative = path.relative_to(out)
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in relative.parts):
            yield relative.as_posix()


def read_manifest(out: Path) -> dict[str, str]:
    """Return the digests that the manifest in *out* lists by path; none if it cannot be read, nor of files outside."""
    try:
        files = json.loads((out / MANIFEST).read_text("utf-8"))["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {path: sum_ for path, sum_ in files if is_inside(path)}


def is_inside(path: str) -> bool:
    """Tell whether a path of a manifest stays in its folder."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts
