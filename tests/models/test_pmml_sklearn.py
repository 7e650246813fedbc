"""What scikit-learn has learned says the same once it was written as PMML."""

from __future__ import annotations

import pytest
from hypothesis import given
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.models import pmmlwriter as write
from tests.models.pmmlsame import DOUBLES, FEW, FLOATS, ROWS, loaded, same_classes, same_numbers

pytestmark = pytest.mark.long


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
