"""`--operations DIR`, with real processes."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.cli.conftest import Up, environment_for, seamark, wait_for

FUNCTION = """
def run(text: str) -> dict[str, object]:
    return {"answer": text.upper()}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with an operation that is built."""
    folder = tmp_path / "ops"
    made = seamark(
        environment_for(tmp_path / "home"),
        *("new", "operation", "shout", "--input", "text:string", "--output", "answer:string", "--in", folder),
    )
    assert 0 == made.returncode, made.stderr
    (folder / "shout.py").write_text(FUNCTION)
    return folder


@pytest.mark.long
def test_an_edit_is_served_once_it_is_right(tmp_path, folder):
    """`up --dev` starts anew with a function that agrees with its spec; until it does, the old one serves."""
    up = Up(tmp_path / "home", "--dev", "--operations", str(folder))
    log = (tmp_path / "home").with_suffix(".log")

    def shouted():
        try:
            return httpx.post(f"{up.url}/invoke/shout/invokesync", json={"text": "a"}).json()["outputs"]["answer"]
        except (httpx.TransportError, KeyError, json.JSONDecodeError):
            return None

    try:
        wait_for(up.ready)
        assert "A" == shouted()
        (folder / "shout.py").write_text(FUNCTION.replace("text: str", "text: int"))
        wait_for(lambda: "stays as it was until this is right" in log.read_text())
        assert "A" == shouted()
        (folder / "shout.py").write_text(FUNCTION.replace("upper()", "upper() + '!'"))
        wait_for(lambda: shouted() == "A!")
        job = httpx.post(f"{up.url}/invoke/shout/invokeasync", json={"text": "b"}, headers={"Prefer": "wait=30"}).json()
        assert {"answer": "B!"} == job["outputs"]
    finally:
        up.stop()


@pytest.mark.parametrize("command", ["up", "serve", "work"])
def test_what_is_wrong_is_said_before_anything_starts(tmp_path, folder, command):
    """A spec or a function that is wrong is told with its file, and no process is started for it."""
    (folder / "shout.py").write_text(FUNCTION.replace("text: str", "words: str"))
    spec = folder / "shout.yaml"

    disagrees = seamark(environment_for(tmp_path / "home"), command, "--operations", folder)
    spec.write_text(spec.read_text().replace("      summary:", "      nothing:", 1))
    faulty = seamark(environment_for(tmp_path / "home", operations_dir=folder), command)

    assert 1 == disagrees.returncode
    assert f"does not agree with {spec}: it does not take text; it takes words" in disagrees.stderr
    assert 1 == faulty.returncode
    assert f"{spec}:" in faulty.stderr
    assert "cannot be served until their specs are right." in faulty.stderr
    assert not (tmp_path / "home" / "seamark.sqlite").exists()
