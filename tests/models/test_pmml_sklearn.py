"""What scikit-learn has learned says the same once it was written as PMML."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handlers.models.formats.pmmlfile import PmmlModel
from tests.models import pmmlwriter as write

FLOATS = [(f"x{number}", "float") for number in range(5)]
DOUBLES = [(f"x{number}", "double") for number in range(5)]
ROWS = st.lists(st.lists(st.floats(-4, 4, width=32), min_size=5, max_size=5), min_size=1, max_size=20)
FEW = settings(max_examples=30, deadline=None)


def loaded(folder, data):
    """Return the model that a file holds."""
    path = folder / "model.pmml"
    path.write_bytes(data)
    return PmmlModel(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where files are written."""
    return tmp_path_factory.mktemp("pmml")


@pytest.fixture(scope="module")
def classes():
    """Measurements of three classes."""
    return make_classification(600, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=1)


@pytest.fixture(scope="module")
def numbers():
    """Measurements and a number that depends on them."""
    return make_regression(600, 5, noise=3.0, random_state=2)


def same_classes(model, trained, rows):
    """Compare probabilities, and labels where one is clearly the most probable."""
    answers = model.predict(rows)
    chances = trained.predict_proba(np.array(rows, dtype=np.float32))
    assert pytest.approx(chances) == np.array([answer["scores"] for answer in answers])
    for answer, label, chance in zip(answers, trained.classes_[chances.argmax(axis=1)], chances, strict=True):
        first, second = sorted(chance)[:-3:-1]
        if first - second > 1e-9:
            assert label == answer["predictions"]


def same_numbers(model, trained, rows):
    """Compare predicted numbers."""
    expected = trained.predict(np.array(rows, dtype=np.float32))
    assert pytest.approx(expected.tolist(), rel=1e-6, abs=1e-6) == [one["predictions"] for one in model.predict(rows)]


@pytest.fixture(scope="module")
def tree(folder, classes):
    """A tree of classes, here and as a file."""
    trained = DecisionTreeClassifier(max_depth=8, random_state=3).fit(*classes)
    text = write.tree_model(trained, FLOATS, trained.classes_)
    return loaded(folder, write.file_of(text, FLOATS, ("y", "integer", trained.classes_))), trained


@FEW
@given(rows=ROWS)
def test_a_tree_of_classes(tree, rows):
    """A tree gives the same probabilities and labels for any row."""
    same_classes(*tree, rows)


@pytest.fixture(scope="module")
def regression_tree(folder, numbers):
    """A tree of numbers, here and as a file."""
    trained = DecisionTreeRegressor(max_depth=9, random_state=3).fit(*numbers)
    return loaded(folder, write.file_of(write.tree_model(trained, FLOATS), FLOATS, ("y", "double", ()))), trained


@FEW
@given(rows=ROWS)
def test_a_tree_of_numbers(regression_tree, rows):
    """A tree gives the same number for any row."""
    same_numbers(*regression_tree, rows)


@pytest.fixture(scope="module")
def line(folder, numbers):
    """A linear regression, here and as a file."""
    trained = LinearRegression().fit(*numbers)
    text = write.regression_model([write.regression_table(trained.intercept_, trained.coef_, DOUBLES)])
    return loaded(folder, write.file_of(text, DOUBLES, ("y", "double", ()))), trained


@FEW
@given(rows=ROWS)
def test_a_linear_regression(line, rows):
    """A formula gives the same number for any row."""
    same_numbers(*line, rows)


@pytest.fixture(scope="module")
def logistic(folder, classes):
    """A logistic regression of three classes, here and as a file."""
    trained = LogisticRegression(max_iter=500).fit(*classes)
    parts = zip(trained.intercept_, trained.coef_, trained.classes_, strict=True)
    tables = [write.regression_table(intercept, factors, DOUBLES, label) for intercept, factors, label in parts]
    text = write.regression_model(tables, "classification", "softmax")
    return loaded(folder, write.file_of(text, DOUBLES, ("y", "integer", trained.classes_))), trained


@FEW
@given(rows=ROWS)
def test_a_logistic_regression(logistic, rows):
    """A logistic regression of several classes gives the same probabilities for any row."""
    same_classes(*logistic, rows)
