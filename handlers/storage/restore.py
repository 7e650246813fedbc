"""Read what `backup` wrote: look at all of it first, then put it in the place of what is there.

Nothing is ever unpacked by the names in the file: rows go into tables that our own migrations made, and blobs through
the store, which takes no name that leads out of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Final

from sqlalchemy import Connection, select, table

from handlers.storage import dump, migrate
from handlers.storage.backup import BLOBS, FORMAT, MANIFEST, SUMS, TABLES, BackupError, Hashing, Manifest, Tar, sum_line
from handlers.storage.blobs import CHUNK_BYTES, Blobs, checked
from handlers.storage.sql import Database

TABLE: Final = re.compile(re.escape(TABLES) + r"([a-z][a-z0-9_]*)\.jsonl")
MANIFEST_CHUNKS: Final = 64  # longest manifest, in pieces of `CHUNK_BYTES`
DAMAGED: Final = (tarfile.TarError, EOFError, zlib.error)


def verify(path: Path) -> Manifest:
    """Read all of a backup, and return what it is.

    Raises:
        BackupError: It is none, it is damaged or incomplete, or it is of a version that this one does not know.
    """
    manifest: Manifest | None = None
    found_sums = ""
    with told_when_damaged(path), tempfile.TemporaryFile() as sums:
        for name, file in members(path):
            if manifest is not None:
                raise BackupError(f"{path} goes on after its end.")
            if name == MANIFEST:
                manifest = read_manifest(path, file)
            elif name == SUMS:
                found_sums = compare(path, file, sums)
            else:
                demand_name(path, name)
                sums.write(sum_line(digest(file), name))
    if manifest is None or manifest.sums != found_sums:
        raise BackupError(f"{path} is incomplete.")
    if not migrate.knows(manifest.revision):
        raise BackupError(f"{path} is of a newer Seamark: its tables are of the revision {manifest.revision}.")
    return manifest


def restore(path: Path, manifest: Manifest, database: Database, blobs: Blobs, folder: Path) -> None:
    """Put the state in a backup in the place of what is there; if that fails, what was there is there still.

    The blobs come first: until the tables change in one transaction, no row names them.

    Args:
        path: The backup.
        manifest: What `verify` said of it.
        database: Its tables are replaced.
        blobs: Those in the backup are added; what is there besides is left for those who collect orphans.
        folder: Where there is room for one blob at a time.

    Raises:
        BackupError, DumpError: It does not fit together after all.
        InsufficientStorage: There is no room for it.
    """
    blobs.demand(manifest.bytes)
    with told_when_damaged(path), tempfile.TemporaryDirectory(dir=folder) as spool:
        for name, file in members(path):
            if name.startswith(BLOBS):
                put(blobs, name.removeprefix(BLOBS), file, Path(spool) / "blob")
    with told_when_damaged(path), migrate.rebuilt(database, manifest.revision) as made:
        if load(path, made) != manifest.tables:
            raise BackupError(f"{path} has other tables than its manifest says.")


def put(blobs: Blobs, name: str, file: IO[bytes], spool: Path) -> None:
    """Store a blob."""
    with spool.open("wb") as target:
        shutil.copyfileobj(file, target, CHUNK_BYTES)
    blobs.put(name, spool)


def load(path: Path, connection: Connection) -> dict[str, int]:
    """Store the rows in the tables, which are empty; return how many each has got."""
    there = migrate.tables_of(migrate.revision_of(connection))
    stored = {}
    for name, file in members(path):
        if found := TABLE.fullmatch(name):
            if found[1] not in there:
                raise BackupError(f"There is no table {found[1]} at the revision of {path}.")
            shape = dump.shape_of(found[1], file.readline())
            stored[found[1]] = dump.load(connection, shape, file)
    return stored


def members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Give the files in a backup, to be read as they come.

    Raises:
        BackupError: It holds something else than files.
    """
    with Tar.open(path, "r|*") as tar:
        while (member := tar.next()) is not None:
            file = tar.extractfile(member) if member.isreg() else None
            if file is None:
                raise BackupError(f"{path} has {member.name[:200]!r} in it, which is no plain file.")
            yield member.name, file


@contextmanager
def told_when_damaged(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read on that it is damaged."""
    try:
        yield
    except tarfile.ReadError as error:
        raise BackupError(f"{path} is no backup, or was cut off.") from error
    except DAMAGED as error:
        raise BackupError(f"{path} is damaged ({error}).") from error


def read_manifest(path: Path, file: IO[bytes]) -> Manifest:
    """Return the manifest.

    Raises:
        BackupError: It is none of ours.
    """
    try:
        # One call for the whole would take the bound's memory, however short the manifest is.
        found = json.loads(b"".join(islice(iter(lambda: file.read(CHUNK_BYTES), b""), MANIFEST_CHUNKS)))
        if found["format"] != FORMAT:
            raise BackupError(f"{path} is of another format, {str(found['format'])[:100]!r}.")
        return Manifest(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise BackupError(f"{path} has a manifest that cannot be read.") from error


def compare(path: Path, listed: IO[bytes], found: IO[bytes]) -> str:
    """Return the sum of the sums in a backup, if they are those that were found.

    Raises:
        BackupError: A file is missing, or is not the one that was written.
    """
    found.seek(0)
    whole = hashlib.sha256()
    for wanted, there in zip_longest(listed, found):
        whole.update(wanted or b"")
        if wanted != there:
            name = (there or wanted or b"").decode(errors="replace").rstrip("\n").partition("  ")[2]
            raise BackupError(f"{path} is damaged: {name} is missing, or not as it was written.")
    return whole.hexdigest()


def digest(file: IO[bytes]) -> str:
    """Return the SHA-256 of a file."""
    hashing = Hashing(file)
    while hashing.read(CHUNK_BYTES):
        pass
    return hashing.hexdigest()


def demand_name(path: Path, name: str) -> None:
    """Refuse a file that could not be put anywhere.

    Raises:
        BackupError: It is neither a table nor a blob with a name that stays in the store.
    """
    if TABLE.fullmatch(name):
        return
    try:
        if name.startswith(BLOBS) and checked(name.removeprefix(BLOBS)) == name.removeprefix(BLOBS):
            return
    except ValueError:
        pass
    raise BackupError(f"{path} has {name[:200]!r} in it, which belongs nowhere.")


def occupied(database: Database, blobs: Blobs) -> str:
    """Return in words what would be replaced; nothing where there is nothing.

    Raises:
        BackupError: The database is of a version that this one does not know.
    """
    revision = migrate.current(database)
    if revision is not None and not migrate.knows(revision):
        raise BackupError(f"The database is of a newer Seamark: its tables are of the revision {revision}.")
    if revision is not None:
        with database.read() as connection:
            for shape in dump.shapes(connection, migrate.tables_of(revision)):
                if connection.execute(select(1).select_from(table(shape.name)).limit(1)).first():
                    return f"The database has rows in the table {shape.name}."
    if any(True for blob in blobs.list() if not blob.name.startswith(".")):
        return "The blob store has files in it."
    return ""
