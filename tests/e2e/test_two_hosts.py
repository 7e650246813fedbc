"""Two hosts share the stores, and one of them is cut off and comes back."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import text

from handlers.storage.sql import CONNECT_S, SILENCE_S, now
from tests.e2e.conftest import wait_for
from tests.e2e.hosts import Host, Stores
from tests.e2e.network import Network

pytestmark = pytest.mark.long

API = "/api/v1/services"
JOBS = 200
ALL_S = 240  # for all of them, on a machine that has other things to do
PATIENCE_S = SILENCE_S + CONNECT_S  # for one end of a connection to notice that the other is gone
KEY = "0x" + "22" * 32
DRAW = """
import os
inputs = [os.path.join(folder, name) for folder, _, names in os.walk(os.environ["INPUTS"]) for name in names]
lines = sum(len(open(path).readlines()) for path in inputs)
with open(os.path.join(os.environ["OUTPUTS"], "drawn.txt"), "w") as file:
    file.write(f"{lines} {os.urandom(16).hex()}")
"""
ALGORITHM = {
    "rawcode": DRAW,
    "url": "",
    "language": "python",
    "container": {"entrypoint": "python -I -S $ALGO", "image": "python", "tag": "3"},
}
SETTINGS = {
    "provider_key": "0x" + "33" * 32,
    "apis": "provider,ops,metadata",
    "job_heartbeat_s": "0.5",
    "job_stale_s": "3",
    "sweep_s": "1",
    "calls_per_minute": "100000",
    "signed_calls_per_minute": "100000",
}
HOLD = """
import sys, time
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from handlers.storage.sql import Database

with Database(sys.argv[1]).write() as connection:
    connection.execute(text("UPDATE held SET by = 'cut off'"))
    print("held", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    try:
        connection.execute(text("SELECT 1"))
    except OperationalError:
        print(time.monotonic() - began, flush=True)
        sys.exit(3)
"""


class Consumer:
    """Has things computed, on any host."""

    def __init__(self):
        self.account = Account.from_key(KEY)
        self.address = self.account.address

    def sign(self, host, words):
        """Return the signature of some words and the nonce that a host tells."""
        nonce = host.client.get(f"{API}/nonce", params={"userAddress": self.address}).json()["nonce"]
        return "0x" + self.account.sign_message(encode_defunct(text=f"{words}{nonce}")).signature.hex()

    def start(self, host, did):
        """Start a job on a host, and return its id."""
        said = {"documentId": did, "consumerAddress": self.address, "algorithmMeta": ALGORITHM, "output": {}}
        signed = {"signature": self.sign(host, self.address + did), "jobId": ""}
        answer = host.client.post(f"{API}/compute", json=said | signed)
        assert 200 == answer.status_code, answer.text
        return answer.json()[0]["jobId"]

    def jobs(self, host, did):
        """Return how all jobs on an asset stand, as a host tells it."""
        said = {"documentId": did, "consumerAddress": self.address, "signature": self.sign(host, self.address + did)}
        answer = host.client.get(f"{API}/compute", params=said)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    def results(self, host, did):
        """Return status and result of all jobs on an asset, by their ids, as a host gives them."""
        found = self.jobs(host, did)
        return {job["jobId"]: (job["status"], *map(host.fetch, job["resultsUrls"])) for job in found}


@pytest.fixture
def network():
    """A network, gone at the end."""
    with closing(Network()) as made:
        yield made


@pytest.fixture
def stores(network):
    """Stores that all hosts share."""
    with closing(Stores(network)) as started:
        yield started


@pytest.fixture
def hosts(request, network, stores, tmp_path):
    """Two hosts that take and do jobs."""
    settings = SETTINGS | getattr(request, "param", {})
    with ExitStack() as stack:
        made = [Host(name, network, stores, tmp_path, **settings) for name in ("one", "two")]
        for host in made:
            stack.callback(host.stop)
            host.start()
        for host in made:
            host.wait()
        yield made


@pytest.fixture
def holder(network, stores):
    """A process on a host of its own that locks a row, says so, and at the next line has one more question."""
    network.add("two")
    with stores.engine.begin() as connection:
        connection.execute(text("CREATE TABLE held (by text)"))
        connection.execute(text("INSERT INTO held VALUES ('nobody')"))
    command = [*network.inside("two"), sys.executable, "-c", HOLD, stores.database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def did(hosts, tmp_path):
    """An asset that may be computed on, and whose file lies in S3."""
    path = tmp_path / "rows.csv"
    path.write_text("id,value\n1,5.1\n")
    return hosts[0].publish(path)


def test_all_jobs_are_done_once_though_a_host_is_cut_off(network, stores, hosts, did):
    """200 jobs end, each with one result; the host that was away goes on, and both give out all results."""
    one, two = hosts
    consumer = Consumer()
    jobs = [consumer.start(hosts[number % 2], did) for number in range(60)]

    lost = cut_off_in_mid_job(network, stores, two)
    back = time.monotonic() + SILENCE_S + 2  # by then its connections are given up, on both sides
    jobs += [consumer.start(one, did) for _ in range(60)]
    wait_for(lambda: stores.rows("SELECT id FROM job_log WHERE job = :lost AND line LIKE '%fell silent%'", lost=lost))
    wait_for(lambda: time.monotonic() > back)
    network.mend("two")
    wait_for(lambda: works(stores, two, now()) or jobs.append(consumer.start(one, did)), every_s=0.2)
    jobs += [consumer.start(two, did) for _ in range(JOBS - len(jobs))]

    wait_for(lambda: stores.rows("SELECT id FROM jobs WHERE finished IS NULL") == [], ALL_S)
    assert_done_once(stores, hosts, jobs)
    of_one, of_two = (consumer.results(host, did) for host in hosts)
    assert of_one == of_two
    assert set(jobs) == set(of_one)
    assert {(6, "2")} == {(status, result.split()[0]) for status, result in of_one.values()}
    assert len(jobs) == len({result for _, result in of_one.values()})


@pytest.mark.parametrize("hosts", [{"job_stale_s": "15"}], indirect=True)
def test_a_host_that_is_back_soon_fails_no_job(network, stores, hosts, did):
    """Its job could not reach the stores, and is tried again; nobody has to take it over."""
    consumer = Consumer()
    jobs = [consumer.start(hosts[number % 2], did) for number in range(20)]

    cut_off_in_mid_job(network, stores, hosts[1])
    time.sleep(5)  # after three, a host that is not there is known not to be
    network.mend("two")

    wait_for(lambda: stores.rows("SELECT id FROM jobs WHERE finished IS NULL") == [], ALL_S)
    assert [("succeeded", len(jobs))] == stores.rows("SELECT status, count(*) FROM jobs GROUP BY status")
    assert [] == stores.rows("SELECT line FROM job_log WHERE line LIKE '%fell silent%'")
    assert all(host.lives() for host in hosts)


def test_nobody_waits_long_for_a_host_that_is_cut_off(network, stores, holder):
    """PostgreSQL takes back what it has locked, and its own side of the connection ends as soon."""
    assert "held\n" == holder.stdout.readline()

    network.cut("two")
    print(file=holder.stdin, flush=True)
    with stores.engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'"))
        assert 1 == connection.execute(text("UPDATE held SET by = 'another'")).rowcount

    answer, _ = holder.communicate(timeout=PATIENCE_S)
    assert (3, True) == (holder.returncode, float(answer) < PATIENCE_S)


def cut_off_in_mid_job(network, stores, host):
    """Pull a host's cable while it is at a job, and return that job's id."""
    begun = (
        "SELECT id FROM jobs WHERE status = 'running' AND worker LIKE :worker"
        " AND started > now() - interval '50 milliseconds'"
    )
    for _ in range(5):
        found = wait_for(lambda: stores.rows(begun, worker=host.workers), every_s=0.005)
        network.cut(host.name)
        if stores.rows("SELECT id FROM jobs WHERE status = 'running' AND id = :id", id=found[0][0]):
            return str(found[0][0])
        network.mend(host.name)
    pytest.fail("each job ended before the cable was pulled")


def works(stores, host, moment):
    """Tell whether a host's worker has begun a job in the last second before *moment*."""
    begun = "SELECT id FROM jobs WHERE worker LIKE :worker AND started > :moment - interval '1 second'"
    return bool(stores.rows(begun, worker=host.workers, moment=moment))


def assert_done_once(stores, hosts, jobs):
    """See that all jobs have succeeded, that only a lost worker had one begin anew, and that no worker died."""
    rows = stores.rows("SELECT id, status, attempt, results FROM jobs")
    assert sorted(jobs) == sorted(row[0] for row in rows)
    assert {"succeeded"} == {row[1] for row in rows}
    silent = stores.rows("SELECT job, count(*) FROM job_log WHERE line LIKE '%fell silent%' GROUP BY job")
    assert {row[0]: row[2] - 1 for row in rows if row[2] > 1} == dict(silent)
    kept = {file["blob"] for row in rows for file in row[3]["files"]}
    assert kept <= set(stores.objects("jobs"))
    ends = Counter(job for host in hosts for job in re.findall(r"job ended job=(\w+)", host.log.read_text()))
    assert {1} == set(ends.values())
    assert all(host.lives() for host in hosts)
