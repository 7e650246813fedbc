"""Whole requests to Konduit's API, answered by real hosts; every answer is checked against the specification."""

from __future__ import annotations

import base64
import io
import uuid
import zipfile

import joblib
import numpy
import pyarrow
import pytest
from onnx import helper, numpy_helper
from PIL import Image
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from handlers.pipelines.wire.binaryserde import read_binaryserde, write_binaryserde
from tests.pipelines.made import model_step, python_step, save_graph, save_sum
from tests.pipelines.serving import from_npy, npy, serve
from tests.pipelines.test_real import ADD_TWO, APPEND
from tests.pipelines.wire.arrowfiles import written

COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
ROWS = [0, 60, 120]


@pytest.fixture(scope="module")
def adding(here, tmp_path_factory):
    """The reference's first configuration: Python that adds two to a number of JSON."""
    return serve(here, tmp_path_factory.mktemp("adding"), document=ADD_TWO)


@pytest.fixture(scope="module")
def doubling(here, tmp_path_factory):
    """Python that doubles an array."""
    return serve(
        here, tmp_path_factory.mktemp("doubling"), python_step("b = a * 2", {"a": "NDARRAY"}, {"b": "NDARRAY"})
    )


@pytest.fixture(scope="module")
def total(here, tmp_path_factory):
    """The reference's second configuration: a model that adds `x` and `y`, answered as `.npy`."""
    folder = tmp_path_factory.mktemp("total")
    save_sum(folder / "sum.onnx")
    step = model_step("sum.onnx", inputNames=["x", "y"], outputNames=["output"])
    return serve(here, folder, step, outputDataFormat="NUMPY")


@pytest.fixture(scope="module")
def flowers():
    """The iris data, and a classifier that was fitted to them."""
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    rows.columns = COLUMNS
    return rows, LogisticRegression(max_iter=500).fit(
        rows, kinds.map(["setosa", "versicolor", "virginica"].__getitem__)
    )


@pytest.fixture(scope="module")
def iris(here, flowers, tmp_path_factory):
    """A classifier of flowers that is asked by the names of columns."""
    folder = tmp_path_factory.mktemp("iris")
    joblib.dump(flowers[1], folder / "iris.joblib")
    columns = {"inputColumnNames": {"default": COLUMNS}, "inputSchemas": {"default": ["Double"] * 4}}
    return serve(here, folder, model_step("iris.joblib", "SKLEARN", **columns))


@pytest.fixture(scope="module")
def several(here, tmp_path_factory):
    """A model whose input has a colon in its name, and which has two outputs."""
    folder = tmp_path_factory.mktemp("several")
    nodes = [
        helper.make_node("ReduceMax", ["next:0"], ["max"], axes=[0], keepdims=0),
        helper.make_node("ReduceMean", ["next:0"], ["mean/all"], axes=[0], keepdims=0),
    ]
    outputs = [(name, "FLOAT", (2,)) for name in ("max", "mean/all")]
    save_graph(folder / "two.onnx", nodes, [("next:0", "FLOAT", (None, 2))], outputs)
    return serve(here, folder, model_step("two.onnx", inputNames=["next:0"], outputNames=["max", "mean/all"]))


def test_two_is_added_to_a_number(adding):
    """`{"first": 2}` becomes `[{"second": 4}]`; many rows are as many."""
    assert [{"second": 4}] == adding.ask("/raw/json", {"first": 2})
    assert [{"second": 0}, {"second": 9}] == adding.ask("/RAW/JSON", [{"first": -2}, {"first": 7}])
    assert [{"second": 4}] == adding.ask("/JSON/json", {"first": 2}), "JSON is another word for RAW"
    assert [{"second": 4}] == adding.ask("/rAw/json?shape=bare", {"first": 2}), "records are bare already"


def test_rows_that_do_not_fit_are_refused_by_their_place(adding):
    """A value of another type, a missing column and one too many are told where they stand, a strange word too."""
    assert "/1/first" == adding.fault("/raw/json", [{"first": 2}, {"first": "two"}])[0]
    assert "/first" == adding.fault("/raw/json", {"first": "two"})[0], "the body is the row"
    assert ("", "Row 0 has no 'first'.") == adding.fault("/raw/json", {"second": 2})
    strange = "Row 1 has 'second', which is no column."
    assert ("/1", strange) == adding.fault("/raw/json", [{"first": 1}, {"first": 1, "second": 2}])
    assert "none of CLASSIFICATION, YOLO, SSD" in adding.fault("/nonsense/json", {"first": 2})[1]
    place, words = adding.fault("/classification/json", {"first": 2})
    assert ("predictionType", True) == (place, "PythonStep, allows RAW" in words)
    place, words = adding.fault("/raw/nd4j", [("default", b"")])
    assert ("inputDataFormat", True) == (place, "PythonStep, takes" in words)


def holding(fault, words):
    """Return the place of a fault, and whether it is told in such words."""
    return fault[0], words in fault[1]


def test_a_value_of_a_column_is_told_by_its_place(total):
    """Where values of a column do not fit each other, that which is another is told; where all do not, the input is."""
    rows = [{"x": 1, "y": 2}, {"x": 1, "y": "two"}]
    assert ("/1/y", True) == holding(total.fault("/raw/json", rows), "That of row 1 is another.")
    assert "/x" == total.fault("/raw/json", {"x": "one", "y": "two"})[0]
    assert ("/1", "There is no 'y'.") == total.fault("/raw/json", [{"x": 1, "y": 2}, {"x": 2}])


def test_code_that_raises_is_told_by_its_row(here, tmp_path):
    """Of many rows of JSON it is that at which the code failed; in a file it is the part."""
    step = python_step("b = 1 / a", {"a": "FLOAT"}, {"b": "FLOAT"})
    served = serve(here, tmp_path, step)

    assert ("/2", True) == holding(served.fault("/raw/json", [{"a": 1}, {"a": 2}, {"a": 0}]), "ZeroDivisionError")
    assert ("/default", True) == holding(served.fault("/raw/numpy", [("default", npy([1, 0]))]), "ZeroDivisionError")


def test_an_array_goes_through_python(doubling):
    """As nested lists, as `.npy`, or as several files that are stacked; the answer is an array with a UUID."""
    found = doubling.ask("/raw/json", {"a": [[1, 2], [3, 4.5]]})["default"]
    stacked = doubling.send("/raw/numpy", [("default[1]", npy([3, 4])), ("default[0]", npy([1, 2]))]).json["default"]

    assert {"dataType": "DOUBLE", "shape": [2, 2], "data": [2, 4, 6, 9]} == found["ndArray"]
    assert {"dataType": "FLOAT", "shape": [2, 2], "data": [2, 4, 6, 8]} == stacked["ndArray"]
    assert 4 == uuid.UUID(found["batchId"]).version
    assert found["batchId"] != stacked["batchId"]
    assert [6, None] == doubling.ask("/raw/json?shape=bare", {"a": [3, None]})["ndArray"]["data"], "NaN is null"


def test_two_named_arrays_are_added(total):
    """`/numpy/numpy` with `x` and `y` gives an `.npy` file of their sum; the words may be in any case."""
    parts = [("x", npy([1, 2])), ("y", npy([2, 3]))]
    for path in ("/numpy/numpy", "/NUMPY/NUMPY", "/raw/Numpy", "/rAw/nuMPY"):
        answer = total.send(path, parts)
        assert ([3, 5], "f4") == (from_npy(answer).tolist(), from_npy(answer).dtype)
        assert "application/octet-stream" == answer.content_type


def test_nd4j_and_arrow_go_in_and_out(total):
    """BinarySerde comes and goes as Konduit's clients write it, and a tensor of Arrow goes."""
    parts = [(name, write_binaryserde(numpy.array(values, "f4"))) for name, values in (("x", [1, 2]), ("y", [2, 3]))]

    assert [3, 5] == read_binaryserde(total.send("/nd4j/nd4j", parts).data).tolist()
    assert [3, 5] == read_binaryserde(total.send("/ND4J/ND4J", parts).data).tolist()
    tensor = pyarrow.ipc.read_tensor(pyarrow.BufferReader(total.send("/arrow/nd4j", parts).data))
    assert [3, 5] == tensor.to_numpy().tolist()
    assert [3, 5] == total.send("/json/nd4j", parts).json["output"]["ndArray"]["data"]


def test_the_inputs_of_a_model_are_columns_too(total):
    """JSON has a member for each input, and is answered in JSON whatever the configuration says."""
    assert [3, 5] == total.ask("/raw/json", [{"x": 1, "y": 2}, {"x": 2, "y": 3}])["output"]["ndArray"]["data"]


def test_parts_have_to_be_the_inputs(total):
    """A file for no input, an input without a file, two files of one name, and no file at all are told by name."""
    x, y = ("x", npy([1, 2])), ("y", npy([2, 3]))

    assert "/z" == total.fault("/raw/numpy", [x, y, ("z", npy([1]))])[0]
    assert ("/y", "There is no file for the input 'y'.") == total.fault("/raw/numpy", [x])
    assert ("/x", "Two files have this name.") == total.fault("/raw/numpy", [x, x, y])
    assert "There is no file" in total.fault("/raw/numpy", [("x", "1,2"), y])[1], "a text is no file"
    assert [3, 5] == from_npy(total.send("/raw/numpy", [x, y, ("note", "text")])).tolist()
    unnamed = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + npy([1]) + b"\r\n--b--\r\n"
    answer = total.call("/raw/numpy", 400, data=unnamed, content_type="multipart/form-data; boundary=b")
    assert "a part that is a file has a filename" in answer.json["detail"]


@pytest.mark.parametrize("form", ["numpy", "nd4j", "image"])
def test_garbage_is_refused_by_the_name_of_its_part(total, form):
    """What is not of the format is a 400, whatever it is."""
    good = {"numpy": npy([1]), "nd4j": write_binaryserde(numpy.ones(1, "f4")), "image": png([[0]])}[form]
    for data in (
        b"",
        b"\x00",
        b"garbage" * 100,
        good[: len(good) // 2],
        npy([1], "O") if form == "numpy" else b"\xff" * 64,
    ):
        assert "/y" == total.fault(f"/raw/{form}", [("x", good), ("y", data)])[0]


def test_classes_of_rows(iris, flowers):
    """By columns, as one array or in parts: decisions, probabilities and names of the classes."""
    rows, model = flowers
    some = rows.iloc[ROWS]
    found = iris.ask("/classification/json", some.to_dict(orient="records"))["default"]
    whole = iris.send("/CLASSIFICATION/numpy", [("default", npy(some, "f8"))]).json["default"]
    parts = [(f"default[{number}]", npy(rows.iloc[row], "f8")) for number, row in enumerate(ROWS)]
    several = iris.send("/classification/NUMPY?shape=bare", parts).json

    assert "ClassifierOutput" == found["@type"]
    assert [0, 1, 2] == found["decisions"] == whole["decisions"] == several["decisions"]
    assert ["setosa", "versicolor", "virginica"] == found["labels"]
    numpy.testing.assert_allclose(found["probabilities"], model.predict_proba(some))
    numpy.testing.assert_allclose(whole["probabilities"], several["probabilities"])


def test_numbers_of_rows(iris, flowers):
    """REGRESSION and RAW say the same numbers, the one row by row, the other as an array."""
    rows, model = flowers
    sent = rows.iloc[ROWS].to_dict(orient="records")
    regression = iris.ask("/regression/json", sent)["default"]
    raw = iris.ask("/raw/json", sent)["default"]["ndArray"]

    assert "RegressionOutput" == regression["@type"]
    assert [3, 3] == raw["shape"]
    assert numpy.ravel(regression["values"]).tolist() == raw["data"]
    numpy.testing.assert_allclose(regression["values"], model.predict_proba(rows.iloc[ROWS]))


def test_octets_are_never_json(iris, flowers):
    """Who accepts bytes only gets an `.npy` file, where the configuration says JSON."""
    sent = [("default", npy(flowers[0].iloc[ROWS], "f8"))]

    answer = iris.send("/raw/numpy", sent, headers={"Accept": "application/octet-stream"})

    assert (3, 3) == from_npy(answer).shape
    assert "application/json" == iris.send("/raw/numpy", sent).content_type


def test_json_is_answered_to_who_reads_nothing_else(total):
    """Clients that are generated accept JSON only, and could not read the `.npy` file that the configuration says."""
    parts = [("x", npy([1, 2])), ("y", npy([2, 3]))]

    only = total.send("/raw/numpy", parts, headers={"Accept": "application/json"})
    too = total.send("/raw/numpy", parts, headers={"Accept": "application/json, text/plain, */*"})

    assert [3, 5] == only.json["output"]["ndArray"]["data"]
    assert "application/octet-stream" == too.content_type


def test_rcnn_is_not_built(iris):
    """The word is in the API, and nobody has ever made anything of it."""
    iris.ask("/rcnn/json", dict.fromkeys(COLUMNS, 1), 501)
    iris.send("/RCNN/numpy", [("default", npy([[1, 2, 3, 4]]))], 501)


def test_several_outputs_are_one_zip_file(several):
    """Each under its name; a space in the name of a part stands for a colon."""
    sent = [("next 0", npy([[1, 2], [3, 6]]))]
    answer = several.send("/numpy/numpy", sent)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as file:
        found = {name: numpy.load(io.BytesIO(file.read(name))).tolist() for name in file.namelist()}

    assert "application/zip" == answer.content_type
    assert {"max": [3, 6], "mean/all": [2, 4]} == found


def test_several_outputs_have_one_batch(several):
    """All outputs of a request have its UUID; of several none is the bare one."""
    sent = [("next:0[0]", npy([1, 2])), ("next 0[1]", npy([3, 6]))]
    found = several.send("/raw/numpy", sent).json

    assert {"max": [3, 6], "mean/all": [2, 4]} == {name: one["ndArray"]["data"] for name, one in found.items()}
    assert 1 == len({one["batchId"] for one in found.values()})
    assert "shape" == several.fault("/raw/numpy?shape=bare", sent)[0]


def test_a_text_is_appended(here, tmp_path):
    """One row of text is an object, several are a list; records come and go as files of Arrow."""
    served = serve(here, tmp_path, document=APPEND)
    arrow = served.send("/arrow/arrow", [("default", written({"first": ["a", "b"]}))])

    assert {"first": "valuetwo"} == served.ask("/raw/json", {"first": "value"})
    assert [{"first": "atwo"}, {"first": "btwo"}] == served.ask("/raw/json", [{"first": "a"}, {"first": "b"}])
    assert {"first": ["atwo", "btwo"]} == pyarrow.ipc.open_file(arrow.data).read_all().to_pydict()
    assert "/default" == served.fault("/raw/arrow", [("default", b"garbage")])[0]
    assert "ARROW" in served.fault("/numpy/arrow", [("default", written({"first": ["a"]}))])[1]


def test_values_bring_their_schema(here, tmp_path):
    """`/dynamicschema` takes typed values and answers with a list for each output; both sides must name the same."""
    code = "n = len(raw); total = float(table.sum()) + size; word = kind + '!'"
    inputs = {"raw": "LIST", "table": "NDARRAY", "size": "INT", "kind": "STR"}
    served = serve(here, tmp_path, python_step(code, inputs, {"n": "INT", "total": "FLOAT", "word": "STR"}))
    schema = {
        "raw": {"type": "NDArray"},
        "table": {"type": "NDArray", "shape": [2, 2]},
        "size": {"type": "Integer"},
        "kind": {"type": "Categorical", "categories": ["a", "b"]},
    }
    values = {"raw": based(npy([1, 2])), "table": based(npy([1, 2, 3, 4])), "size": 5, "kind": "a"}

    def fault(path="/dynamicschema", **changes):
        body = {"schema": {"default": schema}, "values": {"default": values | changes}}
        return served.fault(path, body)

    asked = {"schema": {"default": schema}, "values": {"default": values}}
    assert {"default": [2, 15.0, "a!"]} == served.ask("/dynamicschema", asked)
    assert ("/values/default/kind", True) == holding(fault(kind="c"), "none of its categories")
    assert ("/values/default/size", True) == holding(fault(size=True), "no Integer")
    assert "no Base64" in fault(raw="?")[1]
    assert "has the shape [3]" in fault(table=based(npy([1, 2, 3])))[1]
    assert ("/values/default", "Only the values have 'more'.") == fault(more=1)
    assert "no input 'x'" in served.fault("/dynamicschema", {"schema": {"x": schema}, "values": {"x": values}})[1]


def test_an_image_is_loaded(here, tmp_path):
    """A picture becomes numbers of the layout and the size that are set; several have to be brought to one size."""
    step = {"@type": "ImageLoadingStep", "inputNames": ["photo"], "dimensionsConfigs": {"photo": [2, 2, 3]}}
    served = serve(here, tmp_path, step)
    red = png(numpy.full((8, 6, 3), [200, 0, 50], numpy.uint8))

    one = from_npy(served.send("/numpy/image", [("photo", red)]))
    two = served.send("/raw/IMAGE", [("photo[0]", red), ("photo[1]", png(numpy.zeros((3, 3, 3), numpy.uint8)))])

    assert (1, 3, 2, 2) == one.shape
    assert [200, 0, 50] == one[0, :, 0, 0].tolist()
    assert [2, 3, 2, 2] == two.json["photo"]["ndArray"]["shape"]
    assert "/photo" == served.fault("/raw/image", [("photo", b"GIF89a")])[0]


def test_objects_are_found_in_images(here, tmp_path):
    """YOLO tells each object in pixels of the image as it was sent, whatever size the network sees."""
    cells = numpy.full((1, 7, 2, 2), -20, "f4")  # one box of 5 + 2 numbers for each cell of two rows and two columns
    cells[0, :, 1, 0] = [0, 0, 0, 0, 3, -1, 1]
    constant = helper.make_node("Constant", [], ["found"], value=numpy_helper.from_array(cells))
    outputs = [("found", "FLOAT", cells.shape)]
    save_graph(tmp_path / "yolo.onnx", [constant], [("image", "FLOAT", (None, 3, 8, 8))], outputs)
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    detection = {"threshold": 0.5, "labelsPath": "labels.txt", "priors": [[1, 1]]}
    load = {"@type": "ImageLoadingStep", "inputNames": ["image"], "dimensionsConfigs": {"image": [8, 8, 3]}}
    served = serve(
        here, tmp_path, load | {"objectDetectionConfig": detection}, model_step("yolo.onnx", outputNames=["found"])
    )

    found = served.send("/yolo/image", [("image", png(numpy.zeros((40, 100, 3))))]).json["found"]
    (one,) = found["detectedObjectsBatches"]

    assert ("ManyDetectedObjects", found["batchId"]) == (found["@type"], one["batchId"])
    assert (25, 30, 50, 20) == (one["centerX"], one["centerY"], one["width"], one["height"])
    assert ([1], ["dog"]) == (one["predictedClassNumbers"], one["predictedClasses"])
    assert pytest.approx(0.9526, abs=1e-4) == one["confidences"][0]
    assert "send them as IMAGE" in served.fault("/yolo/numpy", [("image", npy(numpy.zeros((1, 3, 8, 8))))])[1]


def test_labels_of_a_model_are_text(here, flowers, tmp_path):
    """An output of text is a record for each row as JSON, and as a file of Arrow; `.npy` is refused by its name."""
    rows, model = flowers
    options = {"zipmap": False}
    data = to_onnx(model, rows.to_numpy("f4")[:1], options=options)
    (tmp_path / "iris.onnx").write_bytes(data.SerializeToString())
    step = model_step("iris.onnx", inputNames=["X"], outputNames=["label", "probabilities"])
    served = serve(here, tmp_path, step)
    sent = [("X", npy(rows.iloc[ROWS]))]

    found = served.send("/raw/numpy", sent).json

    assert ["setosa", "versicolor", "virginica"] == [row["label"] for row in found]
    numpy.testing.assert_allclose(
        [row["probabilities"] for row in found], model.predict_proba(rows.iloc[ROWS]), atol=1e-5
    )
    assert "'label' is of text" in served.fault("/numpy/numpy", sent)[1]
    with zipfile.ZipFile(io.BytesIO(served.send("/arrow/numpy", sent).data)) as file:
        told = pyarrow.ipc.open_file(file.read("label")).read_all().to_pydict()
    assert {"label": ["setosa", "versicolor", "virginica"]} == told


def test_the_configuration_is_told(total):
    """With what clients rely on: names of each step's inputs and outputs, and the format of answers; indented, too."""
    found, pretty = total.get("/config"), total.get("/config/pretty")

    (step,) = found.json["steps"]
    assert (["x", "y"], ["output"]) == (step["inputNames"], step["outputNames"])
    assert "NUMPY" == found.json["servingConfig"]["outputDataFormat"]
    assert found.json == pretty.json
    assert "\n  " in pretty.text
    total.get("/healthcheck", 204)


def test_predictions_are_counted(adding):
    """The metrics have the time and the outcome of each request to the pipeline."""
    adding.ask("/raw/json", {"first": 2})
    adding.ask("/raw/json", {"first": "x"}, 400)
    found = adding.get("/metrics")

    assert found.content_type.startswith("text/plain")
    for outcome in ("answered", "InputInvalid"):
        assert f'seamark_prediction_seconds_count{{endpoint="pipeline",outcome="{outcome}"}}' in found.text
    assert 'rows_count{endpoint="pipeline"}' not in found.text, "nobody knows how many rows an array has"


def test_the_document_has_the_inputs_of_the_pipeline(total, adding):
    """Clients that are generated from it have an argument for each, which the general document cannot name."""
    files = total.get("/openapi/konduit.json", prefix="").json["components"]["schemas"]["InputFiles"]
    row = adding.get("/openapi/konduit.json", prefix="").json["components"]["schemas"]["Row"]

    assert (["x", "y"], ["x", "y"]) == (files["required"], sorted(files["properties"]))
    assert {"first": {"type": "integer", "format": "int32"}} == row["properties"]


def test_what_comes_has_to_be_of_its_kind(adding, total):
    """JSON where files are wanted, files where JSON is, another type of body and another method are told so."""
    adding.call("/raw/numpy", 415, json={"first": 2})
    total.send("/raw/json", [("x", npy([1]))], 415)
    adding.call("/raw/json", 400, data=b"{", content_type="application/json")
    adding.ask("/raw/json", [], 400)
    adding.ask("/raw/json", {}, 400)
    adding.ask("/raw/json", 2, 400)
    adding.get("/raw/json", 405)


def test_numbers_and_lists_of_any_length_are_handed_over(doubling):
    """A whole number of more than 64 bits is a float; more levels than an array has axes are refused."""
    assert [2e30] == doubling.ask("/raw/json", {"a": [10**30]})["default"]["ndArray"]["data"]
    deep = []
    for _ in range(300):
        deep = [deep]
    doubling.ask("/raw/json", {"a": deep}, 400)


def based(data):
    """Return bytes as text."""
    return base64.b64encode(data).decode()


def png(pixels):
    """Return an image as a PNG file."""
    sink = io.BytesIO()
    Image.fromarray(numpy.asarray(pixels, numpy.uint8)).save(sink, "PNG")
    return sink.getvalue()
