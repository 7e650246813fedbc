"""What `up` says once it serves."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.cli.output import table

ASK_S = 2.0


def alive(url: str) -> bool:
    """Tell whether the web answers."""
    try:
        ask(f"{url}/healthz")
    except OSError:
        return False
    return True


def ask(address: str) -> Any:
    """Return the JSON document at an address of our own web; no proxy stands between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=ASK_S) as answer:
        return json.load(answer)


def banner(url: str, home: Path, token: Path | None, notes: Sequence[str]) -> str:
    """Return what is served, and what to try.

    Args:
        url: Where the web answers.
        home: Where everything is kept.
        token: The file of the management token, if there is one.
        notes: What else is to be said.
    """
    apis = ask(f"{url}/openapi")["apis"]
    lines = [f"Seamark serves {url} (home: {home})", *notes, ""]
    lines += [f"  {line}" for line in served(apis)]
    lines += ["", "Try:", *(f"  {line}" for line in things_to_try(url, {api["name"]: api for api in apis}))]
    lines += ["", f"Documentation: {url}/docs   Metrics: {url}/metrics"]
    lines += [f"Management token: {token}"] if token else []
    return "\n".join([*lines, "Ctrl-C stops all of it."])


def served(apis: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of the APIs."""
    rows = [[api["name"], api["mount"], built(api["built"], api["operations"])] for api in apis]
    return table(["API", "MOUNTED AT", "BUILT"], rows)


def built(done: int, operations: int) -> str:
    """Say how far an API is built."""
    if done == operations:
        return "yes"
    return f"{done} of {operations} operations" if done else "not yet"


def things_to_try(url: str, apis: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield commands that can be pasted."""
    api = apis.get("invoke/hash")
    if api is not None:
        base = f"{url}{api['mount'].rstrip('/')}"
        inputs = """-H 'Content-Type: application/json' -d '{"to_hash": "hello"}'"""
        yield f"curl -s {base}/invokesync {inputs}"
        yield f"""curl -s "{base}/getstatus?jobid=$(curl -s {base}/invokeasync {inputs} | cut -d '"' -f 4)\""""
    yield f"curl -s {url}/openapi"
