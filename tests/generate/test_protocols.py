"""A controller that disagrees with its spec fails the type checker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.generate import ROOT

RIGHT = """
from collections.abc import Mapping
from typing import Any, NoReturn
from generated import petshop as api

def list_pets(*, limit: int, order: str, kind: api.Kind | None = None, bornafter: str | None = None,
              from_: float | None = None, ids: list[int] | None = None) -> api.ListPetsAnswer:
    return {"pets": [], "next": kind}

def add_pet(body: api.NewPet) -> tuple[api.Pet, int, dict[str, str]]:
    return {"id": 1, "name": body["name"]}, 201, {"Location": "/pets/1"}

def read_pet(petId: int) -> api.Pet | tuple[api.SharedPet, int]:
    return {"id": petId, "name": "Bello"}

def delete_pet(petId: int) -> None:
    pass

def put_photo(petId: int, body: api.PutPhotoBody) -> str:
    return f"{body['photo'].filename} {body['photo'].size}" + str(body["photo"].file.read())

class Stored:
    body: Any = b""
    status = 200
    headers: Mapping[str, str] = {}
    content_type = "image/png"

def get_photo(petId: int) -> Stored | bytes:
    return Stored()

def raw(body: object = None) -> NoReturn:
    raise LookupError

def nonce(userAddress: str | None = None) -> dict[str, Any]:
    return {"nonce": 1, "more": 2}
"""

WRONG = {
    "missing": ("def delete_pet(petId: int) -> None:\n    pass\n", ""),
    "argument_name": ("def delete_pet(petId: int)", "def delete_pet(pet_id: int)"),
    "argument_type": ("def read_pet(petId: int)", "def read_pet(petId: str)"),
    "further_argument": ("def delete_pet(petId: int)", "def delete_pet(petId: int, why: str)"),
    "optional_argument": ("kind: api.Kind | None = None", "kind: api.Kind"),
    "answer": ("def delete_pet(petId: int) -> None:\n    pass", "def delete_pet(petId: int) -> int:\n    return 1"),
    "member_type": ('{"id": petId, "name": "Bello"}', '{"id": "1", "name": "Bello"}'),
    "member_missing": ('{"id": petId, "name": "Bello"}', '{"id": petId}'),
    "member_unknown": ("body['photo'].size", "body['picture'].size"),
    "status": ('201, {"Location"', '"201", {"Location"'),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return which of the controllers, the right one and the wrong ones, mypy finds fault with."""
    folder = tmp_path_factory.mktemp("controllers")
    controllers = {"right": RIGHT} | {name: RIGHT.replace(old, new) for name, (old, new) in WRONG.items()}
    for name, text in controllers.items():
        (folder / f"{name}.py").write_text(text)
    claims = [f"import {name}; _{name}: PetshopOperations = {name}" for name in controllers]
    (folder / "claims.py").write_text("\n".join([*claims, "from generated.petshop import PetshopOperations"]))
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(folder / "cache"), "."]
    path = {"MYPYPATH": str(ROOT / "tests" / "golden")}
    done = subprocess.run(command, cwd=folder, env=os.environ | path, capture_output=True, text=True, check=False)
    assert "checked" in done.stdout, done.stdout + done.stderr
    places = [line.split(":")[:2] for line in done.stdout.splitlines() if ": error:" in line]
    return {list(controllers)[int(line) - 1] if file == "claims.py" else Path(file).stem for file, line in places}


def test_a_controller_like_its_protocol_passes(faulty: set[str]) -> None:
    """Values, tuples with status and headers, replies and exceptions all are answers."""
    assert "right" not in faulty


@pytest.mark.parametrize("name", WRONG)
def test_a_controller_that_disagrees_fails(faulty: set[str], name: str) -> None:
    """A missing function, another argument and another answer are type errors."""
    old, _ = WRONG[name]

    assert old in RIGHT
    assert name in faulty


def test_the_generated_modules_are_strict(tmp_path: Path) -> None:
    """The golden tree itself has no type error, and imports nothing of ours."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path), "generated"]

    done = subprocess.run(command, cwd=ROOT / "tests" / "golden", capture_output=True, text=True, check=False)

    assert "Success" in done.stdout, done.stdout
    for path in (ROOT / "tests" / "golden" / "generated").rglob("*.py"):
        assert "handlers" not in path.read_text("utf-8").replace("handlers.petshop", "")
