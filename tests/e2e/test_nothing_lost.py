"""Kill any process at any moment: no job is lost, none is finished twice."""

import signal
import sqlite3
import threading
import time

import httpx
import psutil
import pytest

from tests.e2e.conftest import wait_for


def rows(server, query, *values):
    """Return what a query finds in the server's database."""
    connection = sqlite3.connect(f"file:{server.home}/seamark.sqlite?mode=ro", uri=True, timeout=20)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def attempts(server, job):
    """Return how often a job was taken up."""
    return rows(server, "SELECT attempt FROM jobs WHERE id = ?", job)[0][0]


def models_of(server, job):
    """Return how many assets a job has left."""
    return rows(server, "SELECT count(*) FROM assets WHERE job = ?", job)[0][0]


def running(server, job):
    """Tell whether a worker is well into a job."""
    return server.status("train-classifier", job)["progress"] >= 20


def test_a_killed_worker_loses_no_job(server, many_digits):
    """SIGKILL of the worker and of what it forked in mid-job: another attempt finishes it, once."""
    job = server.submit("train-classifier", dataset={"did": server.add(many_digits)}, target="digit")
    wait_for(lambda: running(server, job))

    for worker in server.processes("work"):
        for process in (*worker.children(recursive=True), worker):
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue

    assert "succeeded" == server.ended("train-classifier", job)["status"]
    assert 2 == attempts(server, job)
    assert 1 == models_of(server, job)


def test_a_killed_web_process_loses_no_accepted_job(server):
    """SIGKILL of the web processes amid submits: every job that was answered with 201 runs to its end, once."""
    accepted: list[str] = []
    stop = threading.Event()

    def submit():
        with httpx.Client(base_url=server.url, timeout=10) as client:
            while not stop.is_set():
                try:
                    answer = client.post("/invoke/hash/invokeasync", json={"to_hash": "x"})
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.status_code == 201:
                    accepted.append(answer.json()["jobid"])
                time.sleep(0.02)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(accepted) > 20)
    for process in server.processes("granian"):
        process.send_signal(signal.SIGKILL)
    seen = len(accepted)
    wait_for(lambda: len(accepted) > seen + 20)
    stop.set()
    for thread in threads:
        thread.join()

    total, done = 0, -1
    wait_for(lambda: rows(server, "SELECT count(*) FROM jobs WHERE status IN ('scheduled', 'running')") == [(0,)], 120)
    total, done = rows(server, "SELECT count(*), sum(status = 'succeeded' AND attempt = 1) FROM jobs")[0]
    assert total == done
    assert set(accepted) <= {row[0] for row in rows(server, "SELECT id FROM jobs")}


def test_a_killed_and_wiped_redis_loses_no_job(server):
    """SIGKILL of Redis with jobs waiting in it: the rows are queued again, and each runs once."""
    jobs = [server.submit("hash", to_hash=str(number)) for number in range(40)]

    for process in server.processes("redis-server"):
        process.send_signal(signal.SIGKILL)
    later = [server.submit("hash", to_hash=str(number)) for number in range(10)]

    results = [server.ended("hash", job, 120) for job in jobs + later]
    assert {"succeeded"} == {result["status"] for result in results}
    assert [(1,)] == rows(server, "SELECT DISTINCT attempt FROM jobs")


@pytest.mark.long
def test_a_cancelled_job_ends_its_processes(server, countless_digits):
    """`seamark job cancel` ends the process that works on the job; its worker takes the next one."""
    job = server.submit("train-classifier", dataset={"did": server.add(countless_digits)}, target="digit")
    wait_for(lambda: running(server, job))

    server.run("job", "cancel", job)

    assert "cancelled" == server.ended("train-classifier", job)["status"]
    assert 0 == models_of(server, job)
    assert "succeeded" == server.ended("hash", server.submit("hash", to_hash="next"))["status"]
