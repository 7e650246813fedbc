"""Ensembles of trees that scikit-learn has grown say the same as PMML, missing values included."""

from __future__ import annotations

import functools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from tests.models import pmmlwriter as write
from tests.models.pmmlsame import FEW, FLOATS, ROWS, loaded, predicted, same_classes, same_numbers, scores

HOLES = st.lists(st.lists(st.none() | st.floats(-4, 4, width=32), min_size=5, max_size=5), min_size=1, max_size=20)
DEFAULT = 'missingValueStrategy="defaultChild"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where files are written."""
    return tmp_path_factory.mktemp("pmml")


@pytest.fixture(scope="module")
def classes():
    """Measurements of three classes, a tenth of them missing."""
    rows, labels = make_classification(800, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=1)
    rows[np.random.default_rng(5).random(rows.shape) < 0.1] = np.nan
    return rows, labels


@pytest.fixture(scope="module")
def numbers():
    """Measurements and a number that depends on them."""
    return make_regression(600, 5, noise=3.0, random_state=2)


@pytest.fixture(scope="module")
def forest(folder, classes):
    """A forest of a hundred trees, here and as a file."""
    trained = RandomForestClassifier(100, max_depth=10, random_state=3).fit(*classes)
    trees = [write.tree_model(tree, FLOATS, trained.classes_, DEFAULT) for tree in trained.estimators_]
    text = write.mining_model(trees, "average", "classification")
    return loaded(folder, write.file_of(text, FLOATS, ("y", "integer", trained.classes_))), trained


@FEW
@given(rows=HOLES)
def test_a_forest_of_classes(forest, rows):
    """The mean of the trees' probabilities is the forest's, for any row, even where values are missing."""
    model, trained = forest
    same_classes(model, trained, rows)


@FEW
@given(rows=HOLES)
def test_a_batch_says_what_its_rows_say(forest, rows):
    """Many rows at once have the same answers as one after the other."""
    model, _ = forest

    together = model.predict(rows * 5)

    alone = [model.predict([row])[0] for row in rows] * 5
    assert [predicted(answer) for answer in alone] == [predicted(answer) for answer in together]
    assert pytest.approx(np.array([scores(one) for one in alone])) == np.array([scores(one) for one in together])


def test_a_row_of_a_forest_takes_less_than_5_ms(forest):
    """A hundred trees answer one row well within 5 ms."""
    model, _ = forest
    row = [0.1, 0.2, 0.3, 0.4, 0.5]

    times = []
    for _ in range(50):
        start = time.perf_counter()
        model.predict([row])
        times.append(time.perf_counter() - start)

    assert sorted(times)[25] < 0.005


@pytest.fixture(scope="module")
def votes(folder, classes):
    """Return what loads a forest that votes, with weights."""
    trained = RandomForestClassifier(15, max_depth=4, random_state=3).fit(*classes)
    trees = [write.tree_model(tree, FLOATS, trained.classes_, DEFAULT) for tree in trained.estimators_]
    weights = [1.0 + number / 10 for number in range(15)]

    @functools.cache
    def with_method(method):
        text = write.mining_model(trees, method, "classification", weights=weights)
        return loaded(folder, write.file_of(text, FLOATS, ("y", "integer", trained.classes_)))

    return with_method, trained, np.array(weights)


@pytest.mark.parametrize("method", ["majorityVote", "weightedMajorityVote"])
@FEW
@given(rows=HOLES)
def test_trees_vote(votes, method, rows):
    """The share of the votes for a class is its probability."""
    with_method, trained, weights = votes
    given_rows = np.array(rows, dtype=np.float32)
    said = np.array([tree.predict(given_rows) for tree in trained.estimators_])
    weights = weights if method.startswith("weighted") else np.ones(15)
    shares = np.array([((said == label) * weights[:, None]).sum(axis=0) for label in range(3)]).T / weights.sum()

    answers = with_method(method).predict(rows)

    assert pytest.approx(shares) == np.array([scores(answer) for answer in answers])


@FEW
@given(rows=HOLES)
def test_the_surest_tree_decides(votes, rows):
    """With max the probabilities are those of the trees whose largest is the largest of all, or their mean."""
    with_method, trained, _ = votes
    given_rows = np.array(rows, dtype=np.float32)
    said = np.array([tree.predict_proba(given_rows) for tree in trained.estimators_])
    sure = np.isclose(said.max(axis=2), said.max(axis=(0, 2)), rtol=0, atol=1e-15)
    expected = (said * sure[:, :, None]).sum(axis=0) / sure.sum(axis=0)[:, None]

    answers = with_method("max").predict(rows)

    assert pytest.approx(expected) == np.array([scores(answer) for answer in answers])


@pytest.fixture(scope="module")
def regression_forest(folder, numbers):
    """Return what loads a forest of numbers, with weights."""
    trained = RandomForestRegressor(11, max_depth=7, random_state=3).fit(*numbers)
    trees = [write.tree_model(tree, FLOATS) for tree in trained.estimators_]

    @functools.cache
    def with_method(method):
        text = write.mining_model(trees, method, weights=[1.0 + number for number in range(11)])
        return loaded(folder, write.file_of(text, FLOATS, ("y", "double", ())))

    return with_method, trained, np.arange(1.0, 12.0)


def heavy_half(numbers, weights):
    """Return the weighted median."""
    order = numbers.argsort()
    return numbers[order][(weights[order].cumsum() / weights.sum()).searchsorted(0.5)]


COMBINED = {
    "average": lambda said, weights: said.mean(axis=0),
    "weightedAverage": lambda said, weights: (said * weights).sum(axis=0) / weights.sum(),
    "median": lambda said, weights: np.median(said, axis=0),
    "weightedMedian": lambda said, weights: [heavy_half(one, weights[:, 0]) for one in said.T],
    "max": lambda said, weights: said.max(axis=0),
    "sum": lambda said, weights: said.sum(axis=0),
}


@pytest.mark.parametrize("method", COMBINED)
@FEW
@given(rows=ROWS)
def test_a_forest_of_numbers(regression_forest, method, rows):
    """Numbers are put together by each method as its name says."""
    with_method, trained, weights = regression_forest
    said = np.array([tree.predict(np.array(rows, dtype=np.float32)) for tree in trained.estimators_])

    answers = [predicted(answer) for answer in with_method(method).predict(rows)]

    assert pytest.approx(COMBINED[method](said, weights[:, None])) == np.array(answers)


@pytest.fixture(scope="module")
def boosted(folder, numbers):
    """Boosted trees whose sum is scaled by Targets, here and as a file."""
    trained = GradientBoostingRegressor(n_estimators=40, random_state=3).fit(*numbers)
    trees = [write.tree_model(tree, FLOATS) for tree in trained.estimators_[:, 0]]
    constant = float(trained.init_.constant_[0][0])
    target = f'<Target field="y" rescaleFactor="{trained.learning_rate!r}" rescaleConstant="{constant!r}"/>'
    text = write.mining_model(trees, "sum", inside=f"<Targets>{target}</Targets>")
    return loaded(folder, write.file_of(text, FLOATS, ("y", "double", ()))), trained


@FEW
@given(rows=ROWS)
def test_boosted_trees(boosted, rows):
    """A sum of trees that is scaled and shifted is what boosted trees predict."""
    same_numbers(*boosted, rows)


@pytest.fixture(scope="module")
def chain(folder, classes):
    """Boosted trees of two classes: a chain of their sum and of a formula that makes a probability of it."""
    rows, labels = np.nan_to_num(classes[0]), classes[1] > 0
    trained = GradientBoostingClassifier(n_estimators=40, random_state=3).fit(rows, labels)
    trees = [write.tree_model(tree, FLOATS) for tree in trained.estimators_[:, 0]]
    share = trained.init_.class_prior_[1]
    constant = float(np.log(share / (1 - share)))
    scaled = f'<Target field="y" rescaleFactor="{trained.learning_rate!r}" rescaleConstant="{constant!r}"/>'
    output = '<OutputField name="sum" feature="predictedValue" dataType="double" optype="continuous"/>'
    inside = f"<Output>{output}</Output><Targets>{scaled}</Targets>"
    first = write.mining_model(trees, "sum", inside=inside)
    tables = [
        write.regression_table(0.0, [1.0], [("sum", "double")], "true"),
        write.regression_table(0.0, [], [], "false"),
    ]
    second = write.regression_model(tables, "classification", "logit")
    second = second.replace("<!--schema-->", '<MiningSchema><MiningField name="sum"/></MiningSchema>')
    second = second.replace("</MiningSchema>", '<MiningField name="y" usageType="target"/></MiningSchema>')
    text = write.mining_model([first, second], "modelChain", "classification")
    return loaded(folder, write.file_of(text, FLOATS, ("y", "boolean", ["false", "true"]))), trained


@FEW
@given(rows=ROWS)
def test_a_chain_of_models(chain, rows):
    """The output of one model is the input of the next."""
    same_classes(*chain, rows)
