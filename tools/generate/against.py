"""What breaks clients since a git revision."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.spec.documents import mount_of
from handlers.spec.findings import SpecError
from handlers.spec.shape import follow, operations, parameters
from handlers.spec.source import escape
from tools.generate.apis import Api, read_apis
from tools.generate.git import GitError, export, last_tag
from tools.generate.schemas_between import Between, Break, Place

LAST_TAG = "last-tag"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """One thing that breaks clients, with its place."""

    api: str
    operation: str  #: method and path; "" where it is the API itself
    file: str
    line: int
    message: str
    allowed: bool  #: the version of the API says so

    def __str__(self) -> str:
        """Return the finding as compilers write theirs."""
        level = "allowed" if self.allowed else "breaking"
        where = f"{self.operation}: " if self.operation else ""
        return f"{self.file}:{self.line}: {level}: {where}{self.message} [{self.api}]"


def show_breaking(specs: Path, revision: str, *, as_json: bool) -> int:
    """Write what breaks clients since *revision*; return 1 if something does that the versions do not allow."""
    if revision == LAST_TAG and (tag := last_tag(specs)) is None:
        print("There is no tag yet, so nobody relies on anything.", file=sys.stderr)
        return 0
    revision = tag if revision == LAST_TAG and tag else revision
    try:
        found = breaking(specs, revision)
    except (GitError, SpecError) as error:
        print(f"specs/ cannot be compared with {revision}: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"against": revision, "breaking": [vars(each) for each in found]}, indent=2))
    else:
        print("".join(f"{each}\n" for each in found) or f"Nothing breaks clients since {revision}.\n", end="")
    return 1 if any(not each.allowed for each in found) else 0


def breaking(specs: Path, revision: str) -> list[Found]:
    """Return what breaks clients since *revision*, by API.

    Raises:
        GitError: There is no such revision, or no specs in it.
        SpecError: A spec, old or new, cannot be bundled.
    """
    with tempfile.TemporaryDirectory() as folder:
        past = Path(folder) / "specs"
        past.mkdir()
        export(specs, revision, past)
        olds, news = read_apis(past), {api.name: api for api in read_apis(specs)}
    return [found for old in olds for found in between(old, news.get(old.name), specs)]


def between(old: Api, new: Api | None, specs: Path) -> Iterator[Found]:
    """Yield what breaks the clients of one API."""
    if new is None:
        yield Found(old.name, "", str(specs / f"{old.name}.yaml"), 1, "The API is gone.", allowed=False)
        return
    allowed = is_raised(str(old.document["info"]["version"]), str(new.document["info"]["version"]))
    mounts = mount_of(old.document), mount_of(new.document)
    moved = [Break("/servers", f"It was served at {mounts[0] or '/'} and is now at {mounts[1] or '/'}.")]
    found = [("", each) for each in moved if mounts[0] != mounts[1]]
    found += operation_breaks(old.document, new.document)
    for operation, each in dict.fromkeys(found):
        file, line = new.bundle.place(each.pointer)
        message = each.message[:1].upper() + each.message[1:]
        yield Found(old.name, operation, str(file), line, message, allowed)


def is_raised(old: str, new: str) -> bool:
    """Tell whether a version says that something breaks: its first number that is not 0 rose, or one before."""
    olds, news = ([int(number) for number in re.findall(r"\d+", text)[:3]] for text in (old, new))
    first = next((place for place, number in enumerate(olds) if number), 0)
    return news[: first + 1] > olds[: first + 1]


def operation_breaks(old: Document, new: Document) -> Iterator[tuple[str, Break]]:
    """Yield what breaks the clients of each operation, with its method and path."""
    now = {(plain(path), method): (path, operation) for path, method, operation in operations(new)}
    for path, method, operation in operations(old):
        where = f"{method.upper()} {path}"
        if (plain(path), method) not in now:
            yield where, Break("/paths", "The operation is gone.")
            continue
        new_path, found = now[plain(path), method]
        pair = Pair(old, new, path, new_path, operation, found, f"/paths/{escape(new_path)}/{method}")
        yield from ((where, each) for each in pair.breaks())


def plain(path: str) -> str:
    """Return a path as a client sees it: the names of its parameters do not matter."""
    return re.sub(r"{[^}]*}", "{}", path)


@dataclass(frozen=True)
class Pair:
    """An operation as it was and as it is."""

    old: Document
    new: Document
    old_path: str
    new_path: str
    before: Document
    now: Document
    pointer: str

    def breaks(self) -> Iterator[Break]:
        """Yield what breaks clients."""
        ids = self.before.get("operationId"), self.now.get("operationId")
        if ids[0] != ids[1]:
            yield Break(f"{self.pointer}/operationId", f"The operationId was {ids[0]} and is now {ids[1]}.")
        yield from self.guards()
        yield from self.parameters()
        yield from self.bodies()
        yield from self.answers()

    def guards(self) -> Iterator[Break]:
        """Yield credentials that are asked for now."""
        before, now = (is_open(each, doc) for each, doc in ((self.before, self.old), (self.now, self.new)))
        if before and not now:
            yield Break(f"{self.pointer}/security", "It needs credentials now.")
        if more := set(self.now.get("x-scopes", ())) - set(self.before.get("x-scopes", ())):
            yield Break(f"{self.pointer}/x-scopes", f"It needs the scope {', '.join(sorted(more))} now.")

    def parameters(self) -> Iterator[Break]:
        """Yield parameters that are gone, asked for now, or other than they were."""
        before, now = self.named(self.old, self.old_path, self.before), self.named(self.new, self.new_path, self.now)
        for key, found in now.items():
            if is_required(found, self.now) and (key not in before or not is_required(before[key], self.before)):
                yield Break(self.pointer, f"The {found['in']} parameter {found['name']} has to be there now.")
        for key, found in before.items():
            if key not in now:
                yield Break(self.pointer, f"The {found['in']} parameter {found['name']} is gone.")
                continue
            words = f"the {found['in']} parameter {now[key]['name']}"
            if found["name"] != now[key]["name"]:
                yield Break(self.pointer, f"The path parameter {found['name']} is now called {now[key]['name']}.")
            if style_of(found) != style_of(now[key]):
                yield Break(self.pointer, f"{words} is written otherwise now.")
            yield from self.between(found, now[key], words, self.pointer)

    def named(self, document: Document, path: str, operation: Document) -> dict[tuple[str, str], Document]:
        """Return the parameters by place and name; those of the path by place and number."""
        order = re.findall(r"{([^}]*)}", path)
        found = parameters(document, path, operation)
        keys = [str(order.index(each["name"])) if each["in"] == "path" else each["name"] for each in found]
        return {(each["in"], key): each for each, key in zip(found, keys, strict=True)}

    def between(self, before: Document, now: Document, words: str, pointer: str) -> Iterator[Break]:
        """Yield how the schema of something that is sent became narrower."""
        places = Place(before.get("schema", {}), ""), Place(now.get("schema", {}), pointer)
        return Between(self.old, self.new, "input").breaks(*places, words)

    def bodies(self) -> Iterator[Break]:
        """Yield bodies that are no longer taken, asked for now, or other than they were."""
        before = follow(self.old, self.before.get("requestBody"))
        now = follow(self.new, self.now.get("requestBody"))
        pointer = f"{self.pointer}/requestBody"
        if now and now.get("required") and not (before and before.get("required")):
            yield Break(pointer, "The body has to be there now.")
        if before and not now:
            yield Break(self.pointer, "A body is no longer taken.")
        for kind, media in before.get("content", {}).items() if before and now else ():
            if kind not in now.get("content", {}):
                yield Break(pointer, f"A body of the type {kind} is no longer taken.")
            else:
                place = f"{pointer}/content/{escape(kind)}/schema"
                yield from self.between(media, now["content"][kind], "the body", place)

    def answers(self) -> Iterator[Break]:
        """Yield answers that are gone, or other than they were."""
        for code, given in self.before.get("responses", {}).items():
            if code not in self.now.get("responses", {}):
                if code[0] in "23":
                    yield Break(f"{self.pointer}/responses", f"The answer {code} is gone.")
                continue
            before, now = follow(self.old, given), follow(self.new, self.now["responses"][code])
            yield from self.answer(code, before, now, f"{self.pointer}/responses/{code}")

    def answer(self, code: str, before: Document, now: Document, pointer: str) -> Iterator[Break]:
        """Yield how one answer is other than it was."""
        for name in sorted(before.get("headers", {}).keys() - now.get("headers", {}).keys()):
            yield Break(pointer, f"The header {name} of the answer {code} is gone.")
        for kind, media in before.get("content", {}).items():
            found = now.get("content", {}).get(kind)
            if found is None:
                yield Break(pointer, f"The answer {code} of the type {kind} is gone.")
                continue
            place = f"{pointer}/content/{escape(kind)}/schema"
            places = Place(media.get("schema", {}), ""), Place(found.get("schema", {}), place)
            yield from Between(self.old, self.new, "output").breaks(*places, f"the answer {code}")


def is_open(operation: Document, document: Document) -> bool:
    """Tell whether strangers may call."""
    needed: Sequence[Document] = operation.get("security", document.get("security", []))
    return not needed or {} in needed


def style_of(parameter: Document) -> tuple[str, bool]:
    """Return how a parameter is written, the defaults of OpenAPI filled in."""
    style = str(parameter.get("style") or ("form" if parameter["in"] in ("query", "cookie") else "simple"))
    return style, bool(parameter.get("explode", style == "form"))


def is_required(parameter: Document, operation: Document) -> bool:
    """Tell whether a parameter has to be there."""
    return bool(parameter.get("required")) or parameter["name"] in operation.get("x-required", ())
