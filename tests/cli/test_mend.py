"""`seamark check --mend`: what an operator meets in the first week."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from handlers.settings import Settings
from tests.cli.conftest import SEAMARK, Up, alive, environment_for, seamark, wait_for
from tests.parts import missing

pytestmark = pytest.mark.long


@pytest.fixture
def home(tmp_path):
    """A home folder with tables and an asset, in which nothing runs."""
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    assert 0 == seamark(environment_for(folder), "asset", "add", table).returncode
    return folder


def check(home, *arguments, **settings):
    """Return the findings of some parts in words, and what was mended."""
    done = seamark(environment_for(home, **settings), "check", "--json", *arguments)
    answer = json.loads(done.stdout)
    return [f"{one['state']} {one['part']}: {one['detail']}" for one in answer["findings"]], answer["mended"]


def has(lines, words):
    """Tell whether a line begins with these words."""
    return any(line.startswith(words) for line in lines)


def test_an_empty_machine_is_made_ready(tmp_path):
    """The home folder and the tables are made, one after the other, and only then is all of that well."""
    before, _ = check(tmp_path / "new")

    after, done = check(tmp_path / "new", "--mend")

    assert has(before, "broken database")
    assert 2 == len(done)
    assert has(after, "ok database")
    assert 0o700 == (tmp_path / "new").stat().st_mode & 0o777
    assert {} == check(tmp_path / "new", "--mend")[1]


def test_what_others_could_read_is_closed(home):
    """The home folder and the token in it."""
    (home / "token").write_text("secret")
    (home / "token").chmod(0o644)
    home.chmod(0o755)

    before, _ = check(home)
    after, done = check(home, "--mend")

    assert has(before, "warning home: Others")
    assert has(before, "broken token")
    assert not has(after, "warning home")
    assert not has(after, "broken token")
    assert (0o600, 0o700) == ((home / "token").stat().st_mode & 0o777, home.stat().st_mode & 0o777)
    assert "secret" not in json.dumps(done)


def test_what_a_killed_server_leaves_is_removed(home):
    """The note of where it serves, and the socket of its Redis; those of a server that runs are left alone."""
    up = Up(home)
    children = up.find("")
    up.process.kill()
    up.process.wait()
    up.process.stdout.close()
    wait_for(lambda: not alive(children))
    address = Settings(home=home).runtime_dir / "redis.sock"  # elsewhere where the path of the home is long
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(address))

    before, _ = check(home)
    after, done = check(home, "--mend")

    assert has(before, f"warning home: {home}/up.json, {address} left by")
    assert not has(after, "warning home")
    assert [] == [path for path in (home / "up.json", address) if path.exists()]
    assert any("Removed" in words for words in done.values())


def test_tables_of_a_killed_server_are_removed(home):
    """Once they are a day old; one that may still be worked on stays."""
    old, new = home / "tables" / "seamark-batch-old", home / "tables" / "seamark-batch-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "table").write_text("x0\n1\n")
    os.utime(old, (0, 0))

    before, _ = check(home)
    after, done = check(home, "--mend")

    assert has(before, "warning home: 1 tables in")
    assert not has(after, "warning home")
    assert (False, True) == (old.exists(), new.exists())
    assert "Removed 1 tables." in str(done)


def test_a_running_server_has_nothing_to_mend(server):
    """Looking at it takes nothing from it."""
    home = server.environment["SEAMARK_HOME"]

    findings, done = check(home, "--mend")

    assert [] == [line for line in findings if not line.startswith("ok ")]
    assert {} == done
    assert server.ready()


def test_orphans_and_lost_files_are_told_apart(home):
    """A file without a row is removed; a row without its file is for a person to decide on."""
    kept = next(path for path in (home / "blobs" / "assets").rglob("*") if path.is_file())
    orphan = kept.with_name("orphan")
    orphan.write_text("nobody's")
    os.utime(orphan, (0, 0))
    kept.unlink()

    before, _ = check(home)
    after, done = check(home, "--mend")

    assert has(before, "warning blobs: 0 assets and 1 file (8 bytes) that nobody knows of")
    assert has(before, "broken blobs: The files of 1 asset are gone: did:op:")
    assert "Removed 0 assets and 1 file (8 bytes)." in done.values()
    assert has(after, "broken blobs")
    assert not has(after, "warning blobs")
    assert not orphan.exists()


def test_a_disk_at_its_reserve_is_told(home):
    """While new jobs are refused for want of room, that is what is broken."""
    findings, _ = check(home, disk_reserve_bytes=1 << 60)

    assert has(findings, "broken disk")


def test_a_damaged_database_is_told(home):
    """SQLite's own look at its file; what to do is restore a backup."""
    database = home / "seamark.sqlite"
    subprocess.run([sys.executable, "-c", CHECKPOINT, str(database)], check=True)
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40_000)

    findings, _ = check(home)

    assert has(findings, "broken database")


NOBODY = 65534

# The right to read all, and nothing else of root's: Python may lie below a home that is closed to others.
AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
]

CHECKPOINT = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')"


def test_a_port_that_another_program_has_is_told(home):
    """The web is not only not there, it could not start either."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        done = seamark(environment_for(home, port=other.getsockname()[1]), "check")

    assert "is in use; choose another" in done.stdout


def test_files_of_another_user_are_told(home):
    """Once somebody has run a command as root, the server's own user cannot write there: chown is named."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        missing("Only root, with setpriv, can make files of another user's.")
    place = Path(tempfile.mkdtemp(prefix="seamark-test-"))
    try:
        shutil.move(home, place / "home")
        for path in (place, place / "home"):
            os.chown(path, NOBODY, NOBODY)
        done = subprocess.run(
            [*AS_NOBODY, SEAMARK, "check", "--json"],
            env=environment_for(place / "home") | {"HOME": str(place)},
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(place)
    homes = [one for one in json.loads(done.stdout)["findings"] if one["part"] == "home"]

    assert ["ok", "broken"] == [one["state"] for one in homes]
    assert "seamark.sqlite" in homes[1]["detail"]
    assert homes[1]["mend"].startswith("sudo chown -R nobody ")


def test_people_are_told_what_was_done(home):
    """Line by line, before how things are now; and without --mend that it would help."""
    home.chmod(0o755)

    looked = seamark(environment_for(home), "check").stdout
    done = seamark(environment_for(home), "check", "--mend").stdout

    assert looked.endswith("`seamark check --mend` mends some of it.\n")
    assert done.startswith("mended   Others on this machine can look into")
    assert f"-> chmod 700 {home}." in done
