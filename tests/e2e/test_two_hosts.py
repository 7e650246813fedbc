"""Two hosts share the stores, and one of them is cut off: all jobs are done, once."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, closing

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.e2e.conftest import wait_for
from tests.e2e.hosts import Host, Stores
from tests.e2e.network import Network

API = "/api/v1/services"
JOBS = 200
KEY = "0x" + "22" * 32
ALGORITHM = {
    "rawcode": "import os; print(open(os.environ['INPUTS'] + '/' + os.listdir(os.environ['INPUTS'])[0] + '/0').read())",
    "url": "",
    "language": "python",
    "container": {"entrypoint": "python -I -S $ALGO", "image": "python", "tag": "3.11"},
}
SETTINGS = {
    "provider_key": "0x" + "33" * 32,
    "apis": "provider,metadata",
    "job_heartbeat_s": "0.5",
    "job_stale_s": "3",
    "sweep_s": "1",
    "calls_per_minute": "100000",
    "signed_calls_per_minute": "100000",
}


class Consumer:
    """Has things computed on any host."""

    def __init__(self):
        self.account = Account.from_key(KEY)
        self.address = self.account.address

    def sign(self, host, text):
        """Return the signature of a text and the nonce that a host tells."""
        nonce = host.client.get(f"{API}/nonce", params={"userAddress": self.address}).json()["nonce"]
        return "0x" + self.account.sign_message(encode_defunct(text=f"{text}{nonce}")).signature.hex()

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
        return {job["jobId"]: job for job in answer.json()}


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
def hosts(network, stores, tmp_path):
    """Two hosts that do jobs."""
    with ExitStack() as stack:
        made = [Host(name, network, stores, tmp_path, **SETTINGS) for name in ("one", "two")]
        for host in made:
            stack.callback(host.stop)
            host.start()
        yield made


def test_two_hosts(stores, hosts, network, tmp_path):
    """Try."""
    one, two = hosts
    data = tmp_path / "rows.csv"
    data.write_text("id,value\n1,5.1\n")
    did = one.publish(data)
    consumer = Consumer()
    t = time.time()
    jobs = [consumer.start(hosts[n % 2], did) for n in range(20)]
    print("submitted", time.time() - t)
    wait_for(lambda: stores.rows("SELECT count(*) FROM jobs WHERE status IN ('scheduled','running')") == [(0,)], 60)
    print("done", time.time() - t)
    print(stores.rows("SELECT id, status, attempt, worker, finished-started, results, problem FROM jobs"))
    print(Counter(job["status"] for job in consumer.jobs(two, did).values()))
    print(stores.objects("jobs")[:10])
