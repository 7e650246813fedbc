"""Blobs: bytes by name, in a folder or an object store (fsspec).

A blob appears whole or not at all: it is written under another name and moved when complete.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from handlers.errors import StorageUnavailable

CHUNK_BYTES = 1 << 20


class Blobs(Protocol):
    """Where bytes are kept by name; names are relative POSIX paths."""

    def put(self, name: str, source: Path) -> None:
        """Store the file *source* under *name*, replacing what was there."""

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


def open_blobs(url: str) -> Blobs:
    """Return the blobs at *url*: `file:///folder`, or any URL that fsspec knows."""
    if url.startswith("file://"):
        return FolderBlobs(Path(url.removeprefix("file://")))
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

    def __init__(self, root: Path) -> None:
        """Keep blobs below *root*, which is made when first needed."""
        self.root = root

    def path(self, name: str) -> Path:
        """Return where the blob *name* is kept."""
        return self.root / checked(name)

    def put(self, name: str, source: Path) -> None:
        """Store the file *source* under *name*, replacing what was there."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._replacing(target) as partial:
            shutil.copyfile(source, partial)

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
        partial = target.with_name(f".{target.name[:64]}.{secrets.token_hex(6)}.part")
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
        from fsspec.core import url_to_fs

        self.files, self.root = url_to_fs(url)

    def path(self, name: str) -> str:
        """Return where the blob *name* is kept."""
        return f"{self.root.rstrip('/')}/{checked(name)}"

    def put(self, name: str, source: Path) -> None:
        """Store the file *source* under *name*; object stores show an object only when it is complete."""
        target = self.path(name)
        self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
        self.files.put_file(str(source), target)

    def open(self, name: str) -> BinaryIO:
        """Open a blob for reading."""
        file: BinaryIO = self.files.open(self.path(name), "rb")
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
        except OSError as error:
            raise StorageUnavailable("The blob store does not take a blob.") from error
