"""The operation `annotate`, with models that `train-classifier` makes."""

import csv

import pytest
from onnx import TensorProto, helper

from handlers.errors import InputInvalid, OperationFailed
from handlers.operations import annotate as operation
from handlers.operations import predict_class, train_classifier
from tests.operations.conftest import as_asset


@pytest.fixture(scope="module")
def model(iris, tmp_path_factory):
    """A model that knows the species of an iris."""
    folder = tmp_path_factory.mktemp("model")
    made = train_classifier.run(iris, "species", algorithm="logistic", directory=folder)
    return as_asset(made["model"].path)


@pytest.fixture(scope="module")
def nameless(tmp_path_factory):
    """A model that reads two numbers, and names neither them nor its classes."""
    nodes = [
        helper.make_node("Softmax", ["rows"], ["shares"]),
        helper.make_node("ArgMax", ["shares"], ["label"], axis=1, keepdims=0),
    ]
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])
    label = helper.make_tensor_value_info("label", TensorProto.INT64, [None])
    shares = helper.make_tensor_value_info("shares", TensorProto.FLOAT, [None, 2])
    graph = helper.make_graph(nodes, "larger", [rows], [label, shares])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("nameless") / "larger.onnx"
    path.write_bytes(made.SerializeToString())
    return as_asset(path)


@pytest.fixture
def table(tmp_path):
    """Write a CSV file and give it as an asset."""

    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return as_asset(path)

    return write


def rows_of(outputs):
    """Return the rows of the table that was made."""
    with outputs["predictions"].path.open(newline="") as file:
        return list(csv.reader(file))


def test_each_row_gets_the_label_that_the_model_predicts(iris, model, tmp_path):
    """The table is the same but for one more column, which says what `predict-class` says."""
    with iris.path.open(newline="") as file:
        header, *rows = csv.reader(file)

    outputs = operation.run(iris, model, directory=tmp_path)

    found = rows_of(outputs)
    predicted = predict_class.run(model, [[float(cell) for cell in row[:4]] for row in rows])
    assert [*header, "predclass"] == found[0]
    assert [[*row, label] for row, label in zip(rows, predicted["labels"], strict=True)] == found[1:]
    assert (150, ["predclass"], predicted["classes"]) == (outputs["rows"], outputs["columns"], outputs["classes"])


def test_batches_do_not_show(iris, model, tmp_path, monkeypatch):
    """Predicted seven at a time, the rows get the same labels and probabilities."""
    whole = rows_of(operation.run(iris, model, probabilities=True, directory=tmp_path))

    monkeypatch.setattr(operation, "BATCH_CELLS", 7 * 5)

    assert whole == rows_of(operation.run(iris, model, probabilities=True, directory=tmp_path))


def test_probabilities_get_a_column_for_each_class(iris, model, tmp_path):
    """They are called after label and class, and sum to 1."""
    outputs = operation.run(iris, model, label_column="kind", probabilities=True, directory=tmp_path)

    header, *rows = rows_of(outputs)
    assert ["kind", "kind_setosa", "kind_versicolor", "kind_virginica"] == header[5:] == outputs["columns"]
    assert [pytest.approx(1)] * 150 == [sum(map(float, row[6:])) for row in rows]


def test_columns_are_found_by_name_in_any_order(table, nameless, tmp_path):
    """The list of features says which column is which; a model that does not name its classes counts them."""
    asset = table("b,note,a\n1,x,2\n5,y,3\n")

    outputs = operation.run(asset, nameless, features=["a", "b"], directory=tmp_path)

    assert [["1", "x", "2", "0"], ["5", "y", "3", "1"]] == rows_of(outputs)[1:]
    assert [0, 1] == outputs["classes"]


@pytest.mark.parametrize(
    ("inputs", "place", "words"),
    [
        ({}, "/features", "does not name its features"),
        ({"features": ["a"]}, "/features", "1 features; the model reads 2"),
        ({"features": ["a", "z"]}, "/features", "no column 'z' among a, b, c"),
        ({"features": ["a", "b"], "label_column": "c"}, "/label_column", "a column 'c' already"),
        ({"features": ["a", "b"], "label_column": "\ud800"}, "/label_column", "no UTF-8"),
    ],
)
def test_columns_that_do_not_fit_are_faults_of_the_inputs(inputs, place, words, table, nameless, tmp_path):
    """Each fault names its input."""
    with pytest.raises(InputInvalid) as caught:
        operation.run(table("a,b,c\n1,2,3\n"), nameless, **inputs, directory=tmp_path)

    assert [place] == [fault.place for fault in caught.value.faults]
    assert words in caught.value.faults[0].detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n1,x\n", "Line 3, column 'b': 'x' is no finite number"),
        ("a,b\n1,2\n1,\n", "Line 3, column 'b'"),
        ("a,b\n1,2\n1,1e300\n", "Line 3 has a number that is larger"),
        ("a,b,b\n1,2,3\n", "'b' is there twice"),
    ],
)
def test_a_table_that_cannot_be_predicted_is_refused_with_its_line(text, words, table, nameless, tmp_path):
    """What is wrong with a table is said with line and column."""
    with pytest.raises(OperationFailed, match=words):
        operation.run(table(text), nameless, features=["a", "b"], directory=tmp_path)
