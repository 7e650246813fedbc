"""The golden tree: a small spec with a bit of everything, and what is made of it.

When the tool is meant to write something else, rewrite the tree and read the difference before committing it:

    rm -r tests/golden/handlers && python -m tools.generate --specs tests/golden/specs
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.generate import ROOT
from tools.generate.tree import present

GOLDEN = ROOT / "tests" / "golden"
REWRITE = "rewrite it with `rm -r tests/golden/handlers && python -m tools.generate --specs tests/golden/specs`"


def files(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, by path."""
    return {path: (folder / path).read_bytes() for path in sorted(present(folder))}


@pytest.fixture(params=["0", "1", "4711"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return what the tool makes of the golden specs where there is nothing yet, with its sets in any order."""
    shutil.copytree(GOLDEN / "specs", tmp_path / "specs")
    command = [sys.executable, "-m", "tools.generate", "--specs", str(tmp_path / "specs")]
    environment = os.environ | {"PYTHONHASHSEED": request.param}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True)
    return tmp_path


def test_the_tree_is_golden(made: Path) -> None:
    """What the tool makes of the golden specs is, file by file, what is committed."""
    for folder in ("generated", "handlers"):
        expected = files(GOLDEN / folder)
        found = files(made / folder)
        assert sorted(expected) == sorted(found), REWRITE
        assert [] == [path for path in expected if expected[path] != found[path]], REWRITE


def test_what_is_written_for_people_is_clean(made: Path) -> None:
    """What people go on from has the form and the style of the rest of the house."""
    shutil.copy(ROOT / "pyproject.toml", made)
    (made / "handlers" / "__init__.py").write_text('"""Ours."""\n')

    for options in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *options, "handlers"]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stdout


def test_documents_are_whole() -> None:
    """A document that is served refers to nothing outside itself and knows the controller of each operation."""
    document = json.loads((GOLDEN / "generated" / "petshop.json").read_text("utf-8"))
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert "#/" in json.dumps(document)
    assert ".yaml#" not in json.dumps(document)
    assert {"handlers.petshop"} == {each["x-openapi-router-controller"] for each in operations if "operationId" in each}
    assert {"name": {"type": "string"}} == document["components"]["schemas"]["SharedPet"]["properties"]
