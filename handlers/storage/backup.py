"""The whole state in one file, and back: the tables, and the blobs that they name.

    tables/<name>.jsonl   the rows of each table, as of one moment
    blobs/<name>          each blob that they name
    sums.sha256           the SHA-256 of each of these, as `sha256sum -c` reads it
    manifest.json         what this is, and the SHA-256 of the sums

It is a tar file, and may be compressed. The tables are read in one transaction, so that they agree with one another
while others write; the blobs are copied after it. Whatever was wrong with the file is found before anything is changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Literal

from sqlalchemy import Connection

from handlers.storage import dump, migrate
from handlers.storage.blobs import Blobs
from handlers.storage.sql import Database, now

FORMAT: Final = "seamark-backup 1"
TABLES: Final = "tables/"
BLOBS: Final = "blobs/"
SUMS: Final = "sums.sha256"
MANIFEST: Final = "manifest.json"

#: Gives the name of each blob that the rows name, as of a transaction.
Named = Callable[[Connection], Iterable[str]]


class BackupError(Exception):
    """A file is no backup that can be restored here; nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup is."""

    format: str
    created: str  #: RFC 3339, UTC
    revision: str  #: of the tables
    database: str  #: kind of database that they came from; they can go to any other
    tables: dict[str, int]  #: rows in each, in the order in which they can be stored
    blobs: int
    bytes: int  #: of tables and blobs together
    missing: list[str]  #: blobs that were gone when their turn came
    sums: str  #: SHA-256 of the sums


def write(path: Path, database: Database, blobs: Blobs, named: Named) -> Manifest:
    """Write a backup to *path*, which appears whole or not at all.

    Args:
        path: Compressed where its name ends in `gz`.
        database: May be written to meanwhile.
        blobs: Likewise; a blob that is removed meanwhile is left out and listed in the manifest.
        named: Which blobs the rows name.

    Raises:
        BackupError: The database has no tables yet.
        DumpError: A table cannot be written.
    """
    partial = path.with_name(f".{path.name[:64]}.{secrets.token_hex(6)}.part")
    mode: Literal["w|", "w|gz"] = "w|gz" if path.name.endswith("gz") else "w|"
    try:
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b") as file:
            with Tar.open(fileobj=file, mode=mode) as tar, tempfile.TemporaryDirectory(dir=path.parent) as spool:
                manifest = Writer(tar, Path(spool)).write(database, blobs, named)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


class Tar(tarfile.TarFile):
    """A tar file that is written or read from its beginning to its end."""

    members: list[tarfile.TarInfo]

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: Any = None) -> None:
        """Add a file, and forget it: there may be more of them than memory has room for."""
        super().addfile(tarinfo, fileobj)
        self.members.clear()

    def next(self) -> tarfile.TarInfo | None:
        """Return the next file and forget it, likewise."""
        found = super().next()
        self.members.clear()
        return found


class Writer:
    """Writes one backup."""

    def __init__(self, tar: Tar, spool: Path) -> None:
        """Write to *tar*, and keep in *spool* what has to be measured before."""
        self.tar = tar
        self.spool = spool
        self.sums = spool / "sums"
        self.bytes = 0
        self.blobs = 0
        self.missing: list[str] = []

    def write(self, database: Database, blobs: Blobs, named: Named) -> Manifest:
        """Write all of it."""
        created, names = now(), self.spool / "names"
        with database.snapshot() as connection:
            revision = migrate.revision_of(connection)
            if revision is None:
                raise BackupError("The database has no tables yet.")
            tables = dump.shapes(connection, migrate.tables_of(revision))
            rows = {shape.name: self.add_table(connection, shape) for shape in tables}
            with names.open("w") as file:
                file.writelines(json.dumps(name) + "\n" for name in named(connection))
            kind = connection.dialect.name
        with names.open() as file:
            for line in file:
                self.add_blob(blobs, json.loads(line))
        manifest = Manifest(
            format=FORMAT,
            created=created.isoformat().replace("+00:00", "Z"),
            revision=revision,
            database=kind,
            tables=rows,
            blobs=self.blobs,
            bytes=self.bytes,
            missing=self.missing,
            sums=self.add_sums(),
        )
        self.add_bytes(MANIFEST, json.dumps(asdict(manifest), indent=2).encode())
        return manifest

    def add_table(self, connection: Connection, shape: dump.Shape) -> int:
        """Add a table; return how many rows it has."""
        count, path = 0, self.spool / "table"
        with path.open("w+b") as file:
            file.write(shape.header())
            for line in dump.rows(connection, shape):
                file.write(line)
                count += 1
            file.seek(0)
            self.add(f"{TABLES}{shape.name}.jsonl", file, path.stat().st_size)
        return count

    def add_blob(self, blobs: Blobs, name: str) -> None:
        """Add a blob, or note that it is gone."""
        with tempfile.TemporaryDirectory(dir=self.spool) as folder:
            try:
                path = blobs.local(name, Path(folder))
                file = path.open("rb")
            except FileNotFoundError:
                self.missing.append(name)
                return
            # Whoever removes the blob now cannot take from us what is open.
            with file:
                self.add(BLOBS + name, file, os.fstat(file.fileno()).st_size)
        self.blobs += 1

    def add_sums(self) -> str:
        """Add the sums; return their own."""
        self.sums.touch()
        with self.sums.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            self.add_member(SUMS, file, self.sums.stat().st_size)
        return found

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a file that is in memory."""
        self.add_member(name, BytesIO(data), len(data))

    def add(self, name: str, file: BinaryIO, size: int) -> None:
        """Add a file, and its sum to the sums."""
        hashing = Hashing(file)
        self.add_member(name, hashing, size)
        self.bytes += size
        with self.sums.open("ab") as sums:
            sums.write(sum_line(hashing.hexdigest(), name))

    def add_member(self, name: str, file: Any, size: int) -> None:
        """Add a file."""
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(now().timestamp())
        self.tar.addfile(member, file)


class Hashing:
    """A file whose SHA-256 is known once it was read."""

    def __init__(self, file: BinaryIO | IO[bytes]) -> None:
        """Read *file*."""
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes."""
        data = self._file.read(size)
        self._digest.update(data)
        self.size += len(data)
        return data

    def hexdigest(self) -> str:
        """Return the sum of what was read."""
        return self._digest.hexdigest()


def sum_line(digest: str, name: str) -> bytes:
    """Return a line of the sums, in the form of `sha256sum`."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return f"{mark}{digest}  {escaped}\n".encode("utf-8", "surrogateescape")
