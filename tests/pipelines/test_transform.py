"""TransformProcessStep: what DataVec's actions do to rows."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.steps.datavec.joda import NoPattern, Pattern, zone_of
from handlers.pipelines.steps.datavec.numbers import quotient, remainder
from handlers.pipelines.steps.datavec.process import TRANSFORMS
from tests.pipelines.made import java, load, transform_step

A, B = ("Integer", "a"), ("Double", "b")
TEXT = ("String", "t")
KIND = ("Categorical", "k", {"stateNames": ["red", "green"]})
WHEN = ("Time", "w", {"timeZone": "UTC"})


def run(folder, columns, *actions, **row):
    """Return the one row that becomes of a row."""
    (found,) = load(folder, transform_step(columns, *actions)).run({"default": [row]})["default"]
    return found


@pytest.mark.parametrize(
    ("name", "members", "row", "after"),
    [
        ("AppendStringColumnTransform", {"columnName": "t", "toAppend": "!"}, "hi", "hi!"),
        ("ChangeCaseStringTransform", {"column": "t", "caseType": "UPPER"}, "hi", "HI"),
        ("ChangeCaseStringTransform", {"column": "t"}, "Hi", "hi"),
        ("RemoveWhiteSpaceTransform", {"columnName": "t"}, " a b\tc\n", "abc"),
        ("ReplaceEmptyStringTransform", {"columnName": "t", "value": "none"}, "", "none"),
        ("ReplaceEmptyStringTransform", {"columnName": "t", "value": "none"}, None, "none"),
        ("ReplaceEmptyStringTransform", {"columnName": "t", "value": "none"}, "x", "x"),
        ("StringMapTransform", {"columnName": "t", "map": {"a": "b"}}, "a", "b"),
        ("StringMapTransform", {"columnName": "t", "map": {"a": "b"}}, "aa", "aa"),
        ("ReplaceStringTransform", {"columnName": "t", "map": {"[aeiou]": "_", "l+": "L"}}, "hello", "h_L_"),
        ("ReplaceStringTransform", {"columnName": "t", "map": {r"(\d)(\d)": r"$2\$$1"}}, "12", "2$1"),
        ("MapAllStringsExceptListTransform", {"columnName": "t", "newValue": "x", "exceptions": ["a"]}, "a", "a"),
        ("MapAllStringsExceptListTransform", {"columnName": "t", "newValue": "x", "exceptions": ["a"]}, "b", "x"),
        ("ConvertToDouble", {"columnName": "t"}, "1.5", 1.5),
        ("ConvertToInteger", {"columnName": "t"}, "15", 15),
        ("ParseDoubleTransform", {}, "1e3", 1000.0),
        ("StringToCategoricalTransform", {"columnName": "t", "stateNames": ["a"]}, "a", "a"),
        (
            "StringToTimeTransform",
            {"columnName": "t", "timeFormat": "yyyy-MM-dd", "timeZone": "UTC"},
            "1970-01-02",
            86_400_000,
        ),
        ("StringToTimeTransform", {"columnName": "t", "timeZone": "Europe/Berlin"}, "1970-01-01T01:00:00.25", 0),
    ],
)
def test_texts_are_changed(tmp_path, name, members, row, after):
    """An action on a text makes of it what DataVec does."""
    assert {"t": after} == run(tmp_path, [TEXT], (name, members), t=row)


@pytest.mark.parametrize(
    ("name", "members", "after"),
    [
        ("IntegerMathOpTransform", {"columnName": "a", "mathOp": "Add", "scalar": 3}, {"a": -4, "b": 2.5}),
        ("IntegerMathOpTransform", {"columnName": "a", "mathOp": "Divide", "scalar": 2}, {"a": -3, "b": 2.5}),
        ("IntegerMathOpTransform", {"columnName": "a", "mathOp": "Modulus", "scalar": 4}, {"a": -3, "b": 2.5}),
        ("LongMathOpTransform", {"columnName": "a", "mathOp": "ScalarMax", "scalar": 0}, {"a": 0, "b": 2.5}),
        ("DoubleMathOpTransform", {"columnName": "b", "mathOp": "ReverseSubtract", "scalar": 1}, {"a": -7, "b": -1.5}),
        ("DoubleMathOpTransform", {"columnName": "b", "mathOp": "ReverseDivide", "scalar": 5}, {"a": -7, "b": 2.0}),
        ("FloatMathOpTransform", {"columnName": "b", "mathOp": "Multiply", "scalar": 0.5}, {"a": -7, "b": 1.25}),
        ("DoubleMathOpTransform", {"columnName": "b", "mathOp": "Divide", "scalar": 0}, {"a": -7, "b": math.inf}),
        (
            "DoubleColumnsMathOpTransform",
            {"newColumnName": "c", "mathOp": "Multiply", "columns": ["a", "b"]},
            {"a": -7, "b": 2.5, "c": -17.5},
        ),
        (
            "IntegerColumnsMathOpTransform",
            {"newColumnName": "c", "mathOp": "Add", "columns": ["a", "a", "a"]},
            {"a": -7, "b": 2.5, "c": -21},
        ),
        ("DoubleMathFunctionTransform", {"columnName": "b", "mathFunction": "FLOOR"}, {"a": -7, "b": 2.0}),
        ("MinMaxNormalizer", {"columnName": "b", "min": 0, "max": 10, "newMin": -1, "newMax": 1}, {"a": -7, "b": -0.5}),
        ("MinMaxNormalizer", {"columnName": "a", "min": -7, "max": 3}, {"a": 0.0, "b": 2.5}),
        ("StandardizeNormalizer", {"columnName": "b", "mean": 2, "stdev": 0.25}, {"a": -7, "b": 2.0}),
        ("SubtractMeanNormalizer", {"columnName": "b", "mean": 2}, {"a": -7, "b": 0.5}),
        (
            "Log2Normalizer",
            {"columnName": "b", "columnMean": 1, "columnMin": 0.5, "scalingFactor": 3},
            {"a": -7, "b": pytest.approx(3 * math.log2(5))},
        ),
        ("ConvertToStringTransform", {"columnName": "b"}, {"a": -7, "b": "2.5"}),
        ("ConvertToFloat", {"columnName": "a"}, {"a": -7.0, "b": 2.5}),
        ("RenameColumnsTransform", {"oldNames": ["a"], "newNames": ["n"]}, {"n": -7, "b": 2.5}),
        ("RemoveColumnsTransform", {"columnsToRemove": ["a"]}, {"b": 2.5}),
        ("RemoveAllColumnsExceptForTransform", {"columnsToKeep": ["a"]}, {"a": -7}),
        (
            "DuplicateColumnsTransform",
            {"columnsToDuplicate": ["a"], "newColumnNames": ["c"]},
            {"a": -7, "c": -7, "b": 2.5},
        ),
        (
            "AddConstantColumnTransform",
            {
                "newColumnName": "c",
                "newColumnType": "Integer",
                "fixedValue": {"@class": "org.datavec.api.writable.IntWritable", "value": 5},
            },
            {"a": -7, "b": 2.5, "c": 5},
        ),
        (
            "AddConstantColumnTransform",
            {"newColumnName": "c", "newColumnType": "String", "fixedValue": {"Text": {"value": "x"}}},
            {"a": -7, "b": 2.5, "c": "x"},
        ),
        ("IntegerToCategoricalTransform", {"columnName": "a", "map": {"-7": "low"}}, {"a": "low", "b": 2.5}),
        ("ReorderColumnsTransform", {"newOrder": ["b"]}, {"b": 2.5, "a": -7}),
    ],
    ids=range(26),
)
def test_numbers_and_columns_are_changed(tmp_path, name, members, after):
    """An action on numbers computes as Java does; one on columns leaves the others as they are, and their order."""
    found = run(tmp_path, [A, B], (name, members), a=-7, b=2.5)

    assert after == found
    assert list(after) == list(found)
    assert [type(value) for value in found.values()] == [
        type(getattr(value, "expected", value)) for value in after.values()
    ]


def test_categories_become_numbers_and_columns(tmp_path):
    """A category is its number, or a column for each: 1 where a row is of it."""
    assert {"k": 1} == run(tmp_path, [KIND], ("CategoricalToIntegerTransform", {"columnName": "k"}), k="green")
    assert {"k[red]": 0, "k[green]": 1} == run(
        tmp_path, [KIND], ("CategoricalToOneHotTransform", {"columnName": "k"}), k="green"
    )
    assert {"a[1]": 0, "a[2]": 1, "a[3]": 0} == run(
        tmp_path, [A], ("IntegerToOneHotTransform", {"columnName": "a", "minValue": 1, "maxValue": 3}), a=2
    )
    members = {"columnName": "t", "newColumnNames": ["x", "y"], "categoryTokens": ["X", "Y"], "delimiter": ","}
    assert {"x": "false", "y": "true"} == run(
        tmp_path, [TEXT], ("StringListToCategoricalSetTransform", members), t="Y, Y"
    )
    with pytest.raises(Refused, match="row 0: 'blue' is none of the categories red, green"):
        run(tmp_path, [KIND], ("CategoricalToIntegerTransform", {"columnName": "k"}), k="blue")


def test_actions_work_on_what_those_before_have_made(tmp_path):
    """Texts become categories, these numbers, and these are computed with."""
    actions = [
        ("RemoveWhiteSpaceTransform", {"columnName": "t"}),
        ("StringToCategoricalTransform", {"columnName": "t", "stateNames": ["no", "yes"]}),
        ("CategoricalToIntegerTransform", {"columnName": "t"}),
        ("RenameColumnsTransform", {"oldNames": ["t"], "newNames": ["sure"]}),
        ("DoubleColumnsMathOpTransform", {"newColumnName": "sum", "mathOp": "Add", "columns": ["sure", "b"]}),
        (
            "ConcatenateStringColumns",
            {"newColumnName": "all", "delimiter": "-", "columnsToConcatenate": ["sure", "sum"]},
        ),
        ("ReorderColumnsTransform", {"newOrder": ["all"]}),
    ]

    assert {"all": "1-3.5", "sure": 1, "b": 2.5, "sum": 3.5} == run(tmp_path, [TEXT, B], *actions, t=" yes", b=2.5)


def test_values_are_replaced_by_conditions(tmp_path):
    """A condition on any column decides on the value of one; conditions may be of conditions."""
    low = java("condition.column.IntegerColumnCondition", columnName="a", op="LessThan", value=0)
    known = java("condition.column.StringColumnCondition", columnName="t", op="InSet", set=["x", "y"])
    either = java("condition.BooleanCondition", type="OR", conditions=[low, known])
    regex = java("condition.string.StringRegexColumnCondition", columnName="t", regex="[a-m]+")
    null = java("condition.column.NullWritableColumnCondition", columnName="t")
    neither = java("condition.BooleanCondition", type="NOT", conditions=[either])
    zero = java("writable.IntWritable", value=0)

    def replaced(condition, **row):
        members = {"columnToReplace": "a", "newValue": zero, "condition": condition}
        return run(tmp_path, [A, TEXT], ("ConditionalReplaceValueTransform", members), **row)["a"]

    assert [0, 5, 0] == [replaced(either, a=a, t=t) for a, t in ((-5, "z"), (5, "z"), (5, "x"))]
    assert [-5, 0] == [replaced(neither, a=a, t="z") for a in (-5, 5)]
    assert [0, 5] == [replaced(regex, a=5, t=t) for t in ("abc", "abcz")]
    assert [0, 5] == [replaced(null, a=5, t=t) for t in (None, "x")]
    yes_no = {"columnToReplace": "a", "yesVal": zero, "noVal": {"value": 1}, "condiiton": low}
    default = ("ConditionalReplaceValueTransformWithDefault", yes_no)
    assert [0, 1] == [run(tmp_path, [A], default, a=a)["a"] for a in (-5, 5)]
    copy = ("ConditionalCopyValueTransform", {"columnToReplace": "a", "sourceColumn": "c", "condition": low})
    assert [9, 5] == [run(tmp_path, [A, ("Integer", "c")], copy, a=a, c=9)["a"] for a in (-5, 5)]


def test_a_filter_drops_rows(tmp_path):
    """The rows for which its condition holds are left out of the answer, as DataVec leaves them out."""
    condition = java("condition.column.DoubleColumnCondition", columnName="b", op="GreaterOrEqual", value=10)
    step = transform_step([B], ("ConditionFilter", {"condition": condition}, "filter"))
    pipeline = load(tmp_path, step)

    assert [{"b": 1.0}] == pipeline.run({"default": [{"b": 1}, {"b": 10}, {"b": 11}]})["default"]
    assert [] == pipeline.run({"default": [{"b": 10}]})["default"]


def test_what_is_no_number_is_mended(tmp_path):
    """A column that an action mends may come with what is none of its type; others may not."""
    members = {"columnName": "a", "value": 0}
    for value, after in (("x", 0), (None, 0), ("7", 7), (3, 3)):
        assert {"a": after} == run(tmp_path, [A], ("ReplaceInvalidWithIntegerTransform", members), a=value)
    assert {"a": 0} == run(tmp_path, [A], ("ReplaceEmptyIntegerWithValueTransform", members), a="")
    with pytest.raises(Refused, match="'x' is no whole number"):
        run(tmp_path, [A], ("ReplaceEmptyIntegerWithValueTransform", members), a="x")
    with pytest.raises(Refused, match="'a' in row 0 has to be a whole number; 'x' is none"):
        run(tmp_path, [A], a="x")


def test_times_are_computed_with(tmp_path):
    """Parts of a time, and the time as a text, become columns behind it; durations are added."""
    actions = [
        (
            "StringToTimeTransform",
            {"columnName": "t", "timeFormat": "dd.MM.yyyy HH:mm", "timeZone": "America/New_York"},
        ),
        ("TimeMathOpTransform", {"columnName": "t", "mathOp": "Add", "timeQuantity": 2, "timeUnit": "DAYS"}),
        (
            "DeriveColumnsFromTimeTransform",
            {
                "columnName": "t",
                "insertAfter": "t",
                "derivedColumns": [
                    {"columnName": "hour", "columnType": "Integer", "fieldType": {"fieldType": "hourOfDay"}},
                    {"columnName": "day", "columnType": "Integer", "fieldType": "dayOfWeek"},
                    {
                        "columnName": "utc",
                        "columnType": "String",
                        "format": "YYYY-MM-dd'T'hh:mm a Z",
                        "dateTimeZone": "UTC",
                    },
                ],
            },
        ),
        ("RemoveColumnsTransform", {"columnsToRemove": ["t"]}),
    ]

    found = run(tmp_path, [TEXT, A], *actions, t="29.02.2020 22:30", a=1)

    assert {"hour": 22, "day": 1, "utc": "2020-03-03T03:30 AM +0000", "a": 1} == found


@pytest.mark.parametrize(
    ("text", "words"),
    [("yesterday", "'yesterday' is no time as yyyy"), ("2021-02-29T00:00:00", "is no time"), ("1960-01-01", "range")],
)
def test_a_text_that_is_no_time_is_refused(tmp_path, text, words):
    """What no pattern fits, no calendar has, or is out of range is named."""
    with pytest.raises(Refused, match=words):
        run(tmp_path, [TEXT], ("StringToTimeTransform", {"columnName": "t", "minValidTime": 0}), t=text)


def test_columns_of_an_array_are_rows(tmp_path):
    """An array has the columns of the schema, in its order."""
    members = {"newColumnName": "c", "mathOp": "Add", "columns": ["a", "b"]}
    pipeline = load(tmp_path, transform_step([A, B], ("DoubleColumnsMathOpTransform", members)))

    found = pipeline.run({"default": numpy.array([[1.0, 2.5], [3.0, 4.0]])})["default"]

    assert [{"a": 1, "b": 2.5, "c": 3.5}, {"a": 3, "b": 4.0, "c": 7.0}] == found
    with pytest.raises(Refused, match=r"'a' in row 0 has to be a whole number of 64 bits; 1.5 is none"):
        pipeline.run({"default": numpy.array([[1.5, 2.5]])})


def test_the_older_form_says_the_same(tmp_path):
    """Before `@class` there was an object around the members whose only key is the short name."""
    step = {
        "@type": "TransformProcessStep",
        "transformProcesses": {
            "default": {
                "initialSchema": {"columns": [{"Categorical": {"name": "k", "stateNames": ["x"]}}]},
                "actionList": [
                    {"transform": {"CategoricalToIntegerTransform": {"columnName": "k"}}, "filter": None},
                ],
            }
        },
    }

    assert [{"k": 0}] == load(tmp_path, step).run({"default": [{"k": "x"}]})["default"]


@pytest.mark.parametrize(
    ("columns", "actions", "member", "words"),
    [
        ([A], [("PivotTransform", {})], "/actionList/0/transform", "'PivotTransform' is not served"),
        ([A], [("FilterInvalidValues", {}, "filter")], "/actionList/0/filter", "'FilterInvalidValues' is not served"),
        ([A], [("ConvertToSequence", {}, "convertToSequence")], "/actionList/0", "'convertToSequence' is not served"),
        (
            [A],
            [("IntegerMathOpTransform", {"columnName": "x"})],
            "/actionList/0/transform/columnName",
            "no column 'x' here; there are a",
        ),
        (
            [A],
            [("IntegerMathOpTransform", {"columnName": "a", "mathOp": "Pow"})],
            "/actionList/0/transform/mathOp",
            "'Pow' is none of Add",
        ),
        ([A], [("IntegerMathOpTransform", {"columnName": "a"})], "/actionList/0/transform", "'scalar' is missing"),
        (
            [TEXT],
            [("DoubleMathOpTransform", {"columnName": "t", "scalar": 1})],
            "/actionList/0/transform",
            "'t' is String; it needs to be",
        ),
        (
            [A],
            [("DoubleColumnsMathOpTransform", {"newColumnName": "b", "mathOp": "Divide", "columns": ["a", "a", "a"]})],
            "/actionList/0/transform/columns",
            "Divide takes two columns",
        ),
        (
            [A, B],
            [("RenameColumnsTransform", {"oldNames": ["a"], "newNames": ["b"]})],
            "/actionList/0/transform",
            "two columns 'b'",
        ),
        (
            [TEXT],
            [("ReplaceStringTransform", {"columnName": "t", "map": {"(": ""}})],
            "/actionList/0/transform/map/(",
            "no regular expression",
        ),
        (
            [TEXT],
            [("StringToTimeTransform", {"columnName": "t", "timeFormat": "MMM"})],
            "/actionList/0/transform/timeFormat",
            "'MMM' of the pattern is not understood",
        ),
        (
            [TEXT],
            [("StringToTimeTransform", {"columnName": "t", "timeZone": "Mars/Base"})],
            "/actionList/0/transform/timeZone",
            "no time zone 'Mars/Base'",
        ),
        (
            [("NDArraySequence", "a")],
            [],
            "/initialSchema/columns/0",
            "Columns of 'NDArraySequenceMetaData' are not served",
        ),
        ([("Categorical", "a")], [], "/initialSchema/columns/0", "'stateNames' is missing"),
        ([A, A], [], "/initialSchema/columns", "stands here twice"),
        ([], [], "/initialSchema", "There is no column"),
        (
            [A],
            [
                (
                    "ConditionalReplaceValueTransform",
                    {"columnToReplace": "a", "newValue": 1, "condition": java("SequenceLengthCondition")},
                )
            ],
            "/actionList/0/transform/condition",
            "'SequenceLengthCondition' is not served",
        ),
        (
            [A],
            [("ConditionalReplaceValueTransform", {"columnToReplace": "a", "newValue": "x"})],
            "/actionList/0/transform/newValue",
            "has to be a whole number",
        ),
    ],
    ids=range(18),
)
def test_what_is_not_served_is_told_when_it_is_loaded(tmp_path, columns, actions, member, words):
    """An action that is not known, or does not fit the columns that it finds, is named with its place."""
    with pytest.raises(Unusable) as told:
        load(tmp_path, transform_step(columns, *actions))
    assert f"/steps/0/transformProcesses/default{member}" == told.value.place
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("members", "row", "words"),
    [
        ({"columnName": "a", "mathOp": "Divide", "scalar": 0}, 1, "it would be divided by 0"),
        ({"columnName": "a", "mathOp": "Multiply", "scalar": 1 << 20}, 1 << 20, "not a whole number of 32 bits"),
        ({"columnName": "a", "mathOp": "Add", "scalar": 1}, None, "it is null"),
    ],
)
def test_what_cannot_be_computed_is_refused(tmp_path, members, row, words):
    """A row with which an action cannot be done is named, with the action."""
    with pytest.raises(Refused, match=f"IntegerMathOpTransform cannot be done with row 0: .*{words}"):
        run(tmp_path, [A], ("IntegerMathOpTransform", members), a=row)


def test_every_action_says_what_it_lacks(tmp_path):
    """An action without its members is refused with words, whichever it is."""
    for name in TRANSFORMS.keys() - {"ParseDoubleTransform"}:
        with pytest.raises(Unusable) as told:
            load(tmp_path, transform_step([A, B, TEXT, KIND, WHEN], (name, {})))
        assert told.value.place.startswith("/steps/0/transformProcesses/default/actionList/0/transform")


ANYTHING = {
    **{"column": "t", "toAppend": "x", "map": {"a": "b", "1": "c"}, "mathOp": "Add", "scalar": 2, "newColumnName": "n"},
    **{"columns": ["a", "b"], "oldNames": ["a"], "newNames": ["z"], "columnsToRemove": ["a"], "columnsToKeep": ["a"]},
    **{"newOrder": ["b"], "columnsToDuplicate": ["a"], "newColumnNames": ["q"], "newColumnType": "Integer"},
    **{"fixedValue": {"value": 1}, "columnToReplace": "a", "newValue": 3, "sourceColumn": "b", "yesVal": 1, "noVal": 2},
    **{"condition": java("DoubleColumnCondition", columnName="a", op="InSet", set=[1, 2]), "mathFunction": "SQRT"},
    **{"min": 0, "max": 1, "mean": 1, "stdev": 2, "columnMean": 1, "columnMin": 0, "scalingFactor": 1},
    **{"timeFormat": "yyyy", "timeQuantity": 1, "timeUnit": "DAYS", "stateNames": ["x"], "minValue": 0, "maxValue": 3},
    **{"derivedColumns": [{"columnName": "d", "columnType": "String", "format": "yyyy"}], "value": 1, "exceptions": []},
    **{"columnsToConcatenate": ["t"], "delimiter": ",", "categoryTokens": ["A"]},
}
cells = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)


@given(st.sampled_from(sorted(TRANSFORMS)), st.sampled_from("abtkw"), st.lists(cells, min_size=5, max_size=5))
def test_no_row_is_more_than_refused(tmp_path_factory, name, column, row):
    """Whatever a row holds, an action makes a row of it, or refuses it with words."""
    members = {**ANYTHING, "columnName": column}
    try:
        pipeline = load(tmp_path_factory.mktemp("any"), transform_step([A, B, TEXT, KIND, WHEN], (name, members)))
        (found,) = pipeline.run({"default": [dict(zip("abtkw", row, strict=True))]})["default"]
    except (Refused, Unusable):
        return
    assert all(isinstance(key, str) for key in found)


@pytest.mark.parametrize("broken", ["x", 3, [], {}, {"transform": {}, "filter": {}}, {"transform": "x"}])
def test_what_is_no_action_is_told(tmp_path, broken):
    """A list of actions may hold anything that JSON has; what is no action is named with its place."""
    step = transform_step([A])
    step["transformProcesses"]["default"]["actionList"] = [broken]
    with pytest.raises(Unusable) as told:
        load(tmp_path, step)
    assert told.value.place.startswith("/steps/0/transformProcesses/default/actionList/0")


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1).filter(bool))
def test_division_is_that_of_java(left, right):
    """A quotient is cut off towards 0, and with the remainder, whose sign is the dividend's, makes the whole."""
    assert left == quotient(left, right) * right + remainder(left, right)
    assert abs(remainder(left, right)) < abs(right)
    assert remainder(left, right) * left >= 0


@given(
    st.integers(0, 4_102_444_799_999),
    st.sampled_from(["UTC", "Europe/Berlin", "+05:30", "-03:00"]),
    st.sampled_from(
        [
            "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
            "d/M/YYYY hh 'o''clock' a mm ss SSS ZZ",
            "yyyyMMddHHmmssSSSZ",
            "SSS ss mm k dd MM y Z",
        ]
    ),
)
def test_a_time_that_was_written_is_read_again(millis, zone, text):
    """What a pattern with all fields writes, it reads as the same moment, in whatever zone."""
    pattern = Pattern(text, zone_of(zone))

    assert millis == pattern.read(pattern.write(millis))


@pytest.mark.parametrize("text", ["yyyy 'open", "MMMM", "EEE", "q", "yy yy"])
def test_patterns_that_are_not_understood_are_refused(text):
    """Names of months and days depend on a language, and are not guessed; nor are fields that stand twice."""
    with pytest.raises(NoPattern):
        Pattern(text, zone_of("UTC"))
