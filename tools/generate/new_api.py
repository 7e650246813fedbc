"""`seamark new api`: take in the document of an API.

    python -m tools.generate.new_api FILE [--name NAME] [--mount PATH]

It is converted, made to keep to the rules of this house, and refused where that cannot be; then the controller is made
and entered into the house's lists.
"""

from __future__ import annotations

import argparse
import copy
import json
import keyword
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from handlers.gateway.compilation import CannotServe, compile_apis
from handlers.gateway.mock import MockResolver
from handlers.settings import Settings
from handlers.spec import examples
from handlers.spec.bundle import Bundle, make_bundle, name_controllers
from handlers.spec.documents import Api, mount_of
from handlers.spec.findings import Finding, SpecError
from handlers.spec.lint import findings_in, openapi_faults
from handlers.spec.shape import look_up, operations, walk
from handlers.spec.source import INTEGER, NUMBER, WORDS, Source, read_source, unescape
from tools.generate import ROOT, main
from tools.generate.apis import read_apis
from tools.generate.register import NotRegisteredError, register, rooms
from tools.generate.swagger import convert, origins_of
from tools.generate.tidy import tidy

NAME = re.compile(r"[a-z][a-z0-9_]*")


class RefusedError(Exception):
    """The document cannot be taken in; nothing was written."""


@dataclass
class Arrival:
    """A document on its way in."""

    source: Source
    document: dict[str, Any]
    origins: dict[str, tuple[Source, str]]  #: where its parts were written, by JSON Pointer
    notes: list[str] = field(default_factory=list)

    def as_bundle(self) -> Bundle:
        """Return the document as the lint wants it: our common parts, which are known to be right, are left out."""
        plain = re.sub(r'"_shared\.yaml#[^"]*"', '"#/components/responses/of_seamark"', json.dumps(self.document))
        document = json.loads(plain)
        ours = {"description": "A problem document."}
        document.setdefault("components", {}).setdefault("responses", {})["of_seamark"] = ours
        schemes = document["components"].get("securitySchemes", {})
        document["components"]["securitySchemes"] = {name: {"type": "http", "scheme": "bearer"} for name in schemes}
        name_controllers(document)
        return Bundle(self.source, document, self.origins)

    def findings(self) -> list[Finding]:
        """Return what is wrong with the document, by the lines of the file that it came in."""
        return findings_in(self.as_bundle())


def take_in(file: Path, name: str, mount: str | None, root: Path) -> Arrival:
    """Return the document in *file*, made to keep to the rules of this house.

    Raises:
        RefusedError, SpecError: It cannot be.
    """
    arrival = read(file)
    tidy(arrival.document, name, arrival.notes)
    drop_wrong_examples(arrival)
    place(arrival, name, mount, root)
    faults = [finding for finding in arrival.findings() if finding.level == "error"]
    if faults:
        raise RefusedError("\n".join(map(str, faults)))
    refuse_unserved(arrival, name)
    return arrival


def read(file: Path) -> Arrival:
    """Return the document in *file* as OpenAPI 3.0.

    Raises:
        RefusedError, SpecError: It is none.
    """
    source = read_source(file)
    value = source.value if isinstance(source.value, dict) else {}
    version = str(value.get("swagger") or value.get("openapi") or "")
    if version == "2.0" or version.startswith("2.0."):
        notes: list[str] = []
        return Arrival(source, convert(value, notes), origins_of(source), notes)
    if version.startswith("3.0"):
        found = make_bundle(file, file.parent)
        return Arrival(source, copy.deepcopy(found.document), found.origins)
    words = f"It is OpenAPI {version}" if version else "It is no OpenAPI document"
    raise RefusedError(f"{file}:1: error: {words}. Give one of OpenAPI 3.0 or Swagger 2.0.")


def drop_wrong_examples(arrival: Arrival) -> None:
    """Leave out the examples that are not what their schemas say."""
    spec = arrival.as_bundle()
    if next(openapi_faults(spec.document), None) is not None:
        return
    wrong = {fault.pointer for fault in examples.examples(spec.document)}
    shown = [place for part in walk(spec.document) for _, place, _ in examples.given(spec.document, part)]
    for shown_at in dict.fromkeys(shown):
        if any(f"{pointer}/".startswith(f"{shown_at}/") for pointer in wrong):
            file, line = spec.place(shown_at)
            around, _, key = shown_at.removesuffix("/value").rpartition("/")
            del look_up(arrival.document, around)[unescape(key)]
            arrival.notes.append(f"{file}:{line}: The {key} is left out: it is not what its schema says.")


def place(arrival: Arrival, name: str, mount: str | None, root: Path) -> None:
    """Decide where the API is served: where it says, if no other API is there.

    Raises:
        RefusedError: Another API is at the path that was asked for.
    """
    taken = {where for api in read_apis(root / "specs") if api.name != name for where in addresses(api.document)}
    wanted = mount if mount is not None else mount_of(arrival.document)
    arrival.document["servers"] = [{"url": "/" + wanted.strip("/")}]
    clashes = sorted(taken & set(addresses(arrival.document)))
    if not clashes:
        return
    method, path = clashes[0]
    if mount is not None:
        raise RefusedError(f"{method} {path} is served already; choose another --mount.")
    arrival.document["servers"] = [{"url": f"/{name}"}]
    arrival.notes.append(f"It is served at /{name}, since {method} {path} is served already.")


def addresses(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the method and the whole path of each operation; the names of parameters do not matter."""
    for path, method, _ in operations(document):
        yield method.upper(), re.sub(r"{[^}]*}", "{}", mount_of(document) + path)


def refuse_unserved(arrival: Arrival, name: str) -> None:
    """Refuse what the gateway could not serve.

    Raises:
        RefusedError: There is such a thing.
    """
    document = arrival.as_bundle().document
    for scheme in document["components"]["securitySchemes"].values():
        scheme["x-bearerInfoFunc"] = "handlers.services.bearer_info"
    api = Api(name, document, mount_of(document))
    try:
        compile_apis([api], Settings(), mounts={}, resolver=MockResolver)
    except CannotServe as error:
        raise RefusedError(str(error)) from error


def as_text(document: Mapping[str, Any]) -> str:
    """Return a document as YAML that reads back as the same."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            return super().increase_indent(flow, indentless=False)

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        misread = text in WORDS or INTEGER.fullmatch(text) or NUMBER.fullmatch(text)
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if misread else None)

    Dumper.add_representer(str, represent)
    text = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
    return str(text)


def name_of(file: Path, given: str | None, root: Path) -> str:
    """Return the name of the API.

    Raises:
        RefusedError: It is none, or another module has it.
    """
    name = given or re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_")
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise RefusedError(f"{name!r} is no name of an API; give one with --name, of small letters, digits and `_`.")
    spec = root / "specs" / f"{name}.yaml"
    if spec.exists():
        raise RefusedError(f"There is a {spec} already; edit it, or give another --name.")
    handlers = root / "handlers"
    known = rooms((root / "setup.cfg").read_text("utf-8"))
    if name in known or (handlers / name).exists() or (handlers / f"{name}.py").exists():
        raise RefusedError(f"handlers.{name} is something else; give another --name.")
    return name


def run(file: Path, given: str | None, mount: str | None, root: Path) -> int:
    """Take in *file* and generate what follows from it; return the exit status."""
    name = name_of(file, given, root)
    arrival = take_in(file, name, mount, root)
    head = f"# Taken in from {file.name} by `seamark new api`; yours from now on.\n"
    spec = root / "specs" / f"{name}.yaml"
    spec.write_text(head + as_text(arrival.document), "utf-8")
    assert read_source(spec).value == arrival.document, "what is written reads back"
    for note in arrival.notes:
        print(f"note: {note}")
    print(f"wrote {spec.relative_to(root)}")
    if status := main(["--specs", str(root / "specs")]):
        print(f"Nothing was generated; mend {spec} and run `seamark generate`.", file=sys.stderr)
        return status
    try:
        for path in register(root, name):
            print(f"entered handlers.{name} into {path.relative_to(root)}")
    except NotRegisteredError as error:
        print(f"note: {error}")
    count = len(list(operations(arrival.document)))
    print(f"{count} operations are served at {mount_of(arrival.document) or '/'} and answer 501 until they are built.")
    print(f"Next: write the functions in handlers/{name}.py; `seamark up --dev` serves them, `tox` checks them.")
    return 0


def command(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="seamark new api", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="an OpenAPI 3.0 or Swagger 2.0 document")
    parser.add_argument("--name", help="name of the API; that of the file by default")
    parser.add_argument("--mount", metavar="PATH", help="where to serve it; as the document says by default")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="the checkout")
    options = parser.parse_args(arguments)
    try:
        return run(options.file, options.name, options.mount, options.root.resolve())
    except (RefusedError, SpecError) as error:
        print(error, file=sys.stderr)
        print("Nothing was written.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(command())
