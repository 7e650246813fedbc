"""Make one self-contained document of a spec and the files that it refers to.

What another file defines is copied into the document's own components, once, under its own name; where the name is
taken, under the name of the file and its own (`SharedProblem`). References inside stay references, so recursive schemas
work. Only files in the folder of the specs are read, and nothing is fetched.

A link may lead to an operation of another spec (`operationRef`). That one is not copied: the two documents are served
beside each other, as the specs lie, so that the reference becomes one from document to document.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from handlers.spec.names import class_name
from handlers.spec.shape import DATA, KINDS, NAME_MAPS, Part, follow, operations, walk
from handlers.spec.source import Source, escape, read_source, unescape

CONTROLLER = "x-openapi-router-controller"


@dataclass
class Bundle:
    """A bundled document, and where each part of it was written."""

    source: Source
    document: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, tuple[Source, str]] = field(default_factory=dict)  #: by JSON Pointer into the document

    def origin(self, pointer: str) -> tuple[Source, str]:
        """Return the file, and the place in it, where the value at *pointer* was written."""
        around = pointer
        while around and around not in self.origins:
            around = around.rpartition("/")[0]
        source, start = self.origins.get(around, (self.source, ""))
        return source, start + pointer[len(around) :]

    def place(self, pointer: str) -> tuple[Path, int]:
        """Return the file and the line where the value at *pointer* was written."""
        source, inside = self.origin(pointer)
        return source.path, source.line(inside)


def bundle(path: Path, root: Path | None = None) -> dict[str, Any]:
    """Return the spec *path* as one document, every reference local, a controller on every operation.

    Args:
        path: The spec.
        root: Folder that references may not leave; by default `specs`, be it the spec's own folder or the one around.

    Raises:
        SpecError: A file cannot be read, or a reference leads nowhere, to another host, or out of *root*.
    """
    return make_bundle(path, root).document


def make_bundle(path: Path, root: Path | None = None) -> Bundle:
    """Return the spec *path* as one document that knows where its parts come from."""
    source = read_source(path)
    refuse_other_shapes(source)
    result = _Bundler(source, (root or specs_folder(source.path)).resolve()).run()
    refuse_wrong_references(result)
    name_controllers(result.document)
    return result


def refuse_other_shapes(source: Source) -> None:
    """Refuse a spec in which the bundler could not find its way."""
    if not isinstance(source.value, dict):
        source.fail("", "openapi", "This is no OpenAPI document.", "It begins with `openapi: 3.0.3`.")
    for key in ("paths", "components"):
        parts = source.value.get(key, {})
        if not isinstance(parts, dict) or not all(isinstance(part, dict) for part in parts.values()):
            source.fail(f"/{key}", "openapi", f"`{key}` is not a mapping of mappings.", "Remove what is empty.")


def refuse_wrong_references(found: Bundle) -> None:
    """Refuse a reference that in the end means itself, and one to a part of another kind."""
    for part in walk(found.document):
        if "$ref" in part.value and (words := wrong_reference(found.document, part)):
            source, inside = found.origin(part.pointer)
            source.fail(inside, "wrong-ref", words, "Mend the reference.")


def wrong_reference(document: Mapping[str, Any], part: Part) -> str:
    """Return what is wrong with a Reference Object; nothing if all is well."""
    reference = part.value["$ref"]
    if not isinstance(reference, str):
        return "A $ref is a text."
    kind = reference.split("/")[2] if reference.startswith("#/components/") else part.kind
    if part.kind and kind != part.kind:
        return f"One of {part.kind} is wanted, not of {kind}."
    try:
        follow(document, part.value)
    except LookupError:
        return "The reference leads back to itself."
    return ""


def specs_folder(path: Path) -> Path:
    """Return the folder of all specs, seen from one of them."""
    return path.parent.parent if path.parent.name == "invoke" else path.parent


def name_controllers(document: Mapping[str, Any]) -> None:
    """Write the document's controller onto each operation that names none."""
    controller = document.get(CONTROLLER)
    for _, _, operation in operations(document):
        if controller and isinstance(operation, dict):
            operation.setdefault(CONTROLLER, controller)


class _Bundler:
    """Copies one spec, and what it refers to, into one document."""

    def __init__(self, source: Source, root: Path) -> None:
        self.source = source
        self.root = root
        self.result = Bundle(source)
        self.pulled: dict[tuple[Path, str], str] = {}  # pointer in the document, by place in a file
        self.aliases: dict[tuple[Path, str], str] = {}  # the same, of components that are but a reference

    def run(self) -> Bundle:
        self.find_aliases()
        self.result.document = {"components": {}}
        document = self.copy(self.source, self.source.value, "", "")
        components = self.result.document.pop("components")
        for kind, parts in components.items():
            document.setdefault("components", {}).setdefault(kind, {}).update(parts)
        self.result.document = document
        return self.result

    def find_aliases(self) -> None:
        """Note the components of the spec that are but a reference into another file."""
        for kind, parts in self.source.value.get("components", {}).items():
            for name, part in parts.items():
                if isinstance(part, dict) and isinstance(part.get("$ref"), str) and not part["$ref"].startswith("#"):
                    place = f"/components/{kind}/{escape(name)}"
                    target, inside = self.target(self.source, part["$ref"], place)
                    self.aliases.setdefault((target.path, inside), place)

    def copy(self, source: Source, value: Any, pointer: str, kind: str, *, names: bool = False) -> Any:
        """Return a copy of *value*, its references turned into local ones.

        Args:
            source: The file that the value stands in.
            value: Any value of the file.
            pointer: Its place in the file.
            kind: Kind of component that a reference here would mean; empty where it would mean none.
            names: Whether the keys are names, not words of OpenAPI.
        """
        if isinstance(value, list):
            return [self.copy(source, item, f"{pointer}/{place}", kind) for place, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if not names and isinstance(value.get("$ref"), str):
            return self.reference(source, value, pointer, kind)
        if kind == "links" and not names and isinstance(value.get("operationRef"), str):
            value = value | {"operationRef": self.led(source, value["operationRef"], f"{pointer}/operationRef")}
        return {key: self.member(source, key, item, pointer, kind, names) for key, item in value.items()}

    def member(self, source: Source, key: str, value: Any, pointer: str, kind: str, names: bool) -> Any:
        """Return a copy of the member *key* of the mapping at *pointer*."""
        place = f"{pointer}/{escape(key)}"
        if names and pointer.endswith("/mapping") and isinstance(value, str):
            return self.mapped(source, value, place)
        if names:
            return self.copy(source, value, place, kind)
        if key in DATA or key.startswith("x-"):
            return value
        inner = KINDS.get(key, "")
        return self.copy(source, value, place, inner, names=key in NAME_MAPS and isinstance(value, dict))

    def mapped(self, source: Source, value: str, pointer: str) -> str:
        """Return a value of a discriminator's mapping: a reference, or the bare name of a schema."""
        if "#" not in value and not value.endswith((".yaml", ".yml", ".json")):
            return value
        return "#" + self.pull(source, value, pointer, "schemas")

    def reference(self, source: Source, value: dict[str, Any], pointer: str, kind: str) -> Any:
        """Return the Reference Object *value* as a local one; the path item it may stand for is copied in place."""
        if pointer.startswith("/paths/") and pointer.count("/") == 2:
            target, inside = self.target(source, value["$ref"], pointer)
            self.result.origins[pointer] = (target, inside)
            found = self.look_up(source, target, inside, pointer)
            if isinstance(found, dict) and "$ref" in found:
                source.fail(pointer, "wrong-ref", "The path refers to one that is itself elsewhere.", "Refer to it.")
            return self.copy(target, found, inside, "")
        return value | {"$ref": "#" + self.pull(source, value["$ref"], pointer, kind)}

    def led(self, source: Source, reference: str, pointer: str) -> str:
        """Return where a link leads: for one to an operation of another spec, the place in that one's document."""
        parts = urlsplit(reference)
        if parts.netloc or not parts.path:
            return reference
        target, inside = self.target(source, reference, pointer)
        found = self.look_up(source, target, inside, pointer)
        if not (inside.startswith("/paths/") and isinstance(found, dict) and "responses" in found):
            source.fail(pointer, "link-targets", f"{reference} is no operation.", "Name a path and a method.")
        beside = Path(os.path.relpath(target.path, self.source.path.resolve().parent)).with_suffix(".json")
        return quote(beside.as_posix()) + "#" + quote(inside, safe="/~")

    def pull(self, source: Source, reference: str, pointer: str, kind: str) -> str:
        """Return the pointer, in the document, of what *reference* means; copy it there if it is not yet."""
        target, inside = self.target(source, reference, pointer)
        found = self.look_up(source, target, inside, pointer)
        if target is self.source:
            return inside
        if (target.path, inside) not in self.pulled:
            self.add(target, inside, found, kind)
        return self.pulled[target.path, inside]

    def add(self, target: Source, inside: str, found: Any, kind: str) -> None:
        """Copy *found* into the components; a component that is but a reference to it gives way to it."""
        steps = inside.split("/")
        kind = steps[2] if steps[1:2] == ["components"] and len(steps) == 4 else kind or "schemas"
        words = re.sub(r"[^A-Za-z0-9._-]+", "-", unescape(steps[-1]) if inside else target.path.stem)
        place = self.aliases.get((target.path, inside)) or self.free_place(target, kind, words)
        self.pulled[target.path, inside] = place
        self.result.origins[place] = (target, inside)
        _, _, kind, name = map(unescape, place.split("/"))
        parts = self.result.document["components"].setdefault(kind, {})
        parts[name] = None  # keeps its turn while what it refers to is copied
        parts[name] = self.copy(target, found, inside, kind)

    def free_place(self, target: Source, kind: str, words: str) -> str:
        """Return a place in the components that neither the spec nor a part copied before has."""
        own = self.source.value.get("components", {}).get(kind, {})
        taken = own.keys() | self.result.document["components"].get(kind, {}).keys()
        longer = class_name(target.path.stem) + class_name(words)
        names = itertools.chain([words, longer], (f"{longer}{number}" for number in itertools.count(2)))
        return f"/components/{kind}/{escape(next(name for name in names if name not in taken))}"

    def target(self, source: Source, reference: str, pointer: str) -> tuple[Source, str]:
        """Return the file that *reference* leads to, and the place in it."""
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            source.fail(pointer, "remote-ref", f"{reference} is on another host.", "Copy it into specs/.")
        if not parts.path and not parts.fragment:
            source.fail(pointer, "missing-ref", f"{reference!r} leads to the whole file.", "Name a part of it.")
        if not parts.path:
            return source, unquote(parts.fragment)
        path = (source.path.parent / unquote(parts.path)).resolve()
        if not path.is_relative_to(self.root):
            source.fail(pointer, "remote-ref", f"{reference} leads out of {self.root.name}/.", "Copy it into specs/.")
        if not path.is_file():
            source.fail(pointer, "missing-ref", f"{reference}: there is no such file.", "Mend the path.")
        return (self.source if path == self.source.path else read_source(path)), unquote(parts.fragment)

    def look_up(self, source: Source, target: Source, inside: str, pointer: str) -> Any:
        """Return the value at *inside* of *target*."""
        value = target.value
        for step in inside.split("/")[1:]:
            key = unescape(step)
            value = value.get(key) if isinstance(value, dict) else _item(value, key)
            if value is None:
                source.fail(pointer, "missing-ref", f"{target.path.name} has no {inside}.", "Mend the reference.")
        return value


def _item(value: Any, key: str) -> Any:
    return value[int(key)] if isinstance(value, list) and key.isdigit() and int(key) < len(value) else None
