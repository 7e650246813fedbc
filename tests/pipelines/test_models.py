"""ModelStep and PmmlStep, with models that are trained here."""

from __future__ import annotations

import math
from pathlib import Path

import joblib
import numpy
import pytest
import skops.io
import xgboost
from onnx import helper
from skl2onnx import to_onnx
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from handlers.pipelines.faults import Refused, Unusable
from tests.pipelines.made import load, model_step, save_graph, save_sum

PMML = Path(__file__).parents[1] / "models" / "data"
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROWS = [0, 60, 120]
SCHEMA = {"inputColumnNames": {"default": COLUMNS}, "inputSchemas": {"default": ["Double"] * 4}}


CHANCE = 1 / (1 + math.exp(-2))  # of the class `a` where `x` is 2
LOGIT = """<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">
<Header/>
<DataDictionary>
  <DataField name="x" optype="continuous" dataType="double"/>
  <DataField name="y" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/></DataField>
</DataDictionary>
<RegressionModel functionName="classification" normalizationMethod="logit">
  <MiningSchema><MiningField name="x"/><MiningField name="y" usageType="target"/></MiningSchema>
  OUTPUT
  <RegressionTable targetCategory="a" intercept="0"><NumericPredictor name="x" coefficient="1"/></RegressionTable>
  <RegressionTable targetCategory="b" intercept="0"/>
</RegressionModel></PMML>"""


def save_logit(folder, output=""):
    """Write a PMML file of a logistic regression of one variable."""
    (folder / "logit.pmml").write_text(LOGIT.replace("OUTPUT", output))


@pytest.fixture(scope="module")
def flowers():
    """The iris data, with names, and a classifier that was fitted to them."""
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    return rows, kinds, LogisticRegression(max_iter=500).fit(rows, kinds.map(lambda kind: f"kind {kind}"))


def records(rows):
    """Return rows of a DataFrame as records, their members in another order than the columns."""
    return [dict(reversed(row.items())) for row in rows.to_dict(orient="records")]


def test_a_classifier_of_scikit_learn_gives_probabilities(tmp_path, flowers):
    """Records by the names of columns, or an array: both become the probability of each class, which has a name."""
    rows, _, model = flowers
    joblib.dump(model, tmp_path / "flower.joblib")
    pipeline = load(tmp_path, model_step("flower.joblib", "SKLEARN"))
    some = rows.iloc[ROWS]

    by_name = pipeline.run({"default": records(some)})["default"]
    by_place = pipeline.run({"default": some.to_numpy()})["default"]

    assert pytest.approx(model.predict_proba(some)) == by_name
    assert by_name.tolist() == by_place.tolist()
    assert ["kind 0", "kind 1", "kind 2"] == pipeline.labels
    assert pytest.approx(by_name[:1]) == pipeline.run({"default": some.to_numpy()[0]})["default"]


def test_columns_may_be_inputs_of_their_own(tmp_path, flowers):
    """A pipeline with an input for each column of the model takes a vector for each."""
    rows, _, model = flowers
    skops.io.dump(model, tmp_path / "flower.skops")
    pipeline = load(tmp_path, model_step("flower.skops", "SKLEARN", inputNames=list(reversed(COLUMNS))))
    some = rows.iloc[ROWS]

    found = pipeline.run({name: some[name].to_numpy() for name in COLUMNS})["default"]

    assert pytest.approx(model.predict_proba(some)) == found
    with pytest.raises(Refused, match="do not have as many rows"):
        pipeline.run({name: some[name].to_numpy()[: number + 1] for number, name in enumerate(COLUMNS)})


def test_a_regression_gives_a_number_for_each_row(tmp_path):
    """What predicts numbers gives them as a column."""
    rows, targets = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(rows, targets)
    joblib.dump(model, tmp_path / "line.pkl")
    pipeline = load(
        tmp_path,
        model_step("line.pkl", "SKLEARN", types={"outputDataTypes": {"default": "FLOAT"}}, outputNames=["default"]),
    )

    found = pipeline.run({"default": rows[:3]})["default"]

    assert ((3, 1), numpy.float32) == (found.shape, found.dtype)
    assert pytest.approx(model.predict(rows[:3]), rel=1e-6) == found[:, 0]


def test_labels_without_probabilities_are_records(tmp_path, flowers):
    """A classifier that knows no probabilities and has texts for classes gives them as records."""
    rows, _, other = flowers
    model = LinearSVC().fit(rows, other.predict(rows))
    joblib.dump(model, tmp_path / "flower.pkl")

    found = load(tmp_path, model_step("flower.pkl", "SKLEARN")).run({"default": records(rows.iloc[[0]])})["default"]

    assert [{"predictions": "kind 0"}] == found


def test_a_booster_is_asked_by_configured_columns(tmp_path, flowers):
    """A model that knows no names takes the columns in the order that the configuration says."""
    rows, kinds, _ = flowers
    model = xgboost.XGBClassifier(n_estimators=3).fit(rows.to_numpy(), kinds)
    model.get_booster().save_model(tmp_path / "flower.ubj")
    some = rows.iloc[ROWS]
    pipeline = load(tmp_path, {**model_step("flower.ubj", "XGBOOST"), **SCHEMA})

    assert pytest.approx(model.predict_proba(some.to_numpy())) == pipeline.run({"default": records(some)})["default"]
    nameless = load(tmp_path, model_step("flower.ubj", "XGBOOST"))
    with pytest.raises(Refused, match="'inputColumnNames' has to say them in order"):
        nameless.run({"default": records(some)})


def test_a_model_needs_all_of_its_columns(tmp_path, flowers):
    """A record without one, and an array of another width, are refused with what is missing."""
    joblib.dump(flowers[2], tmp_path / "flower.joblib")
    pipeline = load(tmp_path, model_step("flower.joblib", "SKLEARN"))
    with pytest.raises(Refused, match=r"Row 0 has no petal width \(cm\)"):
        pipeline.run({"default": [dict.fromkeys(COLUMNS[:3], 1.0)]})
    with pytest.raises(Refused, match=r"takes the shape \[\?, 4\], and \[2, 3\] came"):
        pipeline.run({"default": numpy.zeros((2, 3))})
    with pytest.raises(Refused, match="The model does not take these rows: ValueError"):
        pipeline.run({"default": [dict.fromkeys(COLUMNS, "x")]})


def test_pmml_gives_probabilities_and_labels(tmp_path):
    """Its fields come by name, and its classes are the labels."""
    save_logit(tmp_path)
    step = {**model_step("logit.pmml", "PMML"), "@type": "PmmlStep"}
    pipeline = load(tmp_path, step)

    found = pipeline.run({"default": [{"x": 2.0}, {"x": 0}]})["default"]

    assert ["a", "b"] == pipeline.labels
    assert pytest.approx(numpy.array([[CHANCE, 1 - CHANCE], [0.5, 0.5]])) == found
    assert pytest.approx(found) == pipeline.run({"default": numpy.array([2.0, 0.0])})["default"]
    with pytest.raises(Refused, match="'much' is no number"):
        pipeline.run({"default": [{"x": "much"}]})


@pytest.mark.parametrize("wrong", [0, 2, 4])
def test_the_row_that_a_model_does_not_take_is_told(tmp_path, wrong):
    """The model only says that a value is none; the first row with such a value is found."""
    save_logit(tmp_path)
    rows = [{"x": float(number)} if number < wrong else {"x": "much"} for number in range(5)]

    with pytest.raises(Refused, match="'much' is no number") as refused:
        load(tmp_path, model_step("logit.pmml", "PMML")).run({"default": rows})

    assert f"/{wrong}" == refused.value.place


def test_fields_of_a_model_can_be_outputs(tmp_path):
    """Outputs that are called like its fields are these, as records where one is text; columns make records, too."""
    save_logit(tmp_path)
    names = ["predicted_y", "probability_a"]
    arrays = load(tmp_path, model_step("logit.pmml", "PMML", outputNames=names))
    rows = load(tmp_path, model_step("logit.pmml", "PMML", outputColumnNames={"default": names}))
    numbers = load(tmp_path, model_step("logit.pmml", "PMML", outputNames=names[1:]))
    neither = load(tmp_path, model_step("logit.pmml", "PMML", outputNames=["y", "z"]))

    found = arrays.run({"default": [{"x": 2.0}]})

    assert {"predicted_y": [{"predicted_y": "a"}], "probability_a": [{"probability_a": pytest.approx(CHANCE)}]} == found
    assert [{"predicted_y": "a", "probability_a": pytest.approx(CHANCE)}] == rows.run({"default": [{"x": 2.0}]})[
        "default"
    ]
    assert pytest.approx([CHANCE, 0.5]) == numbers.run({"default": [{"x": 2.0}, {"x": 0}]})["probability_a"]
    with pytest.raises(Refused, match="says predicted_y, probability_a, probability_b, and not y, z"):
        neither.run({"default": [{"x": 2.0}]})


def test_probabilities_are_found_in_named_outputs(tmp_path):
    """A PMML file that names its outputs says which class each probability is of; the order is that of the classes."""
    save_logit(
        tmp_path,
        """<Output>
          <OutputField name="said" feature="predictedValue" dataType="string" optype="categorical"/>
          <OutputField name="P(b)" feature="probability" value="b" dataType="double" optype="continuous"/>
          <OutputField name="P(a)" feature="probability" value="a" dataType="double" optype="continuous"/>
        </Output>""",
    )

    found = load(tmp_path, model_step("logit.pmml", "PMML")).run({"default": [{"x": 2.0}]})["default"]

    assert pytest.approx([CHANCE, 1 - CHANCE]) == found[0].tolist()


def test_outputs_without_all_probabilities_are_records(tmp_path):
    """Where a PMML file names its outputs, and they are not the probabilities of all classes, they are the answer."""
    (tmp_path / "golf.pmml").write_bytes((PMML / "golf.pmml").read_bytes())
    pipeline = load(tmp_path, model_step("golf.pmml", "PMML"))

    (found,) = pipeline.run({"default": [{"temperature": 75, "windy": "false", "outlook": "overcast"}]})["default"]

    assert ("may play", ["said", "p_will", "p_may", "sure", "node"]) == (found["said"], list(found))


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_classifier_of_onnx_gives_probabilities(tmp_path, flowers, zipmap):
    """A classifier that scikit-learn's converter has written gives the probabilities, as maps or as an array."""
    rows, _, model = flowers
    floats = rows.to_numpy(numpy.float32)
    converted = to_onnx(model, floats, options={id(model): {"zipmap": zipmap}})
    (tmp_path / "flower.onnx").write_bytes(converted.SerializeToString())
    pipeline = load(tmp_path, {**model_step("flower.onnx"), **SCHEMA})
    some = rows.iloc[ROWS]

    found = pipeline.run({"default": records(some)})["default"]

    assert pytest.approx(model.predict_proba(some), abs=1e-5) == found
    assert found.tolist() == pipeline.run({"default": some.to_numpy()})["default"].tolist()
    assert (["kind 0", "kind 1", "kind 2"] if zipmap else []) == pipeline.labels


def test_all_outputs_of_onnx_can_be_named(tmp_path, flowers):
    """Label and probabilities of a classifier are two outputs where both are named."""
    rows, _, model = flowers
    converted = to_onnx(model, rows.to_numpy(numpy.float32), options={id(model): {"zipmap": False}})
    (tmp_path / "flower.onnx").write_bytes(converted.SerializeToString())
    pipeline = load(tmp_path, model_step("flower.onnx", outputNames=["probabilities", "label"]))

    found = pipeline.run({"default": rows.to_numpy()[:1]})

    assert ["probabilities", "label"] == list(found)
    assert ["kind 0"] == found["label"].tolist()


def test_onnx_takes_records_by_its_inputs(tmp_path):
    """Rows of JSON for a model with an input for each column are taken apart by name."""
    save_sum(tmp_path / "sum.onnx", (None, 1))
    pipeline = load(tmp_path, model_step("sum.onnx", inputNames=["x", "y"], outputNames=["output"]))

    found = pipeline.run({"default": [{"y": 2, "x": 1}, {"x": 0.5, "y": 0}]})

    assert [[3.0], [0.5]] == found["output"].tolist()


def test_a_record_may_hold_the_array_of_a_model(tmp_path, flowers):
    """Records with one column of arrays are these arrays; with several nobody can say which order is meant."""
    rows, _, model = flowers
    converted = to_onnx(model, rows.to_numpy(numpy.float32), options={id(model): {"zipmap": False}})
    (tmp_path / "flower.onnx").write_bytes(converted.SerializeToString())
    joblib.dump(LogisticRegression(max_iter=500).fit(rows.to_numpy(), model.predict(rows)), tmp_path / "flower.pkl")
    some = [{"row": rows.to_numpy()[number].tolist()} for number in ROWS]

    for step in (model_step("flower.onnx"), model_step("flower.pkl", "SKLEARN")):
        pipeline = load(tmp_path, step)
        wanted = pipeline.run({"default": rows.to_numpy()[ROWS]})["default"]
        assert pytest.approx(wanted) == pipeline.run({"default": some})["default"]
        with pytest.raises(Refused, match="'inputColumnNames' has to say them in order"):
            pipeline.run({"default": records(rows.iloc[ROWS])})


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (numpy.zeros((2, 3, 4)), r"The input 'x' takes the shape \[\?, 2\], and \[2, 3, 4\] came"),
        (numpy.zeros((2, 3)), r"The input 'x' takes the shape \[\?, 2\], and \[2, 3\] came"),
        (numpy.array([["a", "b"]]), "The input 'x' takes numbers, and texts came"),
        (numpy.zeros((2, 2)), "The model does not take these inputs"),
    ],
)
def test_onnx_refuses_other_shapes_and_types(tmp_path, x, words):
    """What an input cannot be is told with the shape that it takes and the one that came."""
    save_sum(tmp_path / "sum.onnx", (None, 2))
    pipeline = load(tmp_path, model_step("sum.onnx", inputNames=["x", "y"], outputNames=["output"]))
    with pytest.raises(Refused, match=words):
        pipeline.run({"x": x, "y": numpy.zeros((3, 2))})


def test_whole_numbers_have_to_be_whole(tmp_path):
    """Numbers that an integer input cannot hold are refused, and not cut off."""
    node = helper.make_node("Identity", ["x"], ["y"])
    save_graph(tmp_path / "same.onnx", [node], [("x", "INT32", (None,))], [("y", "INT32", (None,))])
    pipeline = load(
        tmp_path, model_step("same.onnx", types={"outputDataTypes": {"default": "LONG"}}, outputNames=["default"])
    )

    found = pipeline.run({"default": numpy.array([1.0, 2.0])})["default"]

    assert ([1, 2], numpy.int64) == (found.tolist(), found.dtype)
    for value in (1.5, 2.0**40, numpy.nan):
        with pytest.raises(Refused, match="takes numbers of the type int32, and others came"):
            pipeline.run({"default": numpy.array([value])})


def test_an_example_gets_an_axis_of_examples(tmp_path):
    """One image for a network that takes batches of them is a batch of one."""
    node = helper.make_node("GlobalAveragePool", ["image"], ["mean"])
    save_graph(
        tmp_path / "mean.onnx",
        [node],
        [("image", "FLOAT", (None, 3, None, None))],
        [("mean", "FLOAT", (None, 3, 1, 1))],
    )
    pipeline = load(tmp_path, model_step("mean.onnx"))

    assert (1, 3, 1, 1) == pipeline.run({"default": numpy.ones((3, 5, 5))})["default"].shape


def test_an_image_goes_to_a_network(tmp_path):
    """Loaded, resized and normalised, it is what the network sees; its size is not."""
    node = helper.make_node("GlobalAveragePool", ["image"], ["mean"])
    save_graph(
        tmp_path / "mean.onnx", [node], [("image", "FLOAT", (None, 3, 8, 8))], [("mean", "FLOAT", (None, 3, 1, 1))]
    )
    images = {"@type": "ImageLoadingStep", "dimensionsConfigs": {"default": [8, 8, 3]}}
    network = model_step("mean.onnx", inputNames=["image"], normalizationConfig={"config": {"type": "IMAGE"}})
    pipeline = load(tmp_path, images, network)

    found = pipeline.run({"image": numpy.full((30, 20, 3), [255, 51, 0], numpy.uint8)})["default"]

    assert pytest.approx([1.0, 0.2, 0.0], abs=1e-6) == found[0, :, 0, 0].tolist()


@pytest.mark.parametrize(
    ("config", "given", "wanted"),
    [
        ({"type": "standardize", "mean": "1, 2", "stdev": [2, 4]}, [[3.0, 2.0]], [[1.0, 0.0]]),
        ({"type": "MIN_MAX", "min": 0, "max": 4}, [[3.0, 2.0]], [[0.75, 0.5]]),
        ({"type": "IMAGE"}, [[255.0, 51.0]], [[1.0, 0.2]]),
        ({"type": "VGG16"}, [[[[123.68, 116.779, 104.939]]]], [[[[0.0, 0.0, 1.0]]]]),
        ({}, [[1.0]], [[1.0]]),
    ],
)
def test_inputs_are_normalised(tmp_path, config, given, wanted):
    """`normalizationConfig` says what is done to an input before the model sees it."""
    node = helper.make_node("Identity", ["x"], ["y"])
    shape = (None,) * numpy.ndim(given)
    save_graph(tmp_path / "same.onnx", [node], [("x", "FLOAT", shape)], [("y", "FLOAT", shape)])
    pipeline = load(tmp_path, model_step("same.onnx", normalizationConfig={"config": config}))

    found = pipeline.run({"default": numpy.array(given, numpy.float32)})["default"]

    assert pytest.approx(numpy.array(wanted), abs=1e-4) == found


@pytest.mark.parametrize(
    ("config", "member", "words"),
    [
        ({"mean": "1"}, "", "'type' is missing"),
        ({"type": "LOG"}, "/type", "'LOG' is none of STANDARDIZE"),
        ({"type": "STANDARDIZE", "mean": "one", "stdev": 1}, "/mean", "These are no numbers"),
        ({"type": "STANDARDIZE", "stdev": 1}, "", "'mean' is missing"),
        ({"type": "STANDARDIZE", "mean": [], "stdev": 1}, "/mean", "This is no number, and no list"),
        ({"type": "STANDARDIZE", "mean": 1, "stdev": 0}, "/stdev", "A standard deviation is 0"),
        ({"type": "MIN_MAX", "min": 1, "max": 1}, "", "'min' is not less than 'max'"),
    ],
)
def test_a_normalisation_that_is_not_understood_is_told(tmp_path, config, member, words):
    """What is wrong with it is told when the pipeline is loaded."""
    save_sum(tmp_path / "sum.onnx")
    step = model_step("sum.onnx", inputNames=["x", "y"], normalizationConfig={"config": config})
    with pytest.raises(Unusable, match=words) as told:
        load(tmp_path, step)
    assert f"/steps/0/normalizationConfig/config{member}" == told.value.place


@pytest.mark.parametrize(
    ("step", "member", "words"),
    [
        (model_step("m.pb", "TENSORFLOW"), "/modelConfig/modelConfigType/modelType", "needs TensorFlow.*tf2onnx"),
        (model_step("m.h5", "KERAS"), "/modelConfig/modelConfigType/modelType", "needs Keras.*ONNX"),
        (model_step("m.zip", "DL4J"), "/modelConfig/modelConfigType/modelType", "needs Deeplearning4j and Java"),
        (model_step("m.pt", "TORCH"), "/modelConfig/modelConfigType/modelType", "'TORCH' are not served; ONNX, PMML"),
        (model_step("no.onnx"), "/modelConfig/modelConfigType/modelLoadingPath", "There is no file 'no.onnx'"),
        (model_step("bad.onnx"), "/modelConfig/modelConfigType/modelLoadingPath", "onnxruntime cannot read the file"),
        (model_step("bad.onnx", "PMML"), "/modelConfig/modelConfigType/modelLoadingPath", "XML"),
        (model_step("bad.onnx", "SKLEARN"), "/modelConfig/modelConfigType/modelLoadingPath", "."),
        (model_step("bad.onnx", "XGBOOST"), "/modelConfig/modelConfigType/modelLoadingPath", "xgboost cannot read"),
        (
            {**model_step("sum.onnx"), "@type": "PmmlStep"},
            "/modelConfig/modelConfigType/modelType",
            "type PMML, and not ONNX",
        ),
        (model_step("sum.onnx"), "/inputNames", "The model takes x, y, and 'inputNames' says default"),
        (model_step("sum.onnx", inputNames=["x", "z"]), "/inputNames", "The model takes x, y, and"),
        (
            model_step("sum.onnx", inputNames=["x", "y"], outputNames=["a", "b"]),
            "/outputNames",
            "The model gives output, and 'outputNames' says a, b",
        ),
        (
            model_step("sum.onnx", inputNames=["x", "y"], types={"inputDataTypes": {"z": "FLOAT"}}),
            "/modelConfig/tensorDataTypesConfig/inputDataTypes",
            "There is no z; there are x, y",
        ),
    ],
    ids=range(14),
)
def test_a_model_that_cannot_be_asked_is_told(tmp_path, step, member, words):
    """Models of other libraries, files that are none, and names that a model does not have are refused by words."""
    save_sum(tmp_path / "sum.onnx")
    for name in ("bad.onnx", "m.pb", "m.h5", "m.zip", "m.pt"):
        (tmp_path / name).write_bytes(b"this is no model")
    with pytest.raises(Unusable, match=words) as told:
        load(tmp_path, step)
    assert f"/steps/0{member}" == told.value.place
