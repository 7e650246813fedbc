"""What scorecards, rules and formulas of PMML say."""

from __future__ import annotations

import math

import pytest

from handlers.models.formats.base import CannotLoad, CannotPredict
from tests.models.pmmlfiles import ask, load


def test_a_scorecard_adds_up_and_gives_reasons():
    """The first attribute that is true counts; reasons come in the order of the points that were lost."""
    answer = ask(load("credit"), department="engineering", age=25, income=500.0)

    assert 10 + 3 + 12 + 26 == answer["Final Score"]
    assert ["RC1_1", "RC2", None] == [answer[f"Reason {rank}"] for rank in (1, 2, 3)]


def test_a_scorecard_computes_partial_scores():
    """A ComplexPartialScore is an expression, whose reason may be the attribute's own."""
    answer = ask(load("credit"), department="sales", age=50, income=1500.5)

    assert pytest.approx(10 + 5 + 18 + 1 + 0.003 * 1500.5) == answer["Final Score"]
    assert ["RC1_2", "RC3_1", "RC2"] == [answer[f"Reason {rank}"] for rank in (1, 2, 3)]


def test_a_scorecard_without_an_attribute_that_is_true_says_nothing():
    """Where no attribute of a characteristic is true there is no score."""
    with pytest.raises(CannotPredict, match="'income'"):
        ask(load("credit"), department="marketing", age=1)


def test_points_above_the_baseline_count_the_other_way(tmp_path):
    """With pointsAbove the reasons are where points were won."""
    model = load("credit", tmp_path, a=('"pointsBelow"', '"pointsAbove"'))
    answer = ask(model, department="marketing", age=25, income=500.0)

    assert ["RC3", "RC1", None] == [answer[f"Reason {rank}"] for rank in (1, 2, 3)]


def test_a_scorecard_is_told_as_such():
    """The kind of model is the API's word for it, and the name that of the file."""
    known = load("credit").describe()

    assert ("Scorecard", "credit", True) == (known["kind"], known["name"], known["named"])
    assert ["str", "int64", "float64"] == [feature["type"] for feature in known["features"]]
    assert {"type": "number"} == known["output_schema"]["Final Score"]


RULES = 'criterion="weightedSum"'
ALL_FIRE = {"BP": "HIGH", "K": 0.05, "Age": 30}


def test_rules_are_summed_by_their_score():
    """With weightedSum the score with the most weight wins, its confidence is that weight by the number of rules."""
    answer = ask(load("drug"), **ALL_FIRE)

    assert ("drugA", "R2", pytest.approx((0.6 + 0.5) / 3)) == (answer["drug"], answer["rule"], answer["sure"])


@pytest.mark.parametrize("criterion", ["weightedMax", "firstHit"])
def test_one_rule_decides(tmp_path, criterion):
    """The rule with the most weight, or the first one, decides with its own confidence."""
    answer = ask(load("drug", tmp_path, a=(RULES, f'criterion="{criterion}"')), **ALL_FIRE)

    assert {"drug": "drugB", "sure": 0.9, "rule": "R1"} == answer


def test_without_a_rule_the_default_is_said():
    """Where no rule applies the default score is given."""
    answer = ask(load("drug"), BP="LOW", K=0.5, Age=60)

    assert {"drug": "drugC", "sure": 0.0, "rule": None} == answer


def expected_value(income, loan, kind, grade):
    """Return what the formula of payment.pmml gives, reckoned here."""
    income = 15000.0 if income is None else min(max(income, 0.0), 100000.0)
    norm = 0.5 if loan is None else min(max(loan / 1000 * 0.8 if loan <= 1000 else 0.8 + (loan - 1000) / 20000, 0), 1)
    code = 0.0 if kind is None else {"house": 2.0, "car": 1.0}.get(kind, -1.0)
    high = 0.25 if grade not in ("low", "middle", "high") else float(grade == "high")
    large = 0.4 if loan is not None and loan >= 500 else 0.0
    small = 0.1 if loan is not None and 0 <= loan < 500 else 0.0
    total = -0.5 - 1.5 * (income - 20000) / 5000 + 2 * norm**2 + 0.25 * code - 0.75 * high
    return total + large + small + 0.3 * norm * code


INVERSES = {
    "logit": lambda value: 1 / (1 + math.exp(-value)),
    "probit": lambda value: 0.5 * (1 + math.erf(value / math.sqrt(2))),
    "cloglog": lambda value: 1 - math.exp(-math.exp(value)),
    "loglog": lambda value: math.exp(-math.exp(-value)),
    "cauchit": lambda value: 0.5 + math.atan(value) / math.pi,
    "softmax": lambda value: math.exp(value) / (math.exp(value) + 1),
    "none": lambda value: min(max(value, 0), 1),
}


@pytest.mark.parametrize("method", INVERSES)
@pytest.mark.parametrize(
    "values",
    [
        {"income": 20000.0, "loan": 500.0, "kind": "house", "grade": "high"},
        {"income": 1e6, "loan": -5.0, "kind": "boat", "grade": "nope"},
        {"loan": 3000.0, "kind": "car"},
        {"income": 21000.0, "loan": 499.0, "grade": "low"},
        {},
    ],
)
def test_a_formula_over_transformed_fields(tmp_path, method, values):
    """Treated, normalised, mapped and binned fields go into the formula as the specification says."""
    model = load("payment", tmp_path, a=('"logit"', f'"{method}"'))
    chance = INVERSES[method](expected_value(*(values.get(name) for name in ("income", "loan", "kind", "grade"))))

    answer = ask(model, **values)

    expected = {"predicted_default": int(chance > 0.5), "probability_0": 1 - chance, "probability_1": chance}
    expected = {name: pytest.approx(value, abs=1e-12) for name, value in expected.items()}
    assert expected | {"advice": "refuse" if chance > 0.5 else "grant"} == answer


def test_a_function_that_calls_itself_is_refused(tmp_path):
    """A file's function cannot go round for ever."""
    text = '<Apply function="-"><FieldRef field="value"/><FieldRef field="mean"/></Apply>'
    itself = f"""<Apply function="scaled">{'<FieldRef field="value"/>' * 3}</Apply>"""
    with pytest.raises(CannotLoad, match="'scaled' is not evaluated"):
        load("payment", tmp_path, a=(text, itself))


def test_limits_of_whole_numbers_may_be_fractions(tmp_path):
    """A whole number is compared with the limit that the file states, not with the whole part of it."""
    model = load("credit", tmp_path, a=('operator="lessOrEqual" value="18"', 'operator="lessThan" value="18.5"'))

    assert 10 + 19 - 3 + 26 == ask(model, department="marketing", age=18, income=0.0)["Final Score"]


SCALED = '<DerivedField name="income_scaled" optype="continuous" dataType="double">'
ALIAS = '<DerivedField name="{}" optype="continuous" dataType="double"><FieldRef field="{}"/></DerivedField>'


def test_derived_fields_may_stand_in_any_order(tmp_path):
    """A field may be derived from one that stands behind it in the file."""
    alias = ALIAS.format("alias", "income_scaled")
    changes = {"a": (SCALED, alias + SCALED), "b": ('Predictor name="income_scaled"', 'Predictor name="alias"')}
    values = {"income": 21000.0, "loan": 400.0, "kind": "car", "grade": "low"}

    assert ask(load("payment"), **values) == ask(load("payment", tmp_path, **changes), **values)


def test_a_field_that_is_derived_from_itself_is_refused(tmp_path):
    """Fields cannot be derived from each other in a circle."""
    circle = ALIAS.format("a", "b") + ALIAS.format("b", "a")

    with pytest.raises(CannotLoad, match="DerivedField: The field is derived from itself"):
        load("payment", tmp_path, a=(SCALED, circle + SCALED))
