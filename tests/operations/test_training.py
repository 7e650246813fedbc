"""The operations `train-classifier` and `predict-class`, on real data."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from handlers.errors import InputInvalid, OperationFailed
from handlers.operations import predict_class, train_classifier
from handlers.operations.values import AssetFile


class Heard:
    """A report that remembers."""

    def __init__(self):
        self.percents = []
        self.lines = []

    def __call__(self, percent, message=""):
        self.percents.append(percent)

    def log(self, line):
        self.lines.append(line)


def as_asset(path):
    """Return a file as an operation gets it."""
    return AssetFile(did=f"did:{path}", name=path.name, content_type="", path=path, size=path.stat().st_size)


@pytest.fixture
def table(tmp_path):
    """Write a table of text and give it as an asset."""

    def write(text):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return as_asset(path)

    return write


@pytest.mark.parametrize("algorithm", ["forest", "logistic"])
def test_a_trained_model_predicts_digits_that_it_has_not_seen(algorithm, digits, tmp_path):
    """Trained on handwritten digits, either algorithm knows at least 95 % of those kept apart."""
    trained = train_classifier.run(digits, "digit", algorithm=algorithm, directory=tmp_path)

    assert trained["metrics"]["accuracy"] >= 0.95
    assert list(range(10)) == trained["classes"]
    assert 1797 == trained["metrics"]["train_rows"] + trained["metrics"]["test_rows"]


def test_the_model_file_predicts_what_was_trained(iris, tmp_path):
    """Labels that are words come back as words, with probabilities in the order of the classes."""
    trained = train_classifier.run(iris, "species", algorithm="logistic", directory=tmp_path)
    model = as_asset(trained["model"].path)

    outputs = predict_class.run(model, [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])

    assert ["setosa", "virginica"] == outputs["labels"]
    assert ["setosa", "versicolor", "virginica"] == outputs["classes"] == trained["classes"]
    assert [0, 2] == [int(np.argmax(row)) for row in outputs["probabilities"]]
    assert [pytest.approx(1), pytest.approx(1)] == [sum(row) for row in outputs["probabilities"]]


def test_rows_by_name_and_by_order_predict_the_same(iris, tmp_path):
    """An object by feature names, in any order, is the same row as the list."""
    trained = train_classifier.run(iris, "species", algorithm="logistic", directory=tmp_path)
    model = as_asset(trained["model"].path)
    row = [6.0, 2.2, 4.0, 1.0]
    named = dict(reversed(list(zip(trained["features"], row, strict=True))))

    outputs = predict_class.run(model, [row, named])

    assert outputs["probabilities"][0] == outputs["probabilities"][1]


def test_training_reports_progress_that_only_grows(iris, tmp_path):
    """Percents rise from 0 to 100, tree by tree, and the accuracy is logged."""
    heard = Heard()

    train_classifier.run(iris, "species", directory=tmp_path, report=heard)

    assert (0, 100) == (heard.percents[0], heard.percents[-1])
    assert sorted(heard.percents) == heard.percents
    assert len(heard.percents) > train_classifier.TREES / train_classifier.TREES_A_STEP
    assert ["accuracy"] == [line.split()[0] for line in heard.lines]


def test_the_same_seed_trains_the_same_model(iris, tmp_path):
    """Training is a function of its inputs."""
    first = train_classifier.run(iris, "species", seed=7, directory=tmp_path)

    second = train_classifier.run(iris, "species", seed=7, directory=tmp_path)

    assert first["metrics"] == second["metrics"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,x\nfoo,y\n", ["Line 3", "'a'", "'foo'"]),
        ("a,b\n1,x\n2\n", ["Line 3", "1 cells"]),
        ("a,b\n1,x\n2,\n", ["Line 3", "no label"]),
        ("a,b\n1,x\ninf,y\n", ["Line 3", "no finite number"]),
        ("a,b\n1,x\n2,x\n", ["only one label"]),
        ("a,b\n", ["no rows"]),
        ("b\nx\ny\n", ["a column beside the label"]),
        ("a,a,b\n1,1,x\n", ["needs a different name", "'a'"]),
        (b"a,b\n\xff\xfe,x\n", ["no CSV in UTF-8"]),
        ('a,b\n"1,x\n', ["no CSV in UTF-8"]),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused_with_the_line(text, words, table, tmp_path):
    """What is wrong with a table is said with line and column."""
    with pytest.raises(OperationFailed) as caught:
        train_classifier.run(table(text), "b", directory=tmp_path)

    assert [] == [word for word in words if word not in caught.value.detail]


def test_an_unknown_target_is_a_fault_of_that_input(iris, tmp_path):
    """The fault names the input `target`, and the columns that there are."""
    with pytest.raises(InputInvalid) as caught:
        train_classifier.run(iris, "colour", directory=tmp_path)

    assert ["/target"] == [fault.place for fault in caught.value.faults]
    assert "species" in caught.value.faults[0].detail


def test_a_label_seen_once_does_not_stop_the_training(table, tmp_path):
    """A label too rare for both parts is split by chance, and the metrics stay finite numbers."""
    text = "a,b\n" + "".join(f"{i},{'x' if i % 2 else 'y'}\n" for i in range(40)) + "99,z\n"

    trained = train_classifier.run(table(text), "b", directory=tmp_path)

    assert 41 == trained["metrics"]["train_rows"] + trained["metrics"]["test_rows"]
    json.dumps(trained["metrics"], allow_nan=False)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1.0, 2.0], "2 features"),
        ([1.0, 2.0, 3.0, 4.0, 5.0], "5 features"),
        ([1e300, 0, 0, 0], "larger than the model can read"),
        ({"petal length (cm)": 1.0}, "is missing"),
    ],
)
def test_a_row_that_does_not_fit_is_a_fault_with_its_index(row, words, iris, tmp_path):
    """The second row is wrong, so the fault's place is `/rows/1`."""
    trained = train_classifier.run(iris, "species", algorithm="logistic", directory=tmp_path)

    with pytest.raises(InputInvalid) as caught:
        predict_class.run(as_asset(trained["model"].path), [[1.0, 2.0, 3.0, 4.0], row])

    assert ["/rows/1"] == [fault.place for fault in caught.value.faults]
    assert words in caught.value.detail


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 50], ids=["empty", "text", "noise"])
def test_what_is_no_model_is_refused(content, tmp_path):
    """Bytes that are no ONNX model end in a clear failure."""
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(OperationFailed):
        predict_class.run(as_asset(path), [[1.0]])


def test_a_model_that_points_at_other_files_is_refused(tmp_path):
    """A tensor kept in another file would let the model's author read our files, so it is refused before loading."""
    tensor = helper.make_tensor("stolen", TensorProto.FLOAT, [1], np.zeros(1, np.float32).tobytes(), raw=True)
    onnx.external_data_helper.set_external_data(tensor, "../../../../../../etc/hostname")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    node = helper.make_node("Add", ["rows", "stolen"], ["out"])
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 1])
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(helper.make_graph([node], "g", [rows], [out], [tensor])).SerializeToString())

    with pytest.raises(OperationFailed, match="other files"):
        predict_class.run(as_asset(path), [[1.0]])


def test_a_graph_that_is_no_classifier_is_refused(tmp_path):
    """One output is no label with probabilities."""
    node = helper.make_node("Identity", ["rows"], ["out"])
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 1])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(helper.make_graph([node], "g", [rows], [out]), opset_imports=opset, ir_version=8)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())

    with pytest.raises(OperationFailed, match="no classifier"):
        predict_class.run(as_asset(path), [[1.0]])


def test_a_replaced_model_is_read_again(iris, tmp_path):
    """Another file at the same path is another model."""
    path = train_classifier.run(iris, "species", algorithm="logistic", directory=tmp_path)["model"].path
    before = predict_class.run(as_asset(path), [[5.9, 3.0, 4.2, 1.5]])

    train_classifier.run(iris, "species", algorithm="forest", directory=tmp_path)
    after = predict_class.run(as_asset(path), [[5.9, 3.0, 4.2, 1.5]])

    assert before["probabilities"] != after["probabilities"]


def test_csv_with_a_byte_order_mark_is_read(iris, tmp_path):
    """A mark at the beginning, as spreadsheets write it, is no part of the first column's name."""
    path = tmp_path / "marked.csv"
    path.write_bytes(b"\xef\xbb\xbf" + iris.path.read_bytes())

    trained = train_classifier.run(as_asset(path), "species", algorithm="logistic", directory=tmp_path)

    with iris.path.open() as file:
        assert next(csv.reader(file))[:-1] == trained["features"]


def test_no_process_of_ours_reports_to_the_maker_of_a_library():
    """Whoever imports anything of ours has onnxruntime's telemetry turned off before it can be imported."""
    code = "import handlers.settings, os, sys; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert ["1", "False"] == done.stdout.split()
