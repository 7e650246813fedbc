"""The golden tree: a small spec with a bit of everything, and what is made of it.

When the tool is meant to write something else, rewrite the tree and read the difference before committing it:

    python -m tools.generate --specs tests/golden/specs --out tests/golden/generated
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.generate import ROOT
from tools.generate.tree import make_tree, present

GOLDEN = ROOT / "tests" / "golden"
REWRITE = "python -m tools.generate --specs tests/golden/specs --out tests/golden/generated"


def test_the_tree_is_golden() -> None:
    """What the tool makes of the golden specs is, file by file, what is committed."""
    made = make_tree(GOLDEN / "specs")

    committed = {path: (GOLDEN / "generated" / path).read_text("utf-8") for path in present(GOLDEN / "generated")}

    assert sorted(committed) == sorted(made), f"rewrite it with `{REWRITE}`"
    for path, text in made.items():
        assert committed[path] == text, f"{path} differs; rewrite it with `{REWRITE}`"


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_tree_does_not_depend_on_hashing(tmp_path: Path, seed: str) -> None:
    """Every process makes the same bytes, however it orders its sets."""
    command = [sys.executable, "-m", "tools.generate", "--specs", str(GOLDEN / "specs"), "--out", str(tmp_path)]

    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True)

    for path in present(GOLDEN / "generated"):
        assert (GOLDEN / "generated" / path).read_bytes() == (tmp_path / path).read_bytes()


def test_documents_are_whole() -> None:
    """A document that is served refers to nothing outside itself and knows the controller of each operation."""
    document = json.loads((GOLDEN / "generated" / "petshop.json").read_text("utf-8"))
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert ".yaml" not in json.dumps(document)
    assert {"handlers.petshop"} == {each["x-openapi-router-controller"] for each in operations if "operationId" in each}
    assert {"name": {"type": "string"}} == document["components"]["schemas"]["SharedPet"]["properties"]
