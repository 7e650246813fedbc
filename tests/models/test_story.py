"""From a trained model to a prediction, with real processes."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


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
