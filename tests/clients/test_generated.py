"""Clients that are generated: what they can say, and whether it is said twice alike."""

from __future__ import annotations

import json
import re
from itertools import zip_longest

import pytest

from tests.clients.conftest import command, generated

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("source", "operation", "file"),
    [
        ("python/seamark_konduit/api/inference_api.py", r"def predict\(.*?\n    \)", r"\n +([xy]): Annotated"),
        ("typescript/apis/InferenceApi.ts", r"interface PredictRequest \{.*?\n\}", r"\n +([xy]): Blob;"),
        ("java/src/main/java/seamark/konduit/api/InferenceApi.java", r"public Object predict\(.*?\)", r"File ([xy])\b"),
        ("csharp/src/Seamark.Konduit/Api/InferenceApi.cs", r" PredictAsync\(.*?\)", r"FileParameter ([xy])\b"),
        ("go/api_inference.go", r"func \(r ApiPredictRequest\) X.*Execute\(", r"\(([xy]) \*os\.File\)"),
    ],
)
def test_an_upload_has_an_argument_for_each_input(clients, source, operation, file):
    """The operation `predict` takes a file `x` and a file `y`, in each language's own way."""
    signature = re.search(operation, (clients / source).read_text(), re.DOTALL)[0]

    assert {"x", "y"} == set(re.findall(file, signature))


def test_two_runs_write_the_same(clients, served, tmp_path):
    """No time, no folder of this machine and no number by chance is in a client."""
    generated(tmp_path, "python", "csharp", document=f"{served.url}/openapi/konduit.json")

    for language in ("python", "csharp"):
        assert {} == differences(clients / language, tmp_path / language)


def differences(one, other):
    """Return the first line in which files of two folders differ, by the files' names."""
    ones, others = ({path.relative_to(top): path for path in top.rglob("*") if path.is_file()} for top in (one, other))
    lines = {name: [lines_of(ones.get(name)), lines_of(others.get(name))] for name in ones.keys() | others.keys()}
    return {
        str(name): next(pair for pair in zip_longest(*pages) if pair[0] != pair[1])
        for name, pages in lines.items()
        if pages[0] != pages[1]
    }


def lines_of(path):
    """Return the lines of a file, with their ends; none where there is no file."""
    return path.read_bytes().splitlines(keepends=True) if path else []


def test_a_client_of_the_spec_takes_the_input_that_has_no_name(tmp_path):
    """Without a pipeline no input is known: an upload has the part that Konduit calls `default`, and is not dropped."""
    generated(tmp_path, "python")

    source = (tmp_path / "python" / "seamark_konduit" / "api" / "inference_api.py").read_text()
    assert "_files['default'] = default" in source


def test_what_a_client_would_lack_is_an_error(tmp_path):
    """A generator that leaves out a body ends well: the command does not, says what is missing, and writes nothing."""
    upload = {"type": "object", "properties": {}, "additionalProperties": {"type": "string", "format": "binary"}}
    part = {"application/x-www-form-urlencoded": {"schema": upload}}
    operation = {
        "operationId": "send",
        "requestBody": {"content": part},
        "responses": {"200": {"description": "Sent."}},
    }
    document = {"openapi": "3.0.3", "info": {"title": "Free", "version": "1"}, "paths": {"/": {"post": operation}}}
    (tmp_path / "free.json").write_text(json.dumps(document))

    done = command(tmp_path / "out", "python", document=tmp_path / "free.json")

    assert 1 == done.returncode
    assert "additionalProperties are not supported" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebodys_own_is_left_alone(tmp_path):
    """What is no generated client is not replaced by one."""
    own = tmp_path / "python" / "own.py"
    own.parent.mkdir()
    own.write_text("mine")

    done = command(tmp_path, "python")

    assert 1 == done.returncode
    assert "holds no generated client" in done.stderr
    assert "mine" == own.read_text()
