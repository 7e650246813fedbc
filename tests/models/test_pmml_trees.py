"""What a tree of PMML says, above all where values are missing."""

from __future__ import annotations

import pytest

from handlers.models.formats.base import CannotPredict
from tests.models.pmmlfiles import ask, load

STRATEGY = 'missingValueStrategy="nullPrediction"'
UNTRUE = 'noTrueChildStrategy="returnNullPrediction"'


@pytest.fixture
def golf(tmp_path):
    """Return what loads the tree with another strategy."""

    def with_strategy(name, untrue="returnNullPrediction"):
        changes = {"a": (STRATEGY, f'missingValueStrategy="{name}"'), "b": (UNTRUE, f'noTrueChildStrategy="{untrue}"')}
        return load("golf", tmp_path, **changes)

    return with_strategy


def test_a_leaf_gives_its_score_its_shares_its_confidence_and_its_id():
    """Where nothing is missing, the leaf that is reached says all: shares of its records, its own confidence."""
    answer = ask(load("golf"), outlook="sunny", temperature=60.0, humidity=70.0, windy="true")

    expected = {"said": "will play", "p_will": 36 / 40, "p_may": 2 / 40, "sure": 0.9, "node": "3"}
    assert expected == answer


def test_a_surrogate_stands_for_a_missing_value_and_costs_confidence():
    """Where temperature is missing humidity decides, and the confidence is multiplied by the penalty."""
    answer = ask(load("golf"), outlook="sunny", humidity=85.0)

    assert ("no play", "4", pytest.approx(0.6 * 0.8)) == (answer["said"], answer["node"], answer["sure"])


@pytest.mark.parametrize("strategy", ["none", "nullPrediction"])
def test_a_tree_that_says_nothing_is_an_error_that_names_what_is_missing(golf, strategy):
    """Without a strategy for missing values there is no prediction, and whoever asks is told why."""
    with pytest.raises(CannotPredict, match="'temperature', 'humidity', 'windy'"):
        ask(golf(strategy), outlook="sunny")


@pytest.mark.parametrize("strategy", ["none", "lastPrediction"])
def test_the_last_prediction_is_that_of_the_node_that_was_left(golf, strategy):
    """A tree may fall back on the node where the way ended."""
    answer = ask(golf(strategy, "returnLastPrediction"), outlook="sunny")

    assert ("will play", "2", 0.8) == (answer["said"], answer["node"], answer["sure"])


def test_the_default_child_is_entered_at_a_cost(golf):
    """Each default child that had to be taken multiplies the confidence by the penalty."""
    answer = ask(golf("defaultChild"))

    assert ("will play", "3", pytest.approx(0.9 * 0.8**2)) == (answer["said"], answer["node"], answer["sure"])


def test_confidences_of_all_possible_children_are_weighted_by_their_records(golf):
    """With weightedConfidence each possible child counts as much as it has records."""
    answer = ask(golf("weightedConfidence"), outlook="overcast", temperature=70.0)

    assert "may play" == answer["said"]
    assert pytest.approx((30 * 0.8 + 20 * 0.2) / 50) == answer["sure"]


def test_records_of_all_possible_leaves_are_added_up(golf):
    """With aggregateNodes the shares are those of all records that can be meant: here of the leaves 3, 4 and 7."""
    answer = ask(golf("aggregateNodes"), windy="true")

    assert "will play" == answer["said"]
    assert pytest.approx((36 + 4 + 14) / (40 + 10 + 20)) == answer["sure"]


def test_no_child_that_is_true_ends_the_way(golf):
    """A windy and cold day is in neither child: null by default, else what the node itself says."""
    values = {"outlook": "rain", "windy": "true", "temperature": 50.0, "humidity": 1.0}

    assert ask(golf("none"), **values)["said"] is None
    assert "may play" == ask(golf("none", "returnLastPrediction"), **values)["said"]


def test_an_invalid_value_is_an_error_that_names_it():
    """A value that the dictionary does not list gives no result, and whoever asks is told why."""
    with pytest.raises(CannotPredict, match="'outlook' cannot be 'hail'"):
        ask(load("golf"), outlook="hail", temperature=3.0, humidity=1.0, windy="true")


def test_the_prediction_is_told_though_no_output_names_it(tmp_path):
    """Where the outputs are probabilities alone, the prediction stands beside them."""
    said = '<OutputField name="said" feature="predictedValue" dataType="string" optype="categorical"/>'
    model = load("golf", tmp_path, a=(said, ""))

    answer = ask(model, outlook="sunny", temperature=60.0)

    assert ("will play", 36 / 40) == (answer["predicted_what"], answer["p_will"])
    assert model.describe()["output_schema"].keys() == answer.keys()
