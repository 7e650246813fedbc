"""One whole server in this process, with a real queue and a real worker, for the property tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from onnx import helper

from handlers import observability, services
from handlers.app import create_app
from handlers.demo.keeper import deploy, setting_of
from handlers.settings import Settings
from handlers.storage import migrate
from tests.files.upstream import Upstream
from tests.jobs.conftest import RedisServer
from tests.nodes import Shop, devchain
from tests.pipelines.made import model_step, save_graph, write
from tests.property.computing import ComputeMarket
from tests.property.home import keep_at_home

ROOT = Path(__file__).parents[2]
PROVIDER_KEY = "0x" + "33" * 32


@pytest.fixture(scope="package")
def shop(tmp_path_factory):
    """A chain with a datatoken and two who have some."""
    with devchain(tmp_path_factory.mktemp("chain")) as node:
        yield Shop(node)


@pytest.fixture(scope="package")
def keeper(shop):
    """The contracts of service agreements."""
    return deploy(shop.node.ask, shop.seller, shop.provider)


@pytest.fixture(scope="package")
def upstream():
    """A server of files on this machine."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture(scope="package")
def pipeline(tmp_path_factory) -> Path:
    """The configuration of a pipeline that takes and gives what the API has words for, and of a large array."""
    folder = tmp_path_factory.mktemp("pipeline")
    node = helper.make_node("Identity", ["default"], ["output"])
    shape = ("rows", "columns")
    save_graph(folder / "same.onnx", [node], [("default", "DOUBLE", shape)], [("output", "DOUBLE", shape)])
    numpy.save(folder / "array.npy", numpy.arange(6.0).reshape(3, 2))
    numpy.save(folder / "unknown.npy", numpy.zeros(2))
    array = {"arrayPath": "array.npy", "unkVectorPath": "unknown.npy"}
    return write(folder, {"memMapConfig": array, "steps": [model_step("same.onnx")]})


@pytest.fixture(scope="package")
def settings(tmp_path_factory, shop, keeper, upstream, pipeline) -> Settings:
    """Settings of a server with a home of its own, which bears many calls; answers are checked against the spec."""
    home = tmp_path_factory.mktemp("home")
    many = dict.fromkeys(("calls_per_minute", "signed_calls_per_minute", "failures_per_minute"), 1_000_000)
    return Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        validate_responses=True,
        sync_timeout_s=20,
        provider_key=PROVIDER_KEY,
        chain_url=shop.node.url,
        keeper_contracts=setting_of(keeper.addresses),
        compute_jobs_per_order=1_000_000,
        ipfs_gateway=upstream.url,
        fetch_timeout_s=2,
        upload_wait_s=60,
        konduit=pipeline,
        **many,
    )


@pytest.fixture(scope="package")
def redis(settings):
    """The queue's Redis."""
    server = RedisServer(Path(settings.home))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="package")
def here(settings, redis):
    """The services of this process, over a migrated database."""
    started = services.start(settings)
    observability.start_metrics(settings)
    migrate.upgrade(started.database)
    keep_at_home(started)
    yield started
    started.close()


@pytest.fixture(scope="package")
def worker(here, settings):
    """A worker process that takes the jobs."""
    given = {"HOME": settings.home, "REDIS_URL": settings.redis_url, "PROVIDER_KEY": PROVIDER_KEY}
    environment = os.environ | {f"SEAMARK_{name}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "tests.property.work"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    yield process
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="package")
def app(here, worker, settings):
    """The web application."""
    return create_app(settings)


@pytest.fixture(scope="package")
def manager(here) -> str:
    """A token that may do everything."""
    return here.tokens.new("manager", ["manage"])[0]


@pytest.fixture(scope="package")
def compute_market(here, app, shop, upstream, keeper):
    """Data, algorithms, orders and agreements."""
    market = ComputeMarket(here, shop, upstream, keeper, app.test_client())
    yield market
    market.stop_all()
