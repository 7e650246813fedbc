"""What git knows of this checkout."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path


class GitError(Exception):
    """git refused; the message says why."""


def untracked(folders: Sequence[Path]) -> list[Path]:
    """Return the files in *folders* that git does not have and would not ignore; none outside of a repository."""
    found = []
    for folder in folders:
        try:
            text = git(folder, "ls-files", "--others", "--exclude-standard", "-z")
        except GitError:
            continue  # no repository, so there is nobody who could miss them
        found += [folder / name for name in text.decode().split("\0") if name]
    return found


def last_tag(folder: Path) -> str | None:
    """Return the newest tag before the present commit; None if there is none."""
    try:
        return git(folder, "describe", "--tags", "--abbrev=0").decode().strip()
    except GitError:
        return None


def export(folder: Path, revision: str, target: Path) -> None:
    """Write what *folder* was at a revision into *target*.

    Raises:
        GitError: There is no such revision, or the folder was not there.
    """
    root = Path(git(folder, "rev-parse", "--show-toplevel").decode().strip())
    path = folder.resolve().relative_to(root.resolve()).as_posix()
    commit = git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    data = git(root, "archive", "--format=tar", f"{commit}:{path}")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(target, filter="data")


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in *folder* and return what it wrote.

    Raises:
        GitError: It failed, or is not installed.
    """
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}.") from error
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip())
    return done.stdout
