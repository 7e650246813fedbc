"""A backup holds the whole state as of one moment, and what is wrong with one is found before anything changes."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import threading
import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from handlers.errors import InsufficientStorage
from handlers.jobs.tables import JobLogRow, JobRow, Status
from handlers.storage import backup, migrate, restore
from handlers.storage.backup import BackupError
from handlers.storage.blobs import FolderBlobs
from handlers.storage.dump import DumpError
from handlers.storage.facts import FactRow
from handlers.storage.sql import Base, Database, now
from tests.jobs.conftest import database_url  # noqa: F401 - a fixture


@pytest.fixture
def database(database_url):  # noqa: F811 - the fixture
    """A database with all tables, of each kind."""
    made = Database(database_url)
    migrate.upgrade(made)
    yield made
    made.close()


@pytest.fixture
def blobs(tmp_path):
    """An empty blob store."""
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def other(tmp_path):
    """An empty SQLite database in a file of its own, and an empty blob store."""
    made = Database(f"sqlite:///{tmp_path}/other/seamark.sqlite")
    yield made, FolderBlobs(tmp_path / "other" / "blobs")
    made.close()


def put(blobs, name, data, folder):
    """Store *data* as a blob."""
    (folder / "source").write_bytes(data)
    blobs.put(name, folder / "source")


def fill(database):
    """Store rows with values of every kind, missing ones, and texts that are hard to write down."""
    row = dict.fromkeys(column.name for column in JobRow.__table__.columns) | {
        "kind": "invoke",
        "subject": 'ünï "quoted"\n\\ \u2028',
        "inputs": {"big": 2**60, "text": "日本", "none": None},
        "status": Status.SUCCEEDED,
        "attempt": 1,
        "progress": 100,
        "message": "",
        "created": now(),
        "queued": now() - timedelta(days=1, microseconds=1),
    }
    with database.write() as connection:
        connection.execute(
            insert(JobRow), [row | {"id": "a", "results": {"x": [1.5]}}, row | {"id": "b", "inputs": None}]
        )
        lines = [{"job": "a", "attempt": 1, "time": now(), "line": f"line {number}"} for number in range(2500)]
        connection.execute(insert(JobLogRow), lines)


def state(database):
    """Return all rows of all tables, as those that have models give them."""
    with database.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=str)
            for table in Base.metadata.sorted_tables
        }


def write(path, database, blobs, *names):
    """Write a backup in which the rows name the blobs *names*."""
    return backup.write(path, database, blobs, lambda _: names)


def rewritten(path, change):
    """Write a backup anew: *change* gives the name and the data that each file gets; None leaves it out."""
    target = path.with_name("changed.tar")
    with tarfile.open(path) as old, tarfile.open(target, "w") as new:
        for member in old:
            changed = change(member.name, old.extractfile(member).read())
            if changed is not None:
                member.name, data = changed
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return target


@pytest.mark.parametrize("name", ["state.tar", "state.tar.gz"])
def test_what_was_written_comes_back_in_another_database(name, database, blobs, other, tmp_path):
    """All rows and the named blobs are the same afterwards, whatever kind of database they came from."""
    fill(database)
    put(blobs, "assets/1", b"\0\1\2" * 100_000, tmp_path)
    put(blobs, "unnamed", b"not in it", tmp_path)

    written = write(tmp_path / name, database, blobs, "assets/1")
    found = restore.verify(tmp_path / name)
    restore.restore(tmp_path / name, found, *other, tmp_path)

    assert written == found
    assert state(database) == state(other[0])
    assert ["assets/1"] == [stored.name for stored in other[1].list()]
    assert b"\0\1\2" * 100_000 == other[1].path("assets/1").read_bytes()
    assert 0o600 == (tmp_path / name).stat().st_mode & 0o777


def test_a_state_from_elsewhere_replaces_the_one_that_is_there(database, blobs, other, tmp_path):
    """After a restore there is nothing left of the rows before, and new rows are numbered on."""
    migrate.upgrade(other[0])
    fill(other[0])
    write(tmp_path / "state.tar", *other)
    with database.write() as connection:
        connection.execute(insert(FactRow).values(name="old", value="state"))

    assert "facts" in restore.occupied(database, blobs)
    restore.restore(tmp_path / "state.tar", restore.verify(tmp_path / "state.tar"), database, blobs, tmp_path)

    assert state(other[0]) == state(database)
    with database.write() as connection:
        line = {"job": "a", "attempt": 1, "time": now(), "line": "one more"}
        assert 2501 == connection.execute(insert(JobLogRow).values(line).returning(JobLogRow.id)).scalar_one()


def test_a_backup_is_of_one_moment(database, blobs, tmp_path):
    """While another process keeps two tables equal, no backup catches them unequal."""
    fill(database)
    with database.write() as connection:
        connection.execute(insert(FactRow).values(name="count", value="0"))
    stop = threading.Event()

    def keep_writing():
        number = 0
        while not stop.is_set():
            number += 1
            with database.write() as connection:
                connection.execute(update(FactRow).values(value=str(number)))
                connection.execute(update(JobRow).where(JobRow.id == "a").values(message=str(number)))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        pairs = [
            read_pair(write(path, database, blobs) and path) for path in (tmp_path / f"{n}.tar" for n in range(10))
        ]
    finally:
        stop.set()
        writer.join()

    assert [] == [pair for pair in pairs[1:] if pair[0] != pair[1]]
    assert len(set(pairs)) > 1


def read_pair(path):
    """Return the two numbers that have to be equal."""
    with tarfile.open(path) as tar:
        facts = tar.extractfile("tables/facts.jsonl").read().splitlines()
        jobs = tar.extractfile("tables/jobs.jsonl").read().splitlines()
    place = list(json.loads(jobs[0])["columns"]).index("message")
    return json.loads(facts[1])[1], next(row[place] for row in map(json.loads, jobs[1:]) if row[0] == "a")


def test_a_blob_that_is_gone_is_noted(database, blobs, tmp_path):
    """The others are there, and the manifest names the one that is not."""
    put(blobs, "there", b"there", tmp_path)

    manifest = write(tmp_path / "state.tar", database, blobs, "gone", "there")

    assert (["gone"], 1) == (manifest.missing, manifest.blobs)
    assert manifest == restore.verify(tmp_path / "state.tar")


def test_the_sums_are_those_of_sha256sum(database, blobs, tmp_path):
    """Whoever has nothing but a shell can look whether a backup is whole, strange names among them."""
    put(blobs, "back\\slash and\nline", b"x", tmp_path)
    write(tmp_path / "state.tar", database, blobs, "back\\slash and\nline")
    with tarfile.open(tmp_path / "state.tar") as tar:
        tar.extractall(tmp_path / "out", filter="data")

    done = subprocess.run(["sha256sum", "-c", "sums.sha256"], cwd=tmp_path / "out", capture_output=True, check=False)

    assert 0 == done.returncode, done.stdout


def test_a_backup_that_fails_leaves_the_one_before(database, blobs, tmp_path):
    """The file appears whole or not at all."""
    path = tmp_path / "state.tar"
    write(path, database, blobs)
    before = path.read_bytes()

    with pytest.raises(ZeroDivisionError):
        backup.write(path, database, blobs, lambda _: [1 / 0])

    assert before == path.read_bytes()
    assert [] == [found for found in tmp_path.iterdir() if found.name.startswith(".")]


def flip(name, data):
    """Change a bit of a blob."""
    return name, bytes([data[0] ^ 1]) + data[1:] if name == "blobs/one" else data


def renamed(new):
    """Give a blob another name."""
    return lambda name, data: (new if name == "blobs/one" else name, data)


def without(missing):
    """Leave out a file."""
    return lambda name, data: None if name == missing else (name, data)


def manifest_with(**members):
    """Change the manifest."""

    def change(name, data):
        return name, json.dumps(json.loads(data) | members).encode() if name == "manifest.json" else data

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip, "damaged: blobs/one"),
        (renamed("blobs/two"), "damaged: blobs/two"),
        (renamed("blobs/../../../etc/cron.d/x"), "belongs nowhere"),
        (renamed("blobs//etc/cron.d/x"), "belongs nowhere"),
        (renamed("/etc/cron.d/x"), "belongs nowhere"),
        (renamed("tables/no such.jsonl"), "belongs nowhere"),
        (without("blobs/one"), "damaged: blobs/one"),
        (without("tables/jobs.jsonl"), "damaged: tables"),
        (without("sums.sha256"), "incomplete"),
        (without("manifest.json"), "incomplete"),
        (manifest_with(sums="0" * 64), "incomplete"),
        (manifest_with(revision="9999"), "newer Seamark"),
        (manifest_with(format="seamark-backup 2"), "another format"),
        (manifest_with(more=1), "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_backup_is_found_first(change, words, blobs, other, tmp_path):
    """Damage, foreign names and other versions are told apart, before anything is changed."""
    migrate.upgrade(other[0])
    put(blobs, "one", b"one", tmp_path)
    write(tmp_path / "state.tar", other[0], blobs, "one")

    with pytest.raises(BackupError, match=words):
        restore.verify(rewritten(tmp_path / "state.tar", change))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_nothing_but_plain_files_is_taken(kind, tmp_path):
    """A link or a device is no part of a backup."""
    with tarfile.open(tmp_path / "state.tar", "w") as tar:
        member = tarfile.TarInfo("blobs/one")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)

    with pytest.raises(BackupError, match="no plain file"):
        restore.verify(tmp_path / "state.tar")


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_a_backup_that_was_cut_off_is_refused(suffix, other, tmp_path):
    """Wherever it ends, it is not taken for a whole one."""
    migrate.upgrade(other[0])
    path, cut = tmp_path / f"state.{suffix}", tmp_path / f"cut.{suffix}"
    write(path, *other)
    data = path.read_bytes().rstrip(b"\0")

    for part in range(1, 20):
        cut.write_bytes(data[: len(data) * part // 20])
        with pytest.raises(BackupError):
            restore.verify(cut)


def test_a_restore_that_fails_changes_nothing(database, blobs, other, tmp_path):
    """Rows that do not fit are noticed in the transaction that would have stored them."""
    fill(database)
    before = state(database)
    migrate.upgrade(other[0])
    fill(other[0])
    manifest = write(tmp_path / "state.tar", *other)

    def cut(name, data):
        return name, data + data[-50:] if name == "tables/job_log.jsonl" else data

    with pytest.raises(DumpError, match="job_log"):
        restore.restore(rewritten(tmp_path / "state.tar", cut), manifest, database, blobs, tmp_path)

    assert before == state(database)


def test_an_older_state_is_brought_up_to_date(database, blobs, other, tmp_path):
    """Rows of the first revision get the columns that came later."""
    with migrate.rebuilt(other[0], "0001") as connection:
        columns = {name for (name,) in connection.exec_driver_sql("SELECT name FROM pragma_table_info('tokens')")}
        row = {"id": "t", "name": "ann", "digest": "d", "scopes": "[]", "created": "2026-01-02 03:04:05.000006"}
        names, binds = ", ".join(row), ", ".join("?" * len(row))
        connection.exec_driver_sql(f"INSERT INTO tokens ({names}) VALUES ({binds})", tuple(row.values()))  # noqa: S608
        manifest = backup_inside(connection, tmp_path)

    restore.restore(tmp_path / "old.tar", manifest, database, blobs, tmp_path)

    assert "account" not in columns
    assert [] == migrate.pending(database)
    assert [("t", "ann", None)] == [(row[0], row[1], row[-1]) for row in state(database)["tokens"]]


def backup_inside(connection, folder):
    """Write a backup of what a transaction that is not yet committed sees."""

    class Inside:
        def snapshot(self):
            from contextlib import nullcontext

            return nullcontext(connection)

    return backup.write(folder / "old.tar", Inside(), FolderBlobs(folder / "none"), lambda _: ())


def test_a_restore_that_has_no_room_is_refused(blobs, other, tmp_path):
    """What is kept in reserve on the disk is not used up by a restore."""
    migrate.upgrade(other[0])
    manifest = write(tmp_path / "state.tar", *other)

    with pytest.raises(InsufficientStorage):
        restore.restore(tmp_path / "state.tar", manifest, other[0], FolderBlobs(tmp_path / "full", 1 << 60), tmp_path)


def test_many_blobs_take_no_more_memory_than_few(blobs, other, tmp_path):
    """Neither writing nor looking keeps anything of each blob in memory."""
    migrate.upgrade(other[0])
    put(blobs, "one", b"one", tmp_path)
    tracemalloc.start()

    backup.write(tmp_path / "state.tar", other[0], blobs, lambda _: ("one" for _ in range(3000)))
    restore.verify(tmp_path / "state.tar")

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_a_store_is_occupied_by_files_too(other):
    """Blobs that no row names here may be those of another database."""
    database, blobs = other
    blobs.root.mkdir(parents=True)
    (blobs.root / ".ping").touch()
    assert "" == restore.occupied(database, blobs)

    (blobs.root / "file").touch()

    assert "files" in restore.occupied(database, blobs)
