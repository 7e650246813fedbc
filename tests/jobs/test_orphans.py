"""What no row names is removed once it is old enough, and nothing else ever."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest
from sqlalchemy import update

from handlers.assets.store import Assets
from handlers.errors import AssetNotFound
from handlers.jobs import orphans, transitions
from handlers.jobs.orphans import GRACE_S, Orphans
from handlers.jobs.tables import JobRow, Status
from handlers.storage.sql import now

OLD_S = GRACE_S + 60


@pytest.fixture
def assets(jobs):
    """The assets in the same store."""
    return Assets(jobs.database, jobs.blobs)


@pytest.fixture
def collector(jobs, assets):
    """What is tested."""
    return Orphans(jobs.database, jobs.blobs, assets)


@pytest.fixture
def file(tmp_path):
    """A file to store."""
    path = tmp_path / "file"
    path.write_text("contents")
    return path


def age(jobs):
    """Make all files that are there look old."""
    then = time.time() - OLD_S
    for stored in jobs.blobs.list():
        os.utime(jobs.blobs.path(stored.name), (then, then))


def a_job(jobs, status, results=None):
    """Store a job that ended so long ago, at its second attempt; or that is at it."""
    job = jobs.submit("quick", "x", {}, owner=None)
    with jobs.database.write() as connection:
        for _ in range(2):
            claimed = transitions.claim(connection, job.id, "worker", now())
            if status is Status.RUNNING or claimed.attempt == 2:
                break
            transitions.schedule_again(connection, claimed, now())
        if status is not Status.RUNNING:
            then = now() - timedelta(seconds=OLD_S)
            transitions.end(connection, claimed, status=status, finished=then, expires=now(), results=results)
    return job.id


def names(jobs):
    """Return the names of all files."""
    return {stored.name for stored in jobs.blobs.list()}


def test_a_file_that_no_row_names_goes(jobs, assets, collector, file):
    """Those of assets and of jobs' results stay, and so does what is none of ours."""
    kept = assets.add(file).blob
    ended, runs = a_job(jobs, Status.SUCCEEDED), a_job(jobs, Status.RUNNING)
    failed = a_job(jobs, Status.FAILED)
    named = {kept, f"jobs/{ended}/2/out", f"jobs/{runs}/1/out", "rooms/of/another/room"}
    orphaned = {
        "assets/" + "0" * 64 + "/0",
        f"{kept.rpartition('/')[0]}/lost",
        f"jobs/{ended}/1/out",
        f"jobs/{failed}/2/out",
        "jobs/none/1/out",
        f"jobs/{runs}/1/.out.0123.part",
    }
    for name in {*named, *orphaned} - {kept}:
        jobs.blobs.put(name, file)
    age(jobs)

    found = collector.collect(now())

    assert named == names(jobs)
    assert (len(orphaned), 8 * len(orphaned), 0) == (found.files, found.bytes, found.assets)


def test_a_young_file_may_be_one_whose_row_is_just_written(jobs, collector, file):
    """It stays, whoever names it."""
    jobs.blobs.put("assets/young/0", file)

    collector.collect(now())

    assert {"assets/young/0"} == names(jobs)


def test_an_asset_that_nobody_was_told_of_goes(jobs, assets, collector, file):
    """What an attempt registered that did not end the job is removed; what the job named stays, also once purged."""
    told = assets.add(file, job="later")
    job = a_job(jobs, Status.SUCCEEDED, {"model": {"did": told.did}})
    lost = assets.add(file, job=job)
    of_failed = assets.add(file, job=a_job(jobs, Status.FAILED))
    of_purged = assets.add(file, job=a_job(jobs, Status.SUCCEEDED, {}))
    of_running = assets.add(file, job=a_job(jobs, Status.RUNNING))
    with jobs.database.write() as connection:
        connection.execute(update(assets_table()).where(assets_table().c.did == told.did).values(job=job))
        connection.execute(update(JobRow).where(JobRow.id == of_purged.job).values(purged=now()))

    found = collector.collect(now())

    assert 2 == found.assets
    for asset in (told, of_purged, of_running):
        assets.open(assets.read(asset.did)).close()
    for asset in (lost, of_failed):
        with pytest.raises(AssetNotFound):
            assets.read(asset.did)
    assert {asset.blob for asset in (told, of_purged, of_running)} == names(jobs)


def assets_table():
    """Return the table of the assets."""
    from handlers.assets.store import TABLE

    return TABLE


def test_of_many_workers_one_collects(collector):
    """Each time it is due, one claim wins, and the next is an hour later."""
    start = now()
    assert not collector.claim(start)

    due = start + timedelta(seconds=orphans.EVERY_S)

    assert [True, False] == [collector.claim(due), collector.claim(due)]
    assert not collector.claim(due + timedelta(seconds=orphans.EVERY_S - 1))
    assert collector.claim(due + timedelta(seconds=orphans.EVERY_S))


def test_a_backup_holds_what_the_rows_name(jobs, assets, file):
    """And nothing that would be an orphan where it is restored."""
    kept = assets.add(file).blob
    ended = a_job(jobs, Status.SUCCEEDED)
    for name in (f"jobs/{ended}/1/out", f"jobs/{ended}/2/out", "assets/none/0"):
        jobs.blobs.put(name, file)

    with jobs.database.snapshot() as connection:
        found = set(orphans.named(connection, jobs.blobs))

    assert {kept, f"jobs/{ended}/2/out"} == found
