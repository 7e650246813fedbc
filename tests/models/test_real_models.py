"""Models as they are made for real tables: uploaded, described, and asked for a row and for a whole table."""

from __future__ import annotations

import io
import pickle

import numpy
import pandas
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401 - makes them importable
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]

PEOPLE = 90
NUMBERS, TOWNS = ["age", "income"], ("Bonn", "Kiel", "Ulm")


@pytest.fixture(scope="module")
def people():
    """A table with numbers, some of which are missing, and with words; and what is to be learned from it."""
    chance = numpy.random.default_rng(0)
    table = pandas.DataFrame(
        {
            "age": chance.integers(18, 80, PEOPLE).astype(float),
            "income": chance.normal(50, 10, PEOPLE).round(3),
            "town": pandas.Series(chance.choice(TOWNS, PEOPLE), dtype=object),
        }
    )
    table.loc[3::7, "income"] = None
    return table, numpy.where((table["age"] > 40) ^ (table["town"] == "Kiel"), "yes", "no")


def columns():
    """Return what makes numbers of such a table, by the names of its columns."""
    numbers = make_pipeline(IterativeImputer(), StandardScaler())
    return ColumnTransformer([("n", numbers, NUMBERS), ("w", OneHotEncoder(handle_unknown="ignore"), ["town"])])


def after_columns(last):
    """Return a pipeline."""
    return make_pipeline(columns(), last)


FOREST = RandomForestClassifier(n_estimators=5)
MODELS = {
    "pipeline": after_columns(LogisticRegression()),
    "grid": GridSearchCV(after_columns(FOREST), {"randomforestclassifier__max_depth": [2, 3]}, scoring="accuracy"),
    "halving": HalvingGridSearchCV(after_columns(FOREST), {"randomforestclassifier__max_depth": [2, 3]}),
    "calibrated": CalibratedClassifierCV(after_columns(LinearSVC()), cv=3),
    "calibrated search": GridSearchCV(
        CalibratedClassifierCV(after_columns(LinearSVC()), cv=3), {"method": ["sigmoid", "isotonic"]}
    ),
    "vote": VotingClassifier([("a", after_columns(LogisticRegression())), ("b", after_columns(FOREST))], voting="soft"),
}
TYPES = [("age", "float64"), ("income", "float64"), ("town", "str")]


def types_of(model):
    """Return names and types of the inputs of a model."""
    return [(feature["name"], feature["type"]) for feature in model["input_schema"]]


def predicted(client, model, table):
    """Return the predictions of a table."""
    endpoint = client.endpoint_of(model)["id"]
    more = {"content_type": "text/csv", "query_string": {"endpoint_id": endpoint}}
    answer = client.client.post("/ops/predictions/batch", data=table.to_csv(index=False).encode(), **more)
    assert 200 == answer.status_code, answer.text
    return pandas.read_csv(io.BytesIO(answer.data))


def assert_says_the_same(client, model, trained, table, given=None):
    """Compare what a model says there of a row and of a table with what it says here."""
    given = table if given is None else given
    scores = trained.predict_proba(table)

    one = client.predict(model, **given.iloc[0].to_dict())
    found = predicted(client, model, given)

    assert trained.predict(table)[0] == one["predictions"]
    assert pytest.approx(scores[0].tolist(), rel=1e-5) == one["scores"]
    assert trained.predict(table).tolist() == found["predictions"].tolist()
    assert numpy.allclose(scores, found[[f"scores_{place}" for place in range(scores.shape[1])]], rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_what_chooses_columns_by_name_gets_them(client, people, name):
    """However deep in another model it lies: words and numbers are told apart, and what is missing is filled in."""
    table, kinds = people
    trained = MODELS[name].fit(table, kinds)

    model = client.upload(trained)

    assert TYPES == types_of(model)
    assert ["no", "yes"] == model["output_schema"]["predictions"]["enum"]
    assert_says_the_same(client, model, trained, table)


def test_boosted_trees_take_the_words_that_they_have_seen(client, people):
    """HistGradientBoosting encodes the categories of a table itself, and an unknown one is as if it were missing."""
    table, kinds = people
    trained = HistGradientBoostingClassifier().fit(table.astype({"town": "category"}), kinds)

    model = client.upload(trained)

    assert TYPES == types_of(model)
    assert_says_the_same(client, model, trained, table)
    unknown = {**table.iloc[0].to_dict(), "town": "Rome"}
    assert (
        pytest.approx(trained.predict_proba(pandas.DataFrame([unknown]))[0].tolist())
        == client.predict(model, **unknown)["scores"]
    )


@pytest.mark.parametrize("wrap", [lambda one: one, make_pipeline, lambda one: GridSearchCV(one, {"max_depth": [2, 3]})])
def test_xgboost_takes_codes_of_categories(client, people, wrap):
    """Its file has no names of categories: it takes their codes, whole numbers, and refuses the names by name."""
    table, kinds = people
    named = table.astype({"town": "category"})
    trained = wrap(xgboost.XGBClassifier(n_estimators=4, enable_categorical=True)).fit(named, kinds == "yes")
    codes = table.assign(town=named["town"].cat.codes)

    model = client.upload(trained)

    assert [*TYPES[:2], ("town", "int64")] == types_of(model)
    assert_says_the_same(client, model, trained, named, codes)
    refused = client.predict(model, expect=400, **table.iloc[0].to_dict())
    assert "The input 'town' needs a whole number" in str(refused)


@pytest.mark.parametrize("form", ["ubj", "json", "pickle"])
def test_a_booster_takes_codes_of_categories(client, people, form):
    """As xgboost's estimators do, in each form of its files."""
    table, kinds = people
    named = table.astype({"town": "category"})
    matrix = xgboost.DMatrix(named, label=kinds == "yes", enable_categorical=True)
    trained = xgboost.train({"objective": "binary:logistic"}, matrix, 4)
    data = pickle.dumps(trained) if form == "pickle" else bytes(trained.save_raw(form))

    model = client.upload(data, "m.pkl" if form == "pickle" else "m.bst")
    found = predicted(client, model, table.assign(town=named["town"].cat.codes))

    assert [*TYPES[:2], ("town", "int64")] == types_of(model)
    assert numpy.allclose(trained.predict(matrix), found["predictions"], rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: CalibratedClassifierCV(one, cv=2)])
def test_what_reads_texts_gets_them(client, wrap):
    """Also in another model: its one input is a text."""
    texts, kinds = ["good", "very good", "bad", "very bad"] * 4, ["up", "up", "down", "down"] * 4
    trained = wrap(make_pipeline(TfidfVectorizer(), MultinomialNB())).fit(texts, kinds)

    model = client.upload(trained)
    said = client.predict(model, text="good")

    assert [("text", "str")] == types_of(model)
    assert "up" == said["predictions"]
    assert pytest.approx(trained.predict_proba(["good"])[0].tolist()) == said["scores"]


def test_what_reads_files_is_refused(client, tmp_path):
    """A model whose inputs name files would read those of this server."""
    (tmp_path / "f").write_text("good")
    trained = make_pipeline(CountVectorizer(input="filename"), MultinomialNB()).fit([tmp_path / "f"] * 2, [0, 1])

    answer = client.upload(trained, expect=422)

    assert "reads files" in answer["error"]
