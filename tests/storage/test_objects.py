"""Blobs in a store that speaks S3."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from handlers.errors import StorageUnavailable
from handlers.storage import objects
from handlers.storage.blobs import open_blobs

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
URL = "s3://objects/blobs"  # moto has one set of buckets for all servers of a process, those of other tests among them
FORKS = """
import os, pathlib, sys, tempfile
from handlers.storage.blobs import open_blobs

def put(name):
    with tempfile.NamedTemporaryFile() as file:
        blobs.put(name, pathlib.Path(file.name))

blobs = open_blobs(sys.argv[1])
put("parent")
if os.fork() == 0:
    with blobs.open("parent"):
        put("child")
    os._exit(0)
assert os.wait()[1] == 0
blobs.open("child").close()
"""


@pytest.fixture(scope="module")
def store():
    """The environment in which a store of this machine is the one that is meant; it has a bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    fsspec.filesystem("s3", key="key", secret="secret", endpoint_url=url, skip_instance_cache=True).mkdir("objects")
    yield KEYS | {"AWS_ENDPOINT_URL": url}
    server.stop()


@pytest.fixture
def s3(store, monkeypatch):
    """Returns what makes the store, or whatever else listens at a URL, the one that is meant."""

    def use(**changes):
        for name, value in (store | changes).items():
            monkeypatch.setenv(name, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()

    use()
    yield use
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_a_fork_has_the_blobs_of_its_parent(store):
    """The process of a job, which is forked, reads and stores though its parent has done so before."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS, URL], env=os.environ | store, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_a_list_has_what_others_have_stored_since(s3, tmp_path):
    """No process remembers an older list."""
    path = tmp_path / "a"
    path.write_bytes(b"a")
    blobs = open_blobs(f"{URL}/listed")
    blobs.put("a", path)
    assert ["a"] == [stored.name for stored in blobs.list()]

    others = fsspec.filesystem("s3", skip_instance_cache=True)
    others.pipe("objects/blobs/listed/b", b"b")

    assert ["a", "b"] == sorted(stored.name for stored in blobs.list())


def test_a_silent_store_is_not_waited_for_without_end(s3, monkeypatch):
    """One that takes connections and says nothing counts as unreachable."""
    monkeypatch.setattr(objects, "ANSWER_S", 0.2)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        s3(AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")

        with pytest.raises(StorageUnavailable):
            open_blobs(URL).ping()

    assert time.monotonic() < began + 15


def test_a_store_that_is_not_there_is_told(s3):
    """Nobody listens: that is a store that cannot be reached, and no error of ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    s3(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")

    with pytest.raises(StorageUnavailable):
        open_blobs(URL).ping()
