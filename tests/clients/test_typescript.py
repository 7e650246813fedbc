"""TypeScript's clients, compiled and run in node against a server that is up."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.environments import node_with

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
STRICT = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--outDir", "made"]


def test_the_typescript_client_predicts(clients, served, tmp_path):
    """Files go under the names of the inputs, arrays come back typed, and a refusal names its place."""
    modules = node_with("typescript", HERE / "node")
    folder = shutil.copytree(clients / "typescript", tmp_path / "client")
    shutil.copy(HERE / "story.mts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(modules)

    run(folder, ["node", str(modules / "typescript" / "bin" / "tsc"), *STRICT, "story.mts"])
    (folder / "made" / "package.json").write_text('{"type": "module"}')
    story = json.loads(run(folder, ["node", "made/story.mjs", f"{served.url}/konduit"]))

    assert {
        "generated": [4, 6],
        "zip": "PK",
        "inputs": ["x", "y"],
        "outputs": {"total": ["Float32Array", 4, 6], "shape": [1, 2]},
        "typed": "RegressionOutput",
        "stacked": [2, 2],
        "refused": [400, "/y"],
    } == story


def run(folder, command):
    """Run a command and return what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
