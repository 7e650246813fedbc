"""Blobs: bytes by name, in a folder or an object store (fsspec).

A blob appears whole or not at all: it is written under another name and moved when complete.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from handlers.errors import InsufficientStorage, StorageUnavailable
from handlers.storage import room
from handlers.storage.objects import FileSystem

CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 8 << 20  # what is read of an object at a time; s3fs would take 50 MiB for each reader
PART = ".part"  # ends the names of what is not complete


@dataclass(frozen=True)
class Stored:
    """A blob, or a part of one that was never completed, as a list has it."""

    name: str
    size: int  #: bytes
    changed: float  #: Unix seconds


class Blobs(Protocol):
    """Where bytes are kept by name; names are relative POSIX paths."""

    def put(self, name: str, source: Path) -> None:
        """Store the file *source* under *name*, replacing what was there.

        Raises:
            InsufficientStorage: There is no room for it; what was there is there still.
        """

    def demand(self, size: int) -> None:
        """Raise InsufficientStorage unless there is room for *size* bytes more."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Give every blob below *prefix*, and what was left of those that were never completed; in no order."""

    def open(self, name: str) -> BinaryIO:
        """Open a blob for reading.

        Raises:
            FileNotFoundError: There is no such blob.
        """

    def local(self, name: str, directory: Path) -> Path:
        """Return a path to the blob's bytes: its own file, or a copy made in *directory*. Never write to it."""

    def remove(self, name: str) -> None:
        """Remove a blob; one that is not there is no error."""

    def remove_all(self, prefix: str) -> None:
        """Remove every blob below *prefix*."""

    def ping(self) -> None:
        """Raise StorageUnavailable unless blobs can be written and read."""


def open_blobs(url: str, reserve: int = 0) -> Blobs:
    """Return the blobs at *url*: `file:///folder`, or any URL that fsspec knows.

    Args:
        url: Where they are.
        reserve: Free space to leave on the disk of a folder, in bytes.
    """
    if url.startswith("file://"):
        return FolderBlobs(Path(url.removeprefix("file://")), reserve)
    return RemoteBlobs(url)


def checked(name: str) -> str:
    """Return *name* if it is a plain relative path.

    Raises:
        ValueError: It is absolute, empty or leads upwards.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"{name!r} is no name of a blob.")
    return str(path)


class FolderBlobs:
    """Blobs in a folder of this machine."""

    def __init__(self, root: Path, reserve: int = 0) -> None:
        """Keep blobs below *root*, which is made when first needed, and leave *reserve* bytes of its disk free."""
        self.root = root
        self.reserve = reserve

    def path(self, name: str) -> Path:
        """Return where the blob *name* is kept."""
        return self.root / checked(name)

    def put(self, name: str, source: Path) -> None:
        """Store the file *source* under *name*, replacing what was there."""
        target = self.path(name)
        self.demand(source.stat().st_size)
        with told_when_full():
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._replacing(target) as partial:
                shutil.copyfile(source, partial)

    def demand(self, size: int) -> None:
        """Raise InsufficientStorage unless there is room for *size* bytes more."""
        room.demand(self.root, size, self.reserve)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Give every blob below *prefix*, and what was left of those that were never completed."""
        top = self.path(prefix) if prefix else self.root
        for folder, _, names in os.walk(top):
            for name in names:
                path = Path(folder, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:
                    continue  # somebody has just removed it
                yield Stored(path.relative_to(self.root).as_posix(), status.st_size, status.st_mtime)

    def open(self, name: str) -> BinaryIO:
        """Open a blob for reading."""
        return self.path(name).open("rb")

    def local(self, name: str, directory: Path) -> Path:
        """Return the blob's own file."""
        path = self.path(name)
        if not path.is_file():
            raise FileNotFoundError(name)
        return path

    def remove(self, name: str) -> None:
        """Remove a blob; one that is not there is no error."""
        self.path(name).unlink(missing_ok=True)

    def remove_all(self, prefix: str) -> None:
        """Remove every blob below *prefix*."""
        shutil.rmtree(self.path(prefix), ignore_errors=True)

    def ping(self) -> None:
        """Raise StorageUnavailable unless the folder can be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self._replacing(self.root / ".ping") as partial:
                partial.write_bytes(b"ping")
        except OSError as error:
            raise StorageUnavailable(f"Blobs cannot be written: {error.strerror}.") from error

    @contextmanager
    def _replacing(self, target: Path) -> Iterator[Path]:
        """Give a path beside *target*; what stands there at the end takes the target's place, on disk for good."""
        partial = target.with_name(f".{target.name[:64]}.{secrets.token_hex(6)}{PART}")
        try:
            yield partial
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


class RemoteBlobs:
    """Blobs at a URL that fsspec understands, such as s3://bucket/folder."""

    def __init__(self, url: str) -> None:
        """Connect lazily to the file system that *url* names."""
        self._system = FileSystem(url)

    @property
    def files(self) -> Any:
        """The file system, connected in this process."""
        return self._system.files

    @property
    def root(self) -> str:
        """Where in it the blobs are."""
        return self._system.root

    def path(self, name: str) -> str:
        """Return where the blob *name* is kept."""
        return f"{self.root.rstrip('/')}/{checked(name)}"

    def put(self, name: str, source: Path) -> None:
        """Store the file *source* under *name*; object stores show an object only when it is complete."""
        target = self.path(name)
        with told_when_full():
            self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(source), target)

    def demand(self, size: int) -> None:
        """Do nothing: such a store does not tell how much room there is."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Give every blob below *prefix*."""
        root = self.root.rstrip("/")
        top = self.path(prefix) if prefix else root
        if not self.files.exists(top):
            return
        for _, _, files in self.files.walk(top, detail=True):
            for path, about in ((about["name"], about) for about in files.values()):
                yield Stored(path.removeprefix(f"{root}/"), about["size"] or 0, changed_of(about))

    def open(self, name: str) -> BinaryIO:
        """Open a blob for reading."""
        file: BinaryIO = self.files.open(self.path(name), "rb", block_size=BLOCK_BYTES)
        return file

    def local(self, name: str, directory: Path) -> Path:
        """Return a copy of the blob in *directory*."""
        target = directory / secrets.token_hex(8)
        with self.open(name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK_BYTES)
        return target

    def remove(self, name: str) -> None:
        """Remove a blob; one that is not there is no error."""
        if self.files.exists(self.path(name)):
            self.files.rm_file(self.path(name))

    def remove_all(self, prefix: str) -> None:
        """Remove every blob below *prefix*."""
        if self.files.exists(self.path(prefix)):
            self.files.rm(self.path(prefix), recursive=True)

    def ping(self) -> None:
        """Raise StorageUnavailable unless the store answers and takes a blob."""
        try:
            with self.files.open(self.path(".ping"), "wb") as file:
                file.write(b"ping")
        except Exception as error:
            # What speaks to a store may have errors of its own for this: those of botocore are no OSError.
            raise StorageUnavailable("The blob store does not take a blob.") from error


@contextmanager
def told_when_full() -> Iterator[None]:
    """Turn the error of a full disk into a problem that says so."""
    try:
        yield
    except OSError as error:
        if room.is_full(error):
            raise InsufficientStorage("The disk of this server's files is full.") from error
        raise


def changed_of(about: Mapping[str, Any]) -> float:
    """Return when a file was changed, in Unix seconds: just now, where its file system does not tell.

    Each file system of fsspec has a word of its own for it.
    """
    words = ("LastModified", "last_modified", "mtime", "updated")
    found = next((about[word] for word in words if about.get(word) is not None), None)
    if isinstance(found, datetime):
        return found.timestamp()
    return float(found) if isinstance(found, int | float) else time.time()
