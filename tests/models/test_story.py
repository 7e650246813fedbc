"""From a trained model to a prediction, with real processes."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tests.models.pmmlfiles import DATA


@pytest.fixture(scope="session")
def iris():
    """Measurements of flowers, with names, and their kinds in words."""
    data = load_iris(as_frame=True)
    return data.data, data.target.map(dict(enumerate(data.target_names)))


def test_an_uploaded_model_predicts_what_it_predicts_here(client, iris):
    """A pickle that is uploaded answers at once, with the label and the probabilities that it gives in this process."""
    rows, kinds = iris
    trained = LogisticRegression(max_iter=500).fit(rows, kinds)

    model = client.upload(trained, "iris.pkl")
    values = rows.iloc[100].to_dict()
    result = client.predict(model, **dict(reversed(values.items())))

    assert "iris" == model["name"]
    assert list(rows.columns) == [feature["name"] for feature in model["input_schema"]]
    assert "in_service" == client.endpoint_of(model)["status"]
    assert trained.predict(rows.iloc[[100]])[0] == result["predictions"]
    assert pytest.approx(trained.predict_proba(rows.iloc[[100]])[0].tolist()) == result["scores"]


def test_an_uploaded_pmml_file_tells_what_it_takes_and_gives(client):
    """A PMML file names its model, its inputs and its outputs, and answers by these names."""
    model = client.upload((DATA / "golf.pmml").read_bytes(), "anything.xml")

    result = client.predict(model, humidity=85.0, outlook="sunny")

    assert "golf" == model["name"]
    assert ["temperature", "humidity", "windy", "outlook"] == [one["name"] for one in model["input_schema"]]
    assert {"said", "p_will", "p_may", "sure", "node"} == model["output_schema"].keys()
    assert ("no play", "4") == (result["said"], result["node"])


def test_what_a_pmml_file_asks_for_in_vain_is_named(client):
    """A PMML file that asks for what is not evaluated is refused with the element and its line."""
    data = (DATA / "golf.pmml").read_bytes().replace(b'"surrogate"', b'"nor"', 1)

    problem = client.upload(data, "golf.pmml", expect=422)

    assert "Line 41, CompoundPredicate" in str(problem)
