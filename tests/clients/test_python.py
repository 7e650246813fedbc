"""Python's clients, the generated one and the file beside it, against a server that is up."""

from __future__ import annotations

import io
import sys
import zipfile

import numpy
import pytest

pytestmark = pytest.mark.long

X = numpy.array([[1, 2], [3, 4]], "f4")
Y = numpy.array([[5, 6], [7, 8]], "f4")


@pytest.fixture(scope="module")
def client(arrays, served):
    """A client of the pipeline."""
    return arrays.Client(f"{served.url}/konduit")


@pytest.fixture(scope="module")
def package(clients):
    """The generated package."""
    sys.path.insert(0, str(clients / "python"))
    yield pytest.importorskip("seamark_konduit")
    sys.path.remove(str(clients / "python"))


def npy(array):
    """Return the bytes of a `.npy` file."""
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def test_the_generated_client_predicts(package, served):
    """Files go under the names of the inputs; JSON comes as it is, several arrays as a ZIP file."""
    from seamark_konduit.api.inference_api import InferenceApi
    from seamark_konduit.api.server_api import ServerApi

    api = package.ApiClient()
    inference = InferenceApi(api)
    files = {"x": npy(X), "y": npy(Y)}
    zipped = zipfile.ZipFile(io.BytesIO(inference.predict_numpy("NUMPY", **files)))
    rows = [{"x": [1, 2], "y": [5, 6]}]

    assert f"{served.url}/konduit" == api.configuration.host
    assert ["x", "y"] == ServerApi(api).get_config().steps[0].input_names
    assert [6, 8, 10, 12] == inference.predict("RAW", "NUMPY", **files)["total"]["ndArray"]["data"]
    assert [5, 12] == inference.predict_json("RAW", rows)["product"]["ndArray"]["data"]
    assert ["total", "product"] == zipped.namelist()
    assert (X + Y == numpy.load(io.BytesIO(zipped.read("total")))).all()


def test_the_generated_client_raises_what_the_server_says(package):
    """A refusal is an exception with the problem in it."""
    from seamark_konduit.api.inference_api import InferenceApi

    with pytest.raises(package.exceptions.BadRequestException, match="application/problem"):
        InferenceApi(package.ApiClient()).predict("RAW", "NUMPY", x=npy(X), y=b"no array")


@pytest.mark.parametrize("form", ["numpy", "nd4j", "json"])
def test_arrays_come_back_in_every_format(client, form):
    """Both outputs, with their type and shape, whether they were in a ZIP file or in JSON."""
    answer = client.predict({"x": X, "y": Y}, form)

    assert ["total", "product"] == list(answer)
    assert [("float32", (2, 2))] * 2 == [(array.dtype.name, array.shape) for array in answer.values()]
    assert (X * Y == answer["product"]).all()


def test_numbers_are_a_row_of_json(arrays):
    """Who has one value for each column need not wrap them."""
    assert arrays.rows_of({"metres": 100, "seconds": [8]}) == arrays.rows_of({"metres": [100], "seconds": [8]})


def test_a_list_is_stacked(client):
    """Its parts are numbered."""
    assert (X + Y == client.predict({"x": list(X), "y": list(Y)})["total"]).all()


def test_predictions_come_as_the_server_types_them(client):
    """A regression is an object that says so."""
    assert "RegressionOutput" == client.predict({"x": X, "y": Y}, prediction="regression")["total"]["@type"]


def test_the_configuration_names_inputs_and_outputs(client):
    """It is read once and kept."""
    assert (["x", "y"], ["total", "product"]) == (client.input_names, client.output_names)
    assert client.config is client.config


def test_a_refusal_has_its_faults(arrays, client):
    """An input that is missing is named, and what cannot be sent is not."""
    with pytest.raises(arrays.KonduitError, match="no file for the input 'y'") as caught:
        client.predict({"x": X})
    assert (400, ["/y"]) == (caught.value.status, [place for place, _ in caught.value.faults])

    with pytest.raises(ValueError, match="ND4J has no arrays of complex64"):
        client.predict({"x": X + 1j, "y": Y}, "nd4j")


def test_nd4j_is_written_as_the_servers_own_code_reads_it(arrays):
    """Every type, with no axis, an empty one and several; in Fortran's order, too."""
    from handlers.pipelines.wire.binaryserde import read_binaryserde

    for word in arrays.ND4J_OPTIONS:
        for shape in ((), (3,), (0, 2), (2, 3, 4)):
            array = numpy.asfortranarray(numpy.arange(numpy.prod(shape, dtype=int)).reshape(shape).astype(word))
            data = arrays.encoded_nd4j(array)
            for read in (read_binaryserde(data), arrays.decoded_nd4j(data)):
                assert (array.dtype, array.shape) == (read.dtype, read.shape)
                assert (array == read).all()


def test_arrow_carries_arrays_and_columns(arrays):
    """As the server's own code reads them."""
    from handlers.pipelines.wire.arrow import read_arrow

    assert (X == read_arrow(arrays.encoded(X, "arrow"))).all()
    assert (X == arrays.decoded(arrays.encoded(X, "arrow"), "arrow")).all()
    columns = arrays.encoded({"a": X[0], "b": ["one", "two"]}, "arrow")
    assert [{"a": 1.0, "b": "one"}, {"a": 2.0, "b": "two"}] == read_arrow(columns) == arrays.decoded(columns, "arrow")
