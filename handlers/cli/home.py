"""The folders of a server, and who holds them."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from filelock import FileLock, Timeout

from handlers.settings import Settings

if TYPE_CHECKING:
    from handlers.services import Services

PRIVATE: Final = 0o700


@contextmanager
def held(settings: Settings) -> Iterator[Path]:
    """Hold the home folder for one `up`; give the file in which to note where this one serves.

    Raises:
        ClickException: Another one holds it.
    """
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    lock, note = FileLock(home / "up.lock"), home / "up.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise click.ClickException(holder(home, note)) from None
    try:
        yield note
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def write_note(note: Path, url: str) -> None:
    """Note who holds the home folder."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    note.write_text(json.dumps({"pid": os.getpid(), "url": url, "since": since}))


def noted_url(settings: Settings) -> str | None:
    """Return where the `up` of this home says that it serves; None: none says so."""
    try:
        return str(json.loads((settings.home / "up.json").read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def holder(home: Path, note: Path) -> str:
    """Say who holds the home folder."""
    try:
        who = json.loads(note.read_text())
        words = f"process {who['pid']} serves {who['url']} since {who['since']}"
    except (OSError, ValueError, KeyError):
        words = "another process is just starting"
    return f"Seamark is already up in {home}: {words}. Stop it, or set SEAMARK_HOME to another folder."


def make_runtime_dir(settings: Settings) -> Path:
    """Make the folder for sockets, and see that it is ours alone.

    Raises:
        ClickException: It is somebody else's.
    """
    folder = settings.runtime_dir
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise click.ClickException(
            f"{folder} is somebody else's; remove it, or set SEAMARK_HOME to a folder of your own."
        )
    folder.chmod(PRIVATE)
    return folder


def first_key(settings: Settings) -> None:
    """Make the provider's key if there is none at all, so that files can be sealed; clients refuse one without it."""
    from handlers.keys import Keys, Keystore, new_key

    if not Keys(settings).exist:
        Keystore(settings.keystore).add(new_key(), settings.provider_password)


def first_token(services: Services) -> Path | None:
    """Make the management token if there is no token at all; return the file that holds it, if it was made now."""
    if services.tokens.list():
        return None
    secret, _ = services.tokens.new("admin", ["manage"])
    path = services.settings.home.resolve() / "token"
    partial = path.with_name(f".token.{secrets.token_hex(4)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
    partial.replace(path)
    return path
