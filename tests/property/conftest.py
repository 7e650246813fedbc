"""One whole server in this process, with a real queue and a real worker, for the property tests."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest

from handlers import services
from handlers.app import create_app
from handlers.errors import Unavailable
from handlers.files.fetch import Fetcher, connect
from handlers.files.remote import Remote
from handlers.settings import Settings
from handlers.storage import migrate
from tests.files.upstream import Upstream
from tests.jobs.conftest import RedisServer
from tests.nodes import Shop, devchain
from tests.property.home import only_home

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A chain with a datatoken and two who have some."""
    with devchain(tmp_path_factory.mktemp("chain")) as node:
        yield Shop(node)


@pytest.fixture(scope="session")
def upstream():
    """A server of files on this machine."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture(scope="session")
def settings(tmp_path_factory, shop, upstream) -> Settings:
    """Settings of a server with a home of its own, which bears many calls; answers are checked against the spec."""
    home = tmp_path_factory.mktemp("home")
    many = dict.fromkeys(("calls_per_minute", "signed_calls_per_minute", "failures_per_minute"), 1_000_000)
    return Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        validate_responses=True,
        sync_timeout_s=20,
        provider_key="0x" + "33" * 32,
        chain_url=shop.node.url,
        ipfs_gateway=upstream.url,
        fetch_timeout_s=2,
        **many,
    )


@pytest.fixture(scope="session")
def redis(settings):
    """The queue's Redis."""
    server = RedisServer(Path(settings.home))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def here(settings, redis):
    """The services of this process, over a migrated database."""
    started = services.start(settings)
    migrate.upgrade(started.database)
    keep_at_home(started)
    yield started
    started.close()


def keep_at_home(here):
    """Let files be fetched from the server of files alone: whatever URL is made up, nobody else is called."""
    sources = here.shop._delivery._sources
    remote = Remote([ipaddress.ip_network("127.0.0.0/8")], resolve=only_home)
    sources._fetcher = Fetcher(remote, patience_s=2, connect=lambda to, wait_s: connect(only_home_at(to), wait_s))
    sources._file_systems = no_object_store


def only_home_at(where):
    """Refuse a connection to anybody else."""
    only_home(*where)
    return where


def no_object_store(ours, patience_s):
    """Have no object store."""
    raise Unavailable("There is no object store.")


@pytest.fixture(scope="session")
def worker(here, settings):
    """A worker process that takes the jobs."""
    environment = os.environ | {"SEAMARK_HOME": str(settings.home), "SEAMARK_REDIS_URL": settings.redis_url}
    command = [sys.executable, "-m", "tests.property.work"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    yield process
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def app(here, worker, settings):
    """The web application."""
    return create_app(settings)


@pytest.fixture(scope="session")
def manager(here) -> str:
    """A token that may do everything."""
    return here.tokens.new("manager", ["manage"])[0]
