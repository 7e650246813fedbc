"""Disks are watched, and a full one is told from any other trouble."""

import errno
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from handlers.errors import InsufficientStorage
from handlers.storage import room
from handlers.storage.blobs import FolderBlobs, RemoteBlobs


def test_what_is_kept_in_reserve_is_not_given_away(tmp_path, monkeypatch):
    """Up to the reserve there is room, one byte beyond there is none; without a reserve nobody looks."""
    monkeypatch.setattr(room, "free_bytes", lambda folder: 1000)

    room.demand(tmp_path, 600, 400)
    room.demand(tmp_path, 10_000, 0)

    with pytest.raises(InsufficientStorage, match=r"1000 bytes left, of which 400 bytes .* take 601 bytes"):
        room.demand(tmp_path, 601, 400)


def test_a_folder_that_is_still_to_be_made_is_on_the_disk_of_the_one_above(tmp_path):
    """What matters is where it will be."""
    assert room.free_bytes(tmp_path / "a" / "b") > 0


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")), True),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")), False),
        (OperationalError("INSERT", {}, Exception('could not extend file "x": No space left on device')), True),
    ],
)
def test_a_full_disk_is_told_from_other_trouble(error, full):
    """In the words of the system, of SQLite and of PostgreSQL."""
    assert full is room.is_full(error)


def test_a_blob_for_which_there_is_no_room_is_refused_before_it_is_written(tmp_path):
    """The store is as it was."""
    (tmp_path / "source").write_bytes(b"bytes")
    blobs = FolderBlobs(tmp_path / "blobs", reserve=1 << 60)

    with pytest.raises(InsufficientStorage):
        blobs.put("a/b", tmp_path / "source")

    assert [] == list(blobs.list())


@pytest.mark.parametrize("kind", ["folder", "fsspec"])
def test_blobs_are_listed_with_size_and_time(kind, tmp_path):
    """All below a prefix, in any store; where there is none there are no blobs."""
    stores = {"folder": FolderBlobs(tmp_path / "blobs"), "fsspec": RemoteBlobs(f"local://{tmp_path}/remote")}
    (tmp_path / "source").write_bytes(b"bytes")
    blobs = stores[kind]
    assert [] == list(blobs.list())
    for name in ("jobs/1/a", "jobs/2/b/c", "assets/d"):
        blobs.put(name, tmp_path / "source")

    found = {stored.name: stored for stored in blobs.list("jobs")}

    assert {"jobs/1/a", "jobs/2/b/c"} == set(found)
    assert {5} == {stored.size for stored in found.values()}
    now = (tmp_path / "source").stat().st_mtime
    assert all(now - 1 <= stored.changed <= now + 60 for stored in found.values())
    assert 3 == len(list(blobs.list()))
