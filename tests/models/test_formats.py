"""Each format, with real models, through the whole server."""

from __future__ import annotations

import io
import json

import joblib
import numpy
import pandas
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from tests.models.pmmlfiles import DATA

KINDS = [
    LogisticRegression(max_iter=500),
    RandomForestClassifier(n_estimators=10, n_jobs=-1),
    HistGradientBoostingClassifier(max_iter=5),
    KNeighborsClassifier(),
    SVC(),
    LinearSVC(),
    SGDClassifier(),
    make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    xgboost.XGBClassifier(n_estimators=3),
]
ROW = 120


def joblib_of(model, **options):
    """Return a model as joblib writes it."""
    file = io.BytesIO()
    joblib.dump(model, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("trained", KINDS, ids=lambda model: type(model).__name__)
def test_classifiers_say_what_they_say_here(client, flowers, trained):
    """A classifier of scikit-learn or xgboost, fitted with or without names, gives its label, as a number."""
    rows, kinds = flowers
    named = not isinstance(trained, KNeighborsClassifier | SVC | xgboost.XGBClassifier)
    rows = rows if named else rows.to_numpy()
    trained.fit(rows, kinds)
    one = rows.iloc[[ROW]] if named else rows[[ROW]]

    model = client.upload(joblib_of(trained), "flower.joblib")
    names = [feature["name"] for feature in model["input_schema"]]
    result = client.predict(model, **dict(zip(names, numpy.asarray(one)[0].tolist(), strict=True)))

    assert int(trained.predict(one)[0]) == result["predictions"]
    if hasattr(trained, "predict_proba"):
        assert pytest.approx(trained.predict_proba(one)[0].tolist(), abs=1e-6) == result["scores"]
    else:
        assert "scores" not in result


@pytest.mark.parametrize("compress", [3, ("xz", 2)])
def test_joblib_files_are_read_compressed_or_not(client, flowers, compress):
    """What joblib compresses is read, whatever the file is called."""
    trained = RandomForestRegressor(n_estimators=3).fit(*flowers)

    model = client.upload(joblib_of(trained, compress=compress), "forest.joblib")

    assert isinstance(client.predict(model, **first(flowers))["predictions"], float)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_every_protocol_of_pickle_is_read(client, flowers, protocol):
    """Old pickles are read like new ones; `format=joblib` for a plain pickle is taken, too."""
    import pickle

    trained = LinearRegression().fit(*flowers)

    model = client.upload(pickle.dumps(trained, protocol), "m", format="joblib")

    assert (
        pytest.approx(trained.predict(flowers[0].iloc[[0]])[0])
        == client.predict(model, **first(flowers))["predictions"]
    )


def test_columns_of_words_and_numbers_keep_their_types(client):
    """A pipeline that chooses columns by name gets a table with the types that were sent."""
    import pandas

    rows = pandas.DataFrame(
        {"age": [20, 30, 40, 50] * 5, "town": ["Bonn", "Kiel", "Bonn", "Ulm"] * 5, "member": [True, False] * 10}
    )
    encoder = ColumnTransformer(
        [("town", OneHotEncoder(handle_unknown="ignore"), ["town"]), ("rest", "passthrough", ["member", "age"])]
    )
    trained = make_pipeline(encoder, RandomForestClassifier(n_estimators=5, random_state=0)).fit(rows, [0, 1, 0, 1] * 5)

    model = client.upload(trained)

    assert 1 == client.predict(model, member=False, town="Kiel", age=30)["predictions"]
    assert 0 == client.predict(model, age=40, town="Bonn", member=True)["predictions"]


def test_texts_are_read_as_texts(client):
    """A model of texts takes one input, whatever it is called."""
    trained = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good dog", "bad cat"] * 5, ["yes", "no"] * 5)

    model = client.upload(trained)

    assert "yes" == client.predict(model, text="a good dog")["predictions"]


def test_no_model_is_given_a_number_of_more_than_64_bits(client):
    """Not even one that does not say what it takes: no library takes it; the answer names the input."""
    as_it_is = ColumnTransformer([("same", "passthrough", ["text"])])
    rows = pandas.DataFrame({"text": [0.0, 1.0]})
    model = client.upload(make_pipeline(as_it_is, LinearRegression()).fit(rows, [0, 1]))
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [10**30]}

    by_name = client.predict(model, 400, text=10**30)
    by_place = client.client.post(f"/v2/models/{model['id']}/infer", json={"inputs": [tensor]})

    assert "needs a number of 64 bits" in by_name["error"]
    assert 400 == by_place.status_code
    assert "needs a number of 64 bits" in by_place.json["error"]


def test_several_outputs_become_a_list(client, flowers):
    """A model with two outputs answers with a list of two."""
    rows, kinds = flowers
    trained = LinearRegression().fit(rows, numpy.column_stack([kinds, kinds * 2]))

    assert 2 == len(client.predict(client.upload(trained), **first(flowers))["predictions"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # xgboost warns of the legacy form
@pytest.mark.parametrize("form", ["ubj", "json", "deprecated"])
def test_boosters_are_read_in_all_their_forms(client, flowers, form):
    """UBJSON, JSON and the legacy binary of xgboost give what the booster gives here."""
    rows, kinds = flowers
    matrix = xgboost.DMatrix(rows, kinds == 2)
    trained = xgboost.train({"objective": "binary:logistic"}, matrix, 3)
    with_names = form != "deprecated"

    model = client.upload(bytes(trained.save_raw(form)), "m.bst")
    names = [feature["name"] for feature in model["input_schema"]]
    values = dict(zip(names, rows.iloc[ROW].tolist(), strict=True))

    assert pytest.approx(float(trained.predict(matrix)[ROW])) == client.predict(model, **values)["predictions"]
    assert with_names == (names == list(rows.columns))
    assert {"modelPackage": "bst", "modelType": "other"} == client.call("GET", f"/models/{model['id']}/metadata")


def test_onnx_says_itself_what_it_takes(client, flowers):
    """An ONNX classifier gives label and scores; its inputs and their types are read from the file."""
    from skl2onnx import to_onnx

    rows, kinds = flowers
    array = rows.to_numpy().astype("float32")
    trained = LogisticRegression(max_iter=500).fit(array, kinds)

    model = client.upload(to_onnx(trained, array[:1]).SerializeToString(), "m.onnx")
    result = client.predict(model, **dict(zip(("x0", "x1", "x2", "x3"), array[ROW].tolist(), strict=True)))

    assert ["float32"] * 4 == [feature["type"] for feature in model["input_schema"]]
    assert trained.predict(array[[ROW]])[0] == result["predictions"]
    assert pytest.approx(trained.predict_proba(array[[ROW]])[0].tolist(), abs=1e-5) == result["scores"]


def test_onnx_with_an_input_for_each_column(client):
    """Where each feature is a tensor of its own, of words or numbers, the parameters are those tensors."""
    import pandas
    from skl2onnx import to_onnx

    rows = pandas.DataFrame({"town": ["Bonn", "Kiel"] * 10, "age": numpy.arange(20, dtype="float32")})
    encoder = ColumnTransformer([("town", OneHotEncoder(), ["town"]), ("age", StandardScaler(), ["age"])])
    trained = make_pipeline(encoder, LogisticRegression()).fit(rows, [0, 1] * 10)

    model = client.upload(to_onnx(trained, rows[:1]).SerializeToString(), "m.onnx")

    assert 1 == client.predict(model, age=3, town="Kiel")["predictions"]


def test_skops_is_read_without_a_pickle(client, flowers):
    """A forest in the form of skops predicts; the server, not the file, says which types are trusted."""
    from skops.io import dumps

    trained = RandomForestClassifier(n_estimators=5, random_state=0).fit(*flowers)

    model = client.upload(dumps(trained), "m.skops")

    assert trained.predict(flowers[0].iloc[[0]])[0] == client.predict(model, **first(flowers))["predictions"]


@pytest.mark.parametrize(
    ("gives", "expected"), [("auto", 0), ("ndarray", 0), ("list", [0]), ("DataFrame", {"output_0": 0})]
)
def test_structures_change_the_form_and_not_the_answer(client, flowers, gives, expected):
    """Whatever structure a model is given, it says the same; the output structure gives that its form."""
    trained = LogisticRegression(max_iter=500).fit(*flowers)

    takes = {"auto": "DMatrix", "ndarray": "ndarray", "list": "list", "DataFrame": "DataFrame"}[gives]

    model = client.upload(trained, input_data_structure=takes, output_data_structure=gives)
    result = client.predict(model, **first(flowers))

    result.pop("scores")
    assert (expected if gives == "DataFrame" else {"predictions": expected}) == result


@pytest.mark.parametrize("gives", ["ndarray", "list"])
def test_values_of_a_record_lose_their_names_in_a_list(client, gives):
    """A PMML file says several things under names of its own: in their order, where a list is wanted."""
    data, row = (
        (DATA / "golf.pmml").read_bytes(),
        {"temperature": 75, "humidity": 55, "windy": "true", "outlook": "sunny"},
    )
    named = client.predict(client.upload(data, "golf.pmml"), **row)

    model = client.upload(data, "golf.pmml", output_data_structure=gives)

    assert len(named) > 1
    assert {"predictions": list(named.values())} == client.predict(model, **row)
    assert ["predictions"] == list(model["output_schema"])


@pytest.mark.long
def test_a_model_is_read_though_nothing_says_its_format(client, flowers):
    """Without extension and `format` the first bytes tell what a file is."""
    trained = xgboost.train({}, xgboost.DMatrix(*flowers), 2)

    for data in (bytes(trained.save_raw("json")), bytes(trained.save_raw("ubj"))):
        model = client.upload(data, "")
        assert "model" == model["name"]
        assert "bst" == client.call("GET", f"/models/{model['id']}/metadata")["modelPackage"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "m.pkl"),
        (b"nothing", "m.pkl"),
        (b"\x80\x04", "m.pkl"),
        (b"\x78\x9c" + b"\0" * 50, "m.joblib"),
        (b"{}", "m.bst"),
        (b"\x08\x07junk", "m.onnx"),
        (b"PK\x03\x04junk", "m.skops"),
        (b"<PMML/>", "m.pmml"),
        (b"hello", "m.txt"),
        (joblib_of({"a": 1}), "m.pkl"),
        (joblib_of(StandardScaler()), "m.pkl"),
    ],
)
def test_what_is_no_model_is_refused_and_not_kept(client, data, name):
    """A file that cannot be loaded, or cannot predict, is a 422 that says why, and leaves no model behind."""
    before = client.call("GET", "/models?total_count=true")["total_count"]

    answer = client.upload(data, name, expect=422)

    assert answer["error"]
    assert before == client.call("GET", "/models?total_count=true")["total_count"]


def test_a_truncated_model_is_refused(client, flowers):
    """Half a file is refused, in every format."""
    trained = RandomForestClassifier(n_estimators=5).fit(*flowers)
    booster = xgboost.train({}, xgboost.DMatrix(*flowers), 2)

    for data, name in ((joblib_of(trained), "m.joblib"), (bytes(booster.save_raw("ubj")), "m.ubj")):
        assert client.upload(data[: len(data) // 2], name, expect=422)["error"]


def first(flowers):
    """Return the first row by name."""
    return json.loads(flowers[0].iloc[0].to_json())
