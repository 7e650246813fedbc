"""The way of those who add to Seamark, in a checkout of their own: from the command to the answers."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import free_port, wait_for

ROOT = Path(__file__).parents[2]
PARTS = ("specs", "generated", "handlers", "tools", "tests/operations", "tests/typing", "setup.cfg", "pyproject.toml")

FUNCTION = '''"""The operation `count-lines`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handlers.operations.values import AssetFile, NewAsset


def run(a: str, dataset: AssetFile, *, directory: Path) -> dict[str, Any]:
    """Write how many lines of a data set hold a text."""
    with dataset.open() as file:
        found = sum(a.encode() in line for line in file)
    path = directory / "found.txt"
    path.write_text(str(found))
    return {"model": NewAsset(path=path)}
'''


class Checkout:
    """A copy of this checkout, and the commands of its people."""

    def __init__(self, root: Path) -> None:
        self.root = root
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEAMARK_")}
        self.environment = inherited | {"PYTHONPATH": str(root), "SEAMARK_HOME": str(root.parent / "home")}

    def run(self, module: str, *arguments: str, status: int = 0) -> str:
        """Run a program of Python and return what it printed."""
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert status == done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr

    def seamark(self, *arguments: str, status: int = 0) -> str:
        """Run the command."""
        return self.run("handlers.cli", *arguments, status=status)

    @contextmanager
    def serving(self, *arguments: str):
        """Serve, and give a client."""
        port = str(free_port())
        command = [sys.executable, "-m", "handlers.cli", *arguments, "--port", port]
        log = (self.root.parent / "server.log").open("w+")
        process = subprocess.Popen(command, cwd=self.root, env=self.environment, stdout=log, stderr=log)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

        def answers() -> bool:
            assert process.poll() is None, Path(log.name).read_text()
            try:
                return client.get("/healthz").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_for(answers, 60)
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(60)
            log.close()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout of its own, in git as a clone is."""
    root = tmp_path_factory.mktemp("work") / "seamark"
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / part, root / part)
    (root / "tests" / "__init__.py").touch()
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    return Checkout(root)


@pytest.fixture(scope="module")
def written(checkout):
    """What `seamark new operation` said."""
    inputs = ["--input", "a:string", "--input", "dataset:asset", "--output", "model:asset"]
    return checkout.seamark("new", "operation", "count-lines", *inputs, "--summary", "Count lines that hold a text.")


@pytest.mark.long
def test_a_new_operation_is_written_tested_and_served_both_ways(checkout, written):
    """Create, edit the function, serve, call: at once and as a job; documented like those that were there."""
    function = checkout.root / "handlers" / "operations" / "count_lines.py"
    test = "tests/operations/test_count_lines.py"

    assert "wrote generated/invoke/count-lines.json" in written
    assert "specs/invoke/count-lines.yaml  what it takes and gives" in written
    assert f"`pytest {test}`" in written
    assert "1 xfailed" in checkout.run("pytest", "-q", test)
    assert "def run(a: str, dataset: AssetFile, *, directory: Path) -> dict[str, Any]:" in function.read_text()

    function.write_text(FUNCTION)

    assert "1 xpassed" in checkout.run("pytest", "-q", test)
    dataset = checkout.root.parent / "rows.csv"
    dataset.write_text("ab\nb\nab\n")
    with checkout.serving("up") as client:
        did = checkout.seamark("asset", "add", str(dataset), "--json").partition('"did": "')[2].partition('"')[0]
        body = {"a": "a", "dataset": {"did": did}}

        at_once = client.post("/invoke/count-lines/invokesync", json=body)
        job = client.post("/invoke/count-lines/invokeasync", json=body, headers={"Prefer": "wait=30"}).json()
        refused = client.post("/invoke/count-lines/invokesync", json={"a": "a"})
        built = {api["name"]: api["built"] for api in client.get("/openapi").json()["apis"]}

        assert (200, 200, 400) == (at_once.status_code, 200 if job["status"] == "succeeded" else 0, refused.status_code)
        assert built["invoke/hash"] == built["invoke/count-lines"]
        for found in (at_once.json()["outputs"]["model"], job["outputs"]["model"]):
            document = client.get(f"/api/v1/aquarius/assets/ddo/{found['did']}")
            assert 200 == document.status_code


@pytest.mark.long
def test_what_was_written_keeps_to_the_house(checkout, written):
    """Style, form and generated files are as everywhere; the next who writes it is refused."""
    paths = ["handlers/operations/count_lines.py", "tests/operations/test_count_lines.py"]

    checkout.run("ruff", "check", *paths)
    checkout.run("ruff", "format", "--check", *paths)
    assert "is not in git." in checkout.seamark("generate", "--check", status=1)
    subprocess.run(["git", "add", "."], cwd=checkout.root, check=True)
    assert "" == checkout.seamark("generate", "--check")
    assert "already; nothing was written." in checkout.seamark("new", "operation", "count-lines", status=1)


def test_an_api_that_is_taken_in_is_served(checkout):
    """Its stubs answer 501 once a request is right, `--mock` answers from its schemas, and the contracts hold."""
    said = checkout.seamark("new", "api", str(ROOT / "tests" / "generate" / "data" / "ocean.yaml"))
    body = {"to_hash": "abcd", "saved_model": {"assetdid": "a" * 64}}

    assert "entered handlers.ocean into setup.cfg" in said
    paths = ["handlers/ocean.py", "tests/typing"]
    checkout.run("ruff", "check", *paths)
    checkout.run("ruff", "format", "--check", *paths)
    with checkout.serving("serve") as client:
        assert [501, 400] == [
            client.post("/v2/invokesync", json=each).status_code for each in (body, {"to_hash": 1, "saved_model": {}})
        ]
    with checkout.serving("serve", "--mock") as client:
        assert {"jobid": "text"} == client.post("/v2/invokeasync", json=body).json()
    (checkout.root / "claim.py").write_text(
        "import generated.ocean, handlers.ocean\n_ocean: generated.ocean.OceanOperations = handlers.ocean\n"
    )
    assert "Success" in checkout.run("mypy", "--strict", "--config-file=", "claim.py")
