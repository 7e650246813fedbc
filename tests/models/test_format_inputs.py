"""What is known of the inputs of real estimators, without a server."""

from __future__ import annotations

import pickle

import pandas
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from handlers.errors import InputInvalid
from handlers.models.features import Shape
from handlers.models.formats.estimators import Estimator
from handlers.models.formats.standins import Inert
from handlers.models.formats.unpickling import known_class, read_pickle
from handlers.models.sniffing import sniffed


def shape_of(model):
    """Return what a model takes, as a server knows it."""
    known = Estimator(model, takes="auto", gives="auto").describe()
    return Shape(known["features"], (), named=known["named"], invented=known["invented"]), known["features"]


def test_a_number_that_is_sent_as_text_finds_its_category():
    """A category that is a number is found by its text, and what is none is refused with the name of the input."""
    rows = pandas.DataFrame({"rooms": [1, 2, 3] * 4, "city": ["a", "b", "c"] * 4, "area": [10.0, 20.0, 50.0] * 4})
    encoder = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["rooms", "city"]),
            ("area", StandardScaler(), ["area"]),
        ]
    )
    shape, features = shape_of(make_pipeline(encoder, Ridge()).fit(rows, range(12)))

    assert ["int64", "str", "float64"] == [feature["type"] for feature in features]
    assert [3, "b", 50.0] == shape.columns(["rooms", "city", "area"])(("3", "b", "50.0"))
    with pytest.raises(InputInvalid) as refused:
        shape.row([{"name": "rooms", "value": "x"}, {"name": "city", "value": "b"}, {"name": "area", "value": 1}])
    assert "'rooms' needs a whole number" in refused.value.faults[0].detail


def test_a_text_column_beside_a_number_is_a_text():
    """A reader of texts inside of a ColumnTransformer makes no text of the other inputs; alone it has one input."""
    rows = pandas.DataFrame({"text": ["good fine", "bad sad"] * 4, "n": [1, 2] * 4})
    encoder = ColumnTransformer([("t", CountVectorizer(), "text"), ("n", StandardScaler(), ["n"])])
    _, both = shape_of(make_pipeline(encoder, LogisticRegression()).fit(rows, [0, 1] * 4))
    _, alone = shape_of(make_pipeline(CountVectorizer(), LogisticRegression()).fit(rows["text"], [0, 1] * 4))

    assert [{"name": "text", "type": "str"}, {"name": "n", "type": "float64"}] == both
    assert [{"name": "text", "type": "str"}] == alone


@pytest.mark.parametrize(
    "model",
    [
        GridSearchCV(LogisticRegression(), {"C": [1, 2]}, scoring="accuracy"),
        CalibratedClassifierCV(LogisticRegression()),
        make_pipeline(SelectKBest(f_classif, k=2), LogisticRegression()),
        TunedThresholdClassifierCV(LogisticRegression()),
        make_pipeline(SplineTransformer(), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_usual_models_are_read_and_predict_the_same(tmp_path, flowers, model):
    """What a model was searched and scored with is not needed for the same predictions."""
    rows, kinds = flowers
    model.fit(rows.to_numpy(), kinds == 2)
    (tmp_path / "m").write_bytes(pickle.dumps(model))

    read = read_pickle(tmp_path / "m", frozenset())

    assert model.predict(rows.to_numpy()).tolist() == read.predict(rows.to_numpy()).tolist()


def test_scorers_are_never_what_they_are_called():
    """A scorer calls any method of what it is given, so a file gets one that does nothing."""
    made = known_class("sklearn.metrics._scorer", "_Scorer", frozenset())

    assert Inert is made
    assert not callable(made())


def test_names_that_come_twice_or_are_half_known_are_refused():
    """Where names were invented, wholly unknown ones go by their place, and all others must be right."""
    features = [{"name": f"x{number}", "type": "float64"} for number in range(4)]
    shape = Shape(features, (), named=False, invented=True)

    def row(*names):
        return shape.row([{"name": name, "value": number} for number, name in enumerate(names)])

    assert [0, 1, 2, 3] == row("a", "b", "c", "d")
    for names in (("a", "a", "a", "a"), ("x0", "x3", "q", "x1")):
        with pytest.raises(InputInvalid):
            row(*names)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["a", "a", "b"], ["These columns are there more than once: 'a'."]),
        (["a", "c"], ["These columns are missing: 'b'; the table has 'a', 'c'."]),
        (["c"], ["These columns are missing: 'a', 'b'; the table has 'c'."]),
    ],
)
def test_what_is_wrong_with_the_columns_of_a_table_is_told_once(columns, words):
    """In one fault of each kind, however many columns there are."""
    shape = Shape([{"name": "a", "type": "float64"}, {"name": "b", "type": "float64"}], (), named=True)

    with pytest.raises(InputInvalid) as refused:
        shape.columns(columns)

    assert words == [fault.detail for fault in refused.value.faults]


@pytest.mark.parametrize("value", [None, "1_000", "\uff11\uff12"])
def test_what_is_no_plain_number_is_refused(value):
    """Null and Python's own forms of numbers are no numbers."""
    shape = Shape([{"name": "x0", "type": "float64"}], (), named=False, invented=True)

    with pytest.raises(InputInvalid):
        shape.placed([value])


@pytest.mark.parametrize(
    "head",
    ['<?xml version="1.0"?><PMML>'.encode("utf-16"), b'<p:PMML xmlns:p="x">', b"\xef\xbb\xbf<PMML version='4.4'>"],
)
def test_pmml_is_known_in_any_encoding_and_by_any_prefix(head):
    """A file of PMML may begin in several ways."""
    assert "pmml" == sniffed(head)
