"""What the commands say of the pipeline that SEAMARK_KONDUIT names."""

from __future__ import annotations

import json

import httpx
import numpy
import pytest

from tests.cli.conftest import Up, environment_for, seamark
from tests.pipelines.made import python_step, write

STEP = python_step("c = a + b", {"a": "INT", "b": "INT"}, {"c": "INT"})


def looked_at(folder, document):
    """Return what `seamark check` finds of a pipeline."""
    environment = environment_for(folder / "home", konduit=write(folder, document))
    done = seamark(environment, "check", "--json")
    found = json.loads(done.stdout)["findings"]
    (one,) = (finding for finding in found if finding["part"] == "pipeline")
    return one["state"], one["detail"]


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("up", "--port", "0")], ids=["serve", "up"])
@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"steps": [{**STEP, "@type": "NoStep"}]}, "/steps/0/@type: There is no kind of step 'NoStep'"),
        ({"steps": []}, "There is no step"),
        ({"memMapConfig": {"arrayPath": "../a.npy"}}, "/memMapConfig/arrayPath: This path leads out"),
    ],
)
def test_a_configuration_with_a_fault_is_not_served(tmp_path, command, document, words):
    """The fault is told in a line, with its JSON pointer and without a traceback, and the exit code is 1."""
    environment = environment_for(tmp_path / "home", konduit=write(tmp_path, document))

    done = seamark(environment, *command)

    assert 1 == done.returncode
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "http://" not in done.stdout


def test_a_configuration_that_is_not_there_is_told(tmp_path):
    """By its name, which may be misspelt."""
    done = seamark(environment_for(tmp_path / "home", konduit=tmp_path / "none.yaml"), "serve", "--port", "0")

    assert 1 == done.returncode
    assert f"SEAMARK_KONDUIT, {tmp_path / 'none.yaml'}: The configuration cannot be read" in done.stderr


def test_check_says_what_a_pipeline_takes_and_gives(tmp_path):
    """It is loaded for that, as the server does it."""
    assert ("ok", "default -> default") == looked_at(tmp_path, {"steps": [STEP]})


def test_check_says_what_cannot_be_loaded(tmp_path):
    """What only loading shows has its place."""
    code = STEP["pythonConfigs"]["default"] | {"pythonCode": "c ="}

    state, detail = looked_at(tmp_path, {"steps": [STEP | {"pythonConfigs": {"default": code}}]})

    assert "broken" == state
    assert "/steps/0/pythonConfigs/default/pythonCode: This is no Python" in detail


@pytest.mark.long
def test_a_misspelt_member_is_told(tmp_path):
    """By `check` and at the start, with its place; the pipeline is served all the same."""
    path = write(tmp_path, {"steps": [STEP], "servingConfg": {}})
    environment = environment_for(tmp_path / "home", konduit=path)
    words = "/servingConfg is not read; 'servingConfig' would be."

    found = json.loads(seamark(environment, "check", "--json").stdout)["findings"]
    up = Up(tmp_path / "home", konduit=str(path))
    up.stop()

    told = [(one["state"], one["detail"]) for one in found if one["part"] == "pipeline"]
    assert [("ok", "default -> default"), ("warning", words)] == told
    assert f"SEAMARK_KONDUIT, {path}: {words}" in (tmp_path / "home.log").read_text()


@pytest.mark.long
def test_check_says_what_a_large_array_is(tmp_path):
    """No pipeline is loaded where there is none; a file that is no array is told."""
    numpy.save(tmp_path / "a.npy", numpy.zeros((4, 3)))
    document = {"memMapConfig": {"arrayPath": "a.npy"}}
    assert ("ok", "rows of an array of shape [4, 3]") == looked_at(tmp_path, document)

    (tmp_path / "a.npy").write_text("garbage")

    state, detail = looked_at(tmp_path, document)
    assert ("broken", True) == (state, "a.npy cannot be read as an array" in detail)


@pytest.mark.long
def test_a_start_forgets_the_copies_of_other_pipelines(tmp_path):
    """What `up` serves is copied for its host; what it served before an edit takes disk for nothing."""
    old = tmp_path / "home" / "pipelines" / "0123"
    old.mkdir(parents=True)

    up = Up(tmp_path / "home", konduit=str(write(tmp_path, {"steps": [STEP]})))
    try:
        answer = httpx.post(f"{up.url}/konduit/raw/json", json={"a": 1, "b": 2}, timeout=30)
    finally:
        up.stop()

    assert [{"c": 3}] == answer.json()
    assert old.name not in [folder.name for folder in old.parent.iterdir()]
    assert 1 == len(list(old.parent.iterdir()))
