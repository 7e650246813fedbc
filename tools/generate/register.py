"""Enter a new controller where the house keeps its list of rooms."""

from __future__ import annotations

import re
from pathlib import Path

from handlers.spec.names import class_name

HOUSE, HTTP = "[importlinter:contract:house]", "[importlinter:contract:http]"


class NotRegisteredError(Exception):
    """A list is not as it was; the message says what to write into it."""


def register(root: Path, name: str) -> list[Path]:
    """Enter the controller `handlers.<name>` into the import contracts and the list of typed controllers.

    Returns:
        The files that changed.

    Raises:
        NotRegisteredError: A list cannot be found.
    """
    config, claims = root / "setup.cfg", root / "tests" / "typing" / "controllers.py"
    before = {path: path.read_bytes().decode() for path in (config, claims)}
    after = {config: forbid_http(add_room(before[config], name), name), claims: claim(before[claims], name)}
    changed = [path for path in before if before[path] != after[path]]
    for path in changed:
        path.write_bytes(after[path].encode())
    return changed


def rooms(config: str) -> set[str]:
    """Return the rooms of the house, those among them that are still to come."""
    return {room.strip(" ()") for line in layers(config) for room in line.split("|")}


def layers(config: str) -> list[str]:
    """Return the lines of the layers in setup.cfg."""
    section = config[config.index(HOUSE) :] if HOUSE in config else ""
    found = re.search(r"^layers\s*=\s*\n((?:[ \t]+.*\n?)+)", section, re.MULTILINE)
    return found[1].splitlines() if found else []


def add_room(config: str, name: str) -> str:
    """Return setup.cfg with a room beside the other controllers."""
    if name in rooms(config):
        return config
    line = next(
        (line for line in layers(config) if {"invoke", "manage"} <= {room.strip() for room in line.split("|")}), ""
    )
    if not line:
        raise NotRegisteredError(f"setup.cfg has no layer of controllers under {HOUSE}; enter {name} there.")
    return config.replace(line, f"{line.rstrip()} | {name}", 1)


def forbid_http(config: str, name: str) -> str:
    """Return setup.cfg with a controller among those who know nothing of Flask."""
    entry, last = f"    handlers.{name}\n", "    handlers.manage\n"
    start = config.find(HTTP)
    place = config.find(last, start)
    if start < 0 or place < 0:
        raise NotRegisteredError(f"setup.cfg has no list of controllers under {HTTP}; enter handlers.{name} there.")
    end = config.find("\n[", start)
    if entry in config[start : end if end > 0 else len(config)]:
        return config
    return config[: place + len(last)] + entry + config[place + len(last) :]


def claim(text: str, name: str) -> str:
    """Return the list of typed controllers with one more."""
    line = f"_{name}: generated.{name}.{class_name(name)}Operations = handlers.{name}\n"
    if line in text:
        return text
    for start in (f"import generated.{name}\n", f"import handlers.{name}\n", line):
        text = insert(text, start)
    return text


def insert(text: str, line: str) -> str:
    """Return *text* with *line* among its like, in their order."""
    kind = re.match(r"import generated\.|import handlers\.|_", line)
    assert kind is not None, "it is one of the three"
    like = [each for each in text.splitlines(keepends=True) if each.startswith(kind[0])]
    if not like:
        raise NotRegisteredError(f"tests/typing/controllers.py has no line like `{line.strip()}`; write it there.")
    after = [each for each in like if each > line]
    if after:
        return text.replace(after[0], line + after[0], 1)
    last = like[-1] if like[-1].endswith("\n") else f"{like[-1]}\n"
    return text.replace(like[-1], last + line, 1)
