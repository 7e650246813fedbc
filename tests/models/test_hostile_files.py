"""Files of models that mean harm, or that come from elsewhere: each is refused, and the words say why."""

from __future__ import annotations

import functools
import pickle
import sys

import numpy
import pytest
import xgboost
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_array

from handlers.errors import Unprocessable
from handlers.models.formats.base import CannotLoad
from handlers.models.formats.unpickling import read_pickle
from tests.models.test_hosts import trial_of
from tests.models.test_unpickling import call

PROTOCOL = b"\x80\x02"
BOOSTER = "xgboost.core Booster"
LITTLE = 300 << 20  #: bytes that a model may have
MUCH = 1 << 34
SIDE = 30_000


class Call:
    """Is pickled as the call of something."""

    def __init__(self, function, *arguments):
        """Call *function*."""
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def refused(folder, data):
    """Return why a file is refused."""
    (folder / "m").write_bytes(data)
    with pytest.raises(CannotLoad) as found:
        read_pickle(folder / "m", frozenset())
    return str(found.value)


@pytest.mark.parametrize(
    "bomb",
    [
        Call(bytes, Call(bytearray, MUCH)),
        Call(numpy.add, [[0]] * SIDE, [[0] * SIDE]),
        Call(numpy.ndarray, (MUCH,), "f8"),
        Call(numpy.ma.MaskedArray, Call(bytearray, MUCH), Call(bytearray, MUCH)),
    ],
    ids=["bytes", "add", "array", "masked"],
)
@pytest.mark.long
def test_what_makes_much_of_little_is_bounded(settings, tmp_path, bomb):
    """A trusted name may be told to make gigabytes: its host has no more than a model may, and says so."""
    with pytest.raises(Unprocessable, match="memory"):
        trial_of(settings, tmp_path, pickle.dumps(bomb), model_memory_bytes=LITTLE)


def test_a_booster_is_made_of_nothing_else(tmp_path):
    """Its constructor would read any file that it is told to, by the library's own means, and say what is in it."""
    other = tmp_path / "other.ubj"
    xgboost.train({}, xgboost.DMatrix(numpy.eye(2), label=[0, 1]), 1).save_model(other)

    for arguments in ((None, None, str(other)), (None, (), "/etc/passwd"), ()):
        assert "a booster that is made of something else" in refused(tmp_path, PROTOCOL + call(BOOSTER, arguments))


def test_a_booster_is_not_made_when_it_predicts_either(client, tmp_path):
    """A step that calls what its file names, with an argument that its file names, is refused when it does so."""
    trained = make_pipeline(FunctionTransformer(numpy.add, kw_args={"model_file": "/etc/passwd"}), LinearRegression())
    trained.steps[1][1].fit([[0.0], [1.0]], [0.0, 1.0])
    data = pickle.dumps(trained, 0).replace(b"cnumpy\nadd\n", b"cxgboost.core\nBooster\n")
    assert b"Booster" in data

    model = client.upload(data)
    problem = client.predict(model, expect=400, x0=1)

    assert "a booster that is made of something else" in str(problem)


@pytest.mark.parametrize("function", [numpy.add, LinearRegression, FunctionTransformer])
def test_a_partial_of_another_function_is_refused(tmp_path, function):
    """Of `functools.partial` a model gets that of the check of arrays, and cannot exchange it afterwards either."""
    whole = pickle.dumps(functools.partial(function, 1))
    exchanged = pickle.dumps(Call(functools.partial, check_array))[:-1]
    state = pickle.dumps((function, (), {}, None))[2:-1]

    assert "functools.partial" in refused(tmp_path, whole)
    assert "functools.partial" in refused(tmp_path, exchanged + state + pickle.BUILD + pickle.STOP)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.tests.test_base MyEstimator",
        "sklearn.conftest BaseEstimator",
        "sklearn.externals._arff ArffDecoder",
        "xgboost.testing Path",
        "xgboost.dask DaskXGBClassifier",
        "xgboost.spark SparkXGBClassifier",
    ],
)
def test_parts_of_libraries_without_models_are_not_imported(tmp_path, name):
    """Some of them do much as soon as they are imported: a file that asks for them is refused before that."""
    module = name.partition(" ")[0]
    before = module in sys.modules

    assert "not among the classes that are known" in refused(tmp_path, PROTOCOL + call(name, ()))

    assert before == (module in sys.modules)


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("sklearn.linear_model.base", "LinearRegression", "another version of its library is needed"),
        ("sklearn.linear_model._base", "LinearRegressionOfTomorrow", "another version of its library is needed"),
        ("sklearn.tomorrow", "LinearRegression", "another version of its library is needed"),
        ("risks.models", "LinearRegression", "SEAMARK_MODEL_CLASSES"),
    ],
)
def test_a_class_that_is_not_here_is_named(client, module, name, words):
    """It was moved by the library's next version, or is of a package that this server has not."""
    data = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), 0)
    moved = data.replace(b"csklearn.linear_model._base\nLinearRegression\n", f"c{module}\n{name}\n".encode())
    assert moved != data
    before = client.call("GET", "/models?total_count=true")["total_count"]

    answer = client.upload(moved, expect=422)

    assert f"{module}.{name}" in answer["error"]
    assert words in answer["error"]
    assert before == client.call("GET", "/models?total_count=true")["total_count"]
