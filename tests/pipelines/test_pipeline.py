"""Steps one after the other: what gets from one to the next, and what does not."""

from __future__ import annotations

import joblib
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from handlers.pipelines.config import read_configuration
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.flow import as_array, as_records
from handlers.pipelines.pipeline import load_pipeline
from tests.pipelines.made import java, load, model_step, python_step, save_sum, transform_step, write

SPLIT = {
    **python_step("x = a[0]; y = a[1]", {"a": "NDARRAY"}, {"x": "NDARRAY", "y": "NDARRAY"}),
    "inputNames": ["a"],
    "outputNames": ["x", "y"],
}


def sum_step(folder, **names):
    """Return a step that adds."""
    save_sum(folder / "sum.onnx")
    return model_step("sum.onnx", **({"inputNames": ["x", "y"], "outputNames": ["output"]} | names))


def test_a_flower_is_measured_transformed_and_named(tmp_path):
    """Rows are transformed, the model is asked for them by name, and code says what its answer means."""
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    rows.columns = ["sl", "sw", "pl", "pw"]
    joblib.dump(DecisionTreeClassifier(random_state=0).fit(rows, kinds), tmp_path / "tree.joblib")
    inches = [("Double", name) for name in rows.columns]
    to_cm = [
        ("DoubleMathOpTransform", {"columnName": name, "mathOp": "Multiply", "scalar": 2.54}) for name in rows.columns
    ]
    say = python_step(
        "kind = ['setosa', 'versicolor', 'virginica'][int(p.argmax())]", {"p": "NDARRAY"}, {"kind": "STR"}
    )
    pipeline = load(tmp_path, transform_step(inches, *to_cm), model_step("tree.joblib", "SKLEARN"), say)

    found = pipeline.run({"default": [(rows.iloc[120] / 2.54).to_dict()]})

    assert {"default": [{"kind": "virginica"}]} == found


def test_a_model_is_not_asked_of_no_rows(tmp_path):
    """Where a filter has dropped all rows, the answer has none either."""
    joblib.dump(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), tmp_path / "tree.joblib")
    below = {"columnName": "a", "op": "LessThan", "value": 0}
    drop = ("ConditionFilter", {"condition": java("condition.column.DoubleColumnCondition", **below)}, "filter")
    model = {**model_step("tree.joblib", "SKLEARN"), "inputColumnNames": {"default": ["a"]}}
    pipeline = load(tmp_path, transform_step([("Double", "a")], drop), model)

    assert [[0.0, 1.0]] == pipeline.run({"default": [{"a": 1}, {"a": -1}]})["default"].tolist()
    assert [] == pipeline.run({"default": [{"a": -1}]})["default"]


def test_values_go_by_name(tmp_path):
    """Outputs that are called like the inputs of the next step are these, in whatever order they are made."""
    turned = {**SPLIT, "outputNames": ["y", "x"]}
    less = python_step("z = x - y", {"x": "NDARRAY", "y": "NDARRAY"}, {"z": "NDARRAY"})
    pipeline = load(tmp_path, turned, {**less, "inputNames": ["x", "y"], "outputNames": ["z"]})

    assert [-1, -2] == pipeline.run({"a": numpy.array([[1, 2], [2, 4]])})["z"].tolist()


def test_values_with_other_names_go_by_place(tmp_path):
    """As many outputs as inputs go in their order where their names differ."""
    left = {**SPLIT, "outputNames": ["x", "y"]}
    less = python_step("z = p - q", {"p": "NDARRAY", "q": "NDARRAY"}, {"z": "NDARRAY"})
    pipeline = load(tmp_path, left, {**less, "inputNames": ["p", "q"], "outputNames": ["z"]})

    assert [-1, -2] == pipeline.run({"a": numpy.array([[1, 2], [2, 4]])})["z"].tolist()


def test_columns_of_records_are_inputs_of_a_model(tmp_path):
    """What code makes row by row is taken apart into the inputs of the model after it."""
    code = python_step("x = n; y = n * 10", {"n": "FLOAT"}, {"x": "FLOAT", "y": "FLOAT"})
    pipeline = load(tmp_path, code, sum_step(tmp_path))

    assert [11.0, 22.0] == pipeline.run({"default": [{"n": 1}, {"n": 2}]})["output"].tolist()


def test_several_outputs_are_columns_of_one_input(tmp_path):
    """Arrays of a model with several outputs are variables of the code after it, whole."""
    joined = python_step("c = [x.sum(), y.sum()]", {"x": "NDARRAY", "y": "NDARRAY"}, {"c": "LIST"})
    pipeline = load(tmp_path, SPLIT, joined)

    assert [{"c": [3, 6]}] == pipeline.run({"a": numpy.array([[1, 2], [2, 4]])})["default"]


def test_records_of_several_outputs_are_joined(tmp_path):
    """Records under several names become rows of one input that has columns of these names, row by row."""
    code = {**python_step("x = n; y = -n", {"n": "INT"}, {"x": "INT", "y": "INT"}), "outputNames": ["x", "y"]}
    after = python_step("z = x * y", {"x": "INT", "y": "INT"}, {"z": "INT"})
    pipeline = load(tmp_path, code, after)

    assert [{"z": -4}, {"z": -9}] == pipeline.run({"default": [{"n": 2}, {"n": 3}]})["default"]


def test_values_that_do_not_fit_after_all_are_refused(tmp_path):
    """Records whose columns are not the inputs of the next step are refused when they come."""
    expand = {"@type": "JsonExpanderTransformStep", "inputNames": ["default"]}
    pipeline = load(tmp_path, expand, sum_step(tmp_path))

    assert [3.0] == pipeline.run({"default": [{"json": '{"x": 1, "y": 2}'}]})["output"].tolist()
    with pytest.raises(Refused, match="Step 1, a ModelStep: The step takes x, y, and the one before gives default"):
        pipeline.run({"default": [{"json": '{"x": 1}'}]})


def test_what_fails_is_told_with_its_step(tmp_path):
    """In a pipeline of several steps words begin with the one that refuses; a place in a value in between is none."""
    first = python_step("b = a", {"a": "INT"}, {"b": "INT"})
    second = python_step("c = 1 / b", {"b": "INT"}, {"c": "FLOAT"})
    pipeline = load(tmp_path, first, second)
    with pytest.raises(Refused, match=r"^Step 1, a PythonStep: The code raised ZeroDivisionError") as told:
        pipeline.run({"default": [{"a": 0}]})
    assert "" == told.value.place
    with pytest.raises(Refused, match=r"^Step 0, a PythonStep: 'a' in row 0 has to be INT") as told:
        pipeline.run({"default": [{"a": "x"}]})
    assert "/0/a" == told.value.place


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (python_step("z = 1", {}, {"z": "INT"}), "The step takes x, y, and the one before gives default"),
        (
            python_step("x, y, z = a", {"a": "NDARRAY"}, dict.fromkeys("xyz", "NDARRAY")) | {"outputNames": [*"xyz"]},
            None,
        ),
        ({"@type": "JsonExpanderTransformStep", "inputNames": ["default"]}, None),
    ],
)
def test_steps_that_do_not_fit_are_told(tmp_path, before, words):
    """Where one step can never give what the next one takes, that is told before anything runs."""
    if words is None:
        assert ["output"] == load(tmp_path, before, sum_step(tmp_path)).output_names
        return
    with pytest.raises(Unusable, match=words) as told:
        load(tmp_path, before, sum_step(tmp_path))
    assert "/steps/1/inputNames" == told.value.place


def test_a_class_of_java_is_refused(tmp_path):
    """A CustomPipelineStep names a class that no server without Java can run."""
    with pytest.raises(Unusable, match="a class of Java") as told:
        load(tmp_path, {"@type": "CustomPipelineStep", "customUdfClazz": "ai.konduit.Mine"})
    assert "/steps/0/@type" == told.value.place


def test_a_large_array_is_no_pipeline(tmp_path):
    """A configuration without steps can be read, but not run."""
    configuration = read_configuration(write(tmp_path, {"memMapConfig": {"arrayPath": "big.npy"}}, "big.npy"))
    with pytest.raises(Unusable, match="one of a large array"):
        load_pipeline(configuration, tmp_path)


def test_a_pipeline_tells_what_it_is(tmp_path):
    """Inputs, outputs, formats and steps are told as JSON has it."""
    first = python_step("x = n; y = n", {"n": "FLOAT"}, {"x": "FLOAT", "y": "FLOAT"})

    assert {
        "inputs": ["default"],
        "outputs": ["output"],
        "columns": {"inputs": {"default": {"n": "Float"}}, "outputs": {}},
        "takes": ["ARROW", "NUMPY", "JSON", "IMAGE"],
        "gives": ["ARROW", "JSON", "ND4J", "NUMPY"],
        "predictions": ["CLASSIFICATION", "YOLO", "SSD", "RCNN", "RAW", "REGRESSION"],
        "labels": [],
        "steps": [
            {"kind": "PythonStep", "inputs": ["default"], "outputs": ["default"]},
            {"kind": "ModelStep", "inputs": ["x", "y"], "outputs": ["output"]},
        ],
    } == load(tmp_path, first, sum_step(tmp_path)).describe()


columns = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True)


@given(columns, st.data())
def test_records_of_an_array_are_that_array(names, data):
    """An array that becomes records and an array again is the same."""
    numbers = st.floats(allow_nan=False, width=32) if data.draw(st.booleans()) else st.integers(-(2**63), 2**63 - 1)
    rows = data.draw(st.lists(st.lists(numbers, min_size=len(names), max_size=len(names)), min_size=1, max_size=4))
    array = numpy.array(rows)

    again = as_array(as_records(array, names, "default"), names, "default")

    assert array.tolist() == again.tolist()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"a": 1, "b": "x"}], "partly text and partly numbers"),
        ([{"a": 1, "b": [1, 2]}], "not all of single values"),
        ([{"a": 1}], "Row 0 has no 'b'"),
        ([{"a": {}, "b": 1}], "The values of 'a' are not of one type and shape"),
        ([{"a": 1, "b": 1}, {"a": "x", "b": 1}], "The values of 'a' are not all numbers, or all texts"),
    ],
)
def test_records_that_are_no_array_are_refused(rows, words):
    """Columns of different kinds are not one array, and nothing is turned into text to make them so."""
    with pytest.raises(Refused, match=words):
        as_array(rows, ["a", "b"], "default")
