"""The published client of the Open Inference Protocol, unchanged, against a server that is up."""

from __future__ import annotations

import json
import pickle
import subprocess
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tests.e2e.environments import python_with

pytestmark = pytest.mark.long

CLIENTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def triton():
    """A Python that has Triton's client."""
    return python_with("triton", ("tritonclient[http]==2.73.0",))


@pytest.fixture(scope="module")
def flowers(shared):
    """A model that the server has."""
    data = load_iris(as_frame=True)
    trained = LogisticRegression(max_iter=500).fit(data.data, data.target.map(dict(enumerate(data.target_names))))
    token = (shared.home / "token").read_text().strip()
    answer = shared.client.post(
        "/ops/upload",
        files={"file": ("flowers.pkl", pickle.dumps(trained))},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert 201 == answer.status_code, answer.text
    return answer.json()["name"]


def test_tritons_client_asks_a_model(shared, triton, flowers):
    """Health, metadata, index, inference with tensors as bytes and as JSON, all inputs in one or each in its own."""
    command = [triton, CLIENTS / "triton" / "story.py", f"127.0.0.1:{shared.port}", flowers]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == told.returncode, told.stderr
    story = json.loads(told.stdout)

    answer = [["setosa", "virginica"], [2, 3], "7"]
    assert ([True] * 3, False, True) == (story["alive"], story["there is no other"], story["version"])
    assert [answer] * 3 == [story["binary"], story["json"], story["columns"]]
    assert "binary_tensor_data" in story["extensions"]
    assert "sepal length (cm)" == story["names"][0]
    assert flowers in story["index"]
    assert "takes 4 inputs" in story["refused"]
