"""PythonStep: somebody's code, its variables, and what it raises."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.steps.code import CodeFailed
from handlers.pipelines.steps.pythontypes import as_variable
from tests.pipelines.made import load, python_step

EVERY = {"a": "BOOL", "b": "STR", "c": "INT", "d": "FLOAT", "e": "LIST", "f": "DICT"}


def test_each_type_comes_and_goes(tmp_path):
    """A variable of each type is what Python has for it, on the way in and on the way out."""
    code = "kinds = ' '.join(type(one).__name__ for one in (a, b, c, d, e, f)); a = not a; d = d / 2"
    pipeline = load(tmp_path, python_step(code, EVERY, {"kinds": "STR", **EVERY}))
    row = {"a": 1, "b": 2.5, "c": 3.0, "d": 4, "e": [5, "x"], "f": '{"g": 6}'}

    found = pipeline.run({"default": [row]})["default"]

    assert [
        {
            "kinds": "bool str int float list dict",
            "a": False,
            "b": "2.5",
            "c": 3,
            "d": 2.0,
            "e": [5, "x"],
            "f": {"g": 6},
        }
    ] == found


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("BOOL", "maybe", "true or false"),
        ("STR", [1, 2], "a single value"),
        ("STR", None, "a single value"),
        ("INT", 2.5, "a whole number of 64 bits"),
        ("INT", "x", "a whole number"),
        ("FLOAT", "x", "a number"),
        ("FLOAT", {}, "a single value"),
        ("NDARRAY", [[1], [2, 3]], "an array of values of one type"),
        ("NDARRAY", "x", "an array"),
        ("LIST", 1, "a list"),
        ("DICT", "x", "an object, or its text in JSON"),
        ("DICT", "[]", "an object"),
    ],
)
def test_a_value_of_another_type_is_refused(tmp_path, kind, value, words):
    """What cannot be a variable is refused with its name, its row and what is wanted."""
    pipeline = load(tmp_path, python_step("b = 1", {"a": kind}, {"b": "INT"}))
    with pytest.raises(Refused, match=f"'a' in row 0 has to be {kind}, which is {words};") as told:
        pipeline.run({"default": [{"a": value}]})
    assert "/0/a" == told.value.place


def test_a_missing_value_is_refused(tmp_path):
    """A row without a variable is named, and counting starts at 0."""
    pipeline = load(tmp_path, python_step("b = a", {"a": "INT"}, {"b": "INT"}))
    with pytest.raises(Refused, match="Row 1 has no 'a'"):
        pipeline.run({"default": [{"a": 1}, {"x": 1}]})


def test_whole_arrays_stay_whole(tmp_path):
    """An array for a variable of that type is given as it is, and comes back so."""
    pipeline = load(tmp_path, python_step("b = a.T * 2", {"a": "NDARRAY"}, {"b": "NDARRAY"}))
    array = numpy.arange(6, dtype=numpy.int16).reshape(2, 3)

    found = pipeline.run({"default": array})["default"]

    assert (array.T * 2).tolist() == found.tolist()
    assert numpy.int16 == found.dtype


def test_arrays_of_rows_are_stacked(tmp_path):
    """An array in each of several rows becomes one array with an axis of rows; the only one stays as it is."""
    pipeline = load(tmp_path, python_step("b = a + 1", {"a": "NDARRAY"}, {"b": "NDARRAY"}))

    assert [[2, 3], [4, 5]] == pipeline.run({"default": [{"a": [1, 2]}, {"a": [3, 4]}]})["default"].tolist()
    assert [2, 3] == pipeline.run({"default": [{"a": [1, 2]}]})["default"].tolist()
    with pytest.raises(CodeFailed, match="do not have one shape"):
        pipeline.run({"default": [{"a": [1, 2]}, {"a": [3]}]})


def test_columns_of_an_array_are_variables(tmp_path):
    """An array with a column for each of several numbers is worked on row by row."""
    pipeline = load(tmp_path, python_step("c = a - b", {"a": "INT", "b": "INT"}, {"c": "INT"}))

    assert [{"c": 1}, {"c": -1}] == pipeline.run({"default": numpy.array([[3, 2], [4, 5]])})["default"]
    with pytest.raises(Refused, match=r"has the shape \[2, 3\]; it needs a column for each of a, b"):
        pipeline.run({"default": numpy.zeros((2, 3))})


def test_elements_of_a_vector_are_rows_of_a_number(tmp_path):
    """A vector for a single number is a row for each element; one element is one row."""
    pipeline = load(tmp_path, python_step("b = a * a", {"a": "FLOAT"}, {"b": "FLOAT"}))

    assert [{"b": 1.0}, {"b": 4.0}] == pipeline.run({"default": numpy.array([1.0, 2.0])})["default"]
    assert [{"b": 9.0}] == pipeline.run({"default": numpy.array([[3.0]])})["default"]


def test_inputs_are_variables_of_one_piece_of_code(tmp_path):
    """Named inputs of a step are variables of its only code, and named outputs are what it makes."""
    step = {
        **python_step("s = x + y; d = x - y", {"x": "NDARRAY", "y": "NDARRAY"}, {"s": "NDARRAY", "d": "NDARRAY"}),
        "inputNames": ["x", "y"],
        "outputNames": ["d", "s"],
    }
    pipeline = load(tmp_path, step)

    found = pipeline.run({"x": numpy.array([3, 4]), "y": numpy.array([1, 1])})

    assert {"d": [2, 3], "s": [4, 5]} == {name: value.tolist() for name, value in found.items()}


def test_each_input_may_have_its_own_code(tmp_path):
    """Where there is code for each input, each makes the output at its place."""
    configs = {
        name: {"pythonCode": f"b = a + {number}", "pythonInputs": {"a": "INT"}, "pythonOutputs": {"b": "INT"}}
        for number, name in enumerate(("left", "right"))
    }
    step = {"@type": "PythonStep", "pythonConfigs": configs, "outputNames": ["l", "r"]}
    pipeline = load(tmp_path, step)

    found = pipeline.run({"left": [{"a": 1}], "right": [{"a": 1}]})

    assert {"l": [{"b": 1}], "r": [{"b": 2}]} == found
    with pytest.raises(Unusable, match="There is no code for middle") as told:
        load(tmp_path, {**step, "inputNames": ["left", "middle"]})
    assert "/steps/0/pythonConfigs" == told.value.place


def test_setup_is_done_once(tmp_path):
    """`setup` is called when the pipeline is loaded, `run` with named arguments for each row."""
    code = "\n".join(
        [
            "calls = []",
            "def setup():",
            "    calls.append('setup')",
            "def run(a, b=None):",
            "    calls.append(a)",
            "    return {'c': len(calls), 'first': calls[0]}",
        ]
    )
    step = python_step(code, {"a": "INT"}, {"c": "INT", "first": "STR"}, setupAndRun=True, extraInputs={"b": "INT"})
    pipeline = load(tmp_path, step)

    assert [{"c": 2, "first": "setup"}, {"c": 3, "first": "setup"}] == pipeline.run(
        {"default": [{"a": 7}, {"a": 8, "b": 1}]}
    )["default"]


def test_run_may_return_its_only_output(tmp_path):
    """One output need not be in a dictionary; several have to be, all of them."""
    run = "def run(a):\n    return {}"
    one = load(tmp_path, python_step(run.format("a + 1"), {"a": "INT"}, {"b": "INT"}, setupAndRun=True))
    none = load(tmp_path, python_step(run.format("None"), {"a": "INT"}, {"b": "INT"}, setupAndRun=True))
    less = load(tmp_path, python_step(run.format("{'b': 1}"), {"a": "INT"}, {"b": "INT", "c": "INT"}, setupAndRun=True))

    assert [{"b": 3}] == one.run({"default": [{"a": 2}]})["default"]
    with pytest.raises(CodeFailed, match="'run' returns no dictionary"):
        none.run({"default": [{"a": 2}]})
    with pytest.raises(CodeFailed, match="'run' does not return 'c'"):
        less.run({"default": [{"a": 2}]})


def test_inputs_may_be_returned_too(tmp_path):
    """With `returnAllInputs` they stand beside the outputs; without outputs all that the code has made is given."""
    both = load(tmp_path, python_step("b = a + 1", {"a": "INT"}, {"b": "INT"}, returnAllInputs=True))
    everything = load(tmp_path, python_step("import math; b = math.pi; _c = 1", {"a": "INT"}, {}, returnAllInputs=True))

    assert [{"a": 1, "b": 2}] == both.run({"default": [{"a": 1}]})["default"]
    assert [{"a": 1, "b": pytest.approx(3.1416, abs=1e-4)}] == everything.run({"default": [{"a": 1}]})["default"]


def test_an_extra_input_may_be_missing(tmp_path):
    """What is not in a row is None for the code."""
    step = python_step("c = a + (b or 10)", {"a": "INT"}, {"c": "INT"}, extraInputs={"b": "INT"})
    pipeline = load(tmp_path, step)

    assert [{"c": 11}, {"c": 3}] == pipeline.run({"default": [{"a": 1}, {"a": 1, "b": 2}]})["default"]


def test_nothing_is_left_of_the_row_before(tmp_path):
    """Each row is run on its own, so that no answer depends on what another request has sent."""
    pipeline = load(tmp_path, python_step("seen = 'old' in globals(); old = a", {"a": "INT"}, {"seen": "BOOL"}))

    assert [{"seen": False}, {"seen": False}] == pipeline.run({"default": [{"a": 1}, {"a": 2}]})["default"]


def test_what_the_code_raises_is_told_with_its_line(tmp_path):
    """Type, words and line of the code are told; nothing of the server's own lines is."""
    pipeline = load(
        tmp_path, python_step("def half(n):\n    return 1 / n\n\nb = half(a)", {"a": "INT"}, {"b": "FLOAT"})
    )
    with pytest.raises(CodeFailed) as told:
        pipeline.run({"default": [{"a": 0}]})
    assert "The code raised ZeroDivisionError: division by zero (line 2 of pythonCode: return 1 / n)" == str(told.value)


def test_an_exit_is_no_end_of_the_server(tmp_path):
    """Code that wants to end its process fails as any other does."""
    pipeline = load(tmp_path, python_step("raise SystemExit('bye')", {}, {"b": "INT"}))
    with pytest.raises(CodeFailed, match=r"SystemExit: bye \(line 1 of pythonCode"):
        pipeline.run({"default": [{}]})


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("c = 1", "The code does not set 'b', which 'pythonOutputs' names"),
        ("b = 'x'", "The code sets 'b' of row 0 to 'x'; INT is a whole number"),
        (
            "import numpy; b = numpy.zeros(3)",
            "The code sets 'b' of row 0 to an array of shape .3.; INT is a single value",
        ),
    ],
)
def test_code_has_to_make_its_outputs(tmp_path, code, words):
    """An output that is missing, or of another type, is the code's fault and is named."""
    pipeline = load(tmp_path, python_step(code, {}, {"b": "INT"}))
    with pytest.raises(CodeFailed, match=words):
        pipeline.run({"default": [{}]})


def test_numbers_of_numpy_are_numbers(tmp_path):
    """What NumPy computes may be any output that it can be."""
    code = "import numpy; b = numpy.float32(2); c = numpy.array([[True]]); d = numpy.arange(2)"
    pipeline = load(tmp_path, python_step(code, {}, {"b": "INT", "c": "BOOL", "d": "LIST"}))

    assert [{"b": 2, "c": True, "d": [0, 1]}] == pipeline.run({"default": [{}]})["default"]


@pytest.mark.parametrize(
    ("step", "member", "words"),
    [
        (
            python_step("b = (", {}, {"b": "INT"}),
            "/pythonCode",
            r"no Python: '\(' was never closed \(line 1 of pythonCode",
        ),
        (python_step(None, {}, {"b": "INT"}, pythonCodePath="x.py"), "/pythonCodePath", "There is no file 'x.py'"),
        (python_step("b = 1", {}, {"b": "INT"}, pythonPath="lib"), "/pythonPath", "There is no folder 'lib'"),
        (python_step("1 / 0", {}, {"b": "INT"}, setupAndRun=True), "", r"ZeroDivisionError: .* \(line 1"),
        (python_step("run = 1", {}, {"b": "INT"}, setupAndRun=True), "", "no function 'run'"),
    ],
)
def test_code_that_cannot_run_is_unusable(tmp_path, step, member, words):
    """What is wrong with code before it runs is told when the pipeline is loaded."""
    with pytest.raises(Unusable, match=words) as told:
        load(tmp_path, step)
    assert f"/steps/0/pythonConfigs/default{member}" == told.value.place


def test_code_finds_its_modules(tmp_path):
    """Code of a file imports what lies beside it, and what its Python path names."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "lib" / "far.py").write_text("two = 2\n")
    (tmp_path / "code" / "near.py").write_text("one = 1\n")
    (tmp_path / "code" / "main.py").write_text("from near import one\nfrom far import two\nb = one + two\n")
    pipeline = load(tmp_path, python_step(None, {}, {"b": "INT"}, pythonCodePath="code/main.py", pythonPath="lib"))

    assert [{"b": 3}] == pipeline.run({"default": [{}]})["default"]


@given(st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.text(max_size=20) | st.lists(st.integers(), max_size=3))
def test_a_variable_is_the_same_the_second_time(value):
    """What was made a variable of a type is that variable when it is made one again."""
    for kind in ("BOOL", "STR", "INT", "FLOAT", "LIST"):
        try:
            once = as_variable(value, kind)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - most values are of few types
            continue
        assert once == as_variable(once, kind)


def test_an_output_that_no_code_makes_is_told_at_once(tmp_path):
    """Several outputs of one piece of code are its variables; other names can never come."""
    step = {**python_step("x = y = a", {"a": "INT"}, {"x": "INT", "y": "INT"}), "outputNames": ["x", "z"]}

    with pytest.raises(Unusable, match="No code makes z") as told:
        load(tmp_path, step)

    assert "/steps/0/outputNames" == told.value.place
