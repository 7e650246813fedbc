"""Configurations: what is read from them, and what is wrong with some."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.pipelines.config import read_configuration
from handlers.pipelines.faults import Refused, Unusable
from tests.pipelines.made import model_step, python_step, transform_step, write
from tests.pipelines.test_real import ADD_TWO, APPEND, FACES

SHORT = """
serving:
  http_port: 1337
  output_data_format: NUMPY
  log_timings: True
  extra_start_args: -Xmx8g
steps:
  python_step:
    type: PYTHON
    python_path: lib
    python_code_path: ./simple.py
    python_inputs:
      first_value: NDARRAY
    python_outputs:
      second: NDARRAY
  model_step:
    type: TENSORFLOW
    model_loading_path: mnist.pb
    input_names: [input_layer]
    input_data_types:
      input_layer: FLOAT
    output_names: [output_layer/Softmax]
    parallel_inference_config:
      batch_limit: 8
client:
  url: http://localhost:1337
"""
NUMBER = python_step("b = a", {"a": "INT"}, {"b": "INT"})


def wrong(folder, document):
    """Return what is said of a configuration that cannot be used."""
    with pytest.raises(Unusable) as told:
        read_configuration(write(folder, document))
    return told.value


def test_names_are_those_of_the_first_and_the_last_step(tmp_path):
    """A pipeline's inputs are those of the first step that has any, its outputs those of the last."""
    last = model_step("m.onnx", inputNames=["x"], outputNames=["y", "z"])

    configuration = read_configuration(write(tmp_path, {"steps": [NUMBER, last]}, "m.onnx"))

    assert (["default"], ["y", "z"]) == (configuration.input_names, configuration.output_names)
    assert {"a": "Integer"} == configuration.columns
    assert ["m.onnx"] == configuration.files


def test_a_step_without_names_takes_those_of_the_one_after(tmp_path):
    """Where only a later step has inputs, the pipeline has these; a step that changes no names passes them on."""
    steps = [{"@type": "ImageLoadingStep"}, model_step("m.onnx", inputNames=["image"])]

    configuration = read_configuration(write(tmp_path, {"steps": steps}, "m.onnx"))

    assert (["image"], ["default"]) == (configuration.input_names, configuration.output_names)
    assert ["image"] == list(configuration.steps[0].output_names)


def test_the_document_has_what_clients_rely_on(tmp_path):
    """`GET /config` has keys in order, no nulls, names for each step, a format, and what nobody has heard of."""
    document = {
        "steps": [{**NUMBER, "inputNames": None, "runner": "ai.konduit.X"}],
        "servingConfig": {"httpPort": 0, "uploadsDirectory": None},
        "memMapConfig": None,
        "futureConfig": {"b": 1, "a": None},
    }

    found = read_configuration(write(tmp_path, document)).document

    assert ["futureConfig", "servingConfig", "steps"] == list(found)
    assert {"httpPort": 0, "outputDataFormat": "JSON"} == found["servingConfig"]
    assert {"b": 1} == found["futureConfig"]
    assert (["default"], ["default"], "ai.konduit.X") == tuple(
        found["steps"][0][name] for name in ("inputNames", "outputNames", "runner")
    )


def test_the_short_dialect_says_the_same(tmp_path):
    """`konduit.yaml` with underscores becomes what the server writes; names of variables stay as they are."""
    path = tmp_path / "konduit.yaml"
    path.write_text(SHORT)
    (tmp_path / "lib").mkdir()
    for file in ("simple.py", "mnist.pb", "lib/help.py", "lib/.secret", "other.py"):
        (tmp_path / file).touch()

    configuration = read_configuration(path)

    code, model = configuration.document["steps"]
    assert {"first_value": "NDARRAY"} == code["pythonConfigs"]["default"]["pythonInputs"]
    assert {"modelType": "TENSORFLOW", "modelLoadingPath": "mnist.pb"} == model["modelConfig"]["modelConfigType"]
    assert {"batchLimit": 8} == model["parallelInferenceConfig"]
    assert {"httpPort": 1337, "logTimings": True} == {
        name: configuration.document["servingConfig"][name] for name in ("httpPort", "logTimings")
    }
    assert ["simple.py", "mnist.pb", "lib/help.py"] == configuration.files
    assert [] == configuration.misspelt
    assert ("NUMPY", ["output_layer/Softmax"]) == (configuration.output_format, configuration.output_names)


def test_faults_of_the_short_dialect_name_the_step_as_it_is_written(tmp_path):
    """Where steps have names, the place of a fault has the step's name, and not a number."""
    path = tmp_path / "konduit.yaml"
    path.write_text(SHORT.replace("NDARRAY", "MATRIX", 1))
    with pytest.raises(Unusable, match="'MATRIX' is none of BOOL, STR") as told:
        read_configuration(path)
    assert "/steps/python_step/pythonConfigs/default/pythonInputs/first_value" == told.value.place


@pytest.mark.parametrize("document", [ADD_TWO, APPEND, FACES], ids=["add", "append", "faces"])
def test_nothing_is_misspelt_in_real_configurations(tmp_path, document):
    """Members that Konduit knows and that nobody reads here are no misspelt ones."""
    assert [] == read_configuration(write(tmp_path, document, "detect_image.py")).misspelt


def test_misspelt_members_are_told(tmp_path):
    """They are not read, as those of a later Konduit are not, and so what they say would be missed in silence."""
    code = {"pythonCode": "b = a", "pythonInput": {"a": "INT"}, "pythonOutputs": {"b": "INT"}, "note": "mine"}
    step = {"@type": "PythonStep", "output_names": ["b"], "pythonConfigs": {"default": code}}

    configuration = read_configuration(write(tmp_path, {"steps": [step], "servingconfig": {}}))

    assert [
        "/servingconfig is not read; 'servingConfig' would be.",
        "/steps/0/output_names is not read; 'outputNames' would be.",
        "/steps/0/pythonConfigs/default/pythonInput is not read; 'pythonInputs' would be.",
    ] == sorted(configuration.misspelt)


def test_a_folder_of_modules_is_listed_but_what_is_hidden(tmp_path):
    """Files of a Python path are listed one by one, but not hidden ones, links, caches, and the configuration."""
    for folder in ("lib/deep", "lib/.git", "lib/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("top.py", "lib/a.py", "lib/deep/b.txt", "lib/.git/config", "lib/__pycache__/a.pyc", ".env"):
        (tmp_path / file).touch()
    (tmp_path / "lib" / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "lib" / "linked").symlink_to("/etc")
    step = python_step("a = 1", {}, {"a": "INT"}, pythonPath=".")

    assert ["top.py", "lib/a.py", "lib/deep/b.txt"] == read_configuration(write(tmp_path, {"steps": [step]})).files


def test_a_folder_of_modules_is_not_a_whole_disk(tmp_path):
    """More files than modules can be are not looked through."""
    for number in range(1001):
        (tmp_path / f"{number}.py").touch()
    told = wrong(tmp_path, {"steps": [python_step("a = 1", {}, {"a": "INT"}, pythonPath=".")]})
    assert "more than 1000 files" in str(told)


def test_json_and_yaml_are_read_alike(tmp_path):
    """A configuration says the same in either form."""
    document = {"steps": [NUMBER], "servingConfig": {"httpPort": 8080}}
    other = tmp_path / "pipeline.yaml"
    other.write_text(yaml.safe_dump(document))

    assert read_configuration(write(tmp_path, document)).document == read_configuration(other).document


def test_what_is_answered_can_be_read_again(tmp_path):
    """The document of a configuration is a configuration, and the same one."""
    steps = [transform_step([("String", "a")]), NUMBER, model_step("m.onnx", outputNames=["y"])]
    once = read_configuration(write(tmp_path, {"steps": steps}, "m.onnx"))

    again = read_configuration(write(tmp_path, once.document))

    assert once.document == again.document
    assert [(one.kind, *one.input_names, *one.output_names) for one in once.steps] == [
        (one.kind, *one.input_names, *one.output_names) for one in again.steps
    ]


def test_all_faults_are_told_at_once(tmp_path):
    """Whoever wrote a configuration learns of every fault that was found, each with its place."""
    steps = [
        {
            "@type": "PythonStep",
            "pythonConfigs": {"default": {"pythonCode": "a = 1", "pythonOutputs": {"a b": "INTEGER"}}},
        },
        {"@type": "Python"},
        {"@type": "ModelStep", "inputNames": ["x", "x"], "modelConfig": {"modelConfigType": {"modelType": 3}}},
        {
            "@type": "ImageLoadingStep",
            "dimensionsConfigs": {"default": [28, 28]},
            "imageProcessingRequiredLayout": "NWHC",
        },
    ]

    told = wrong(tmp_path, {"steps": steps, "servingConfig": {"outputDataFormat": "XML"}})

    places = [line.partition(":")[0] for line in str(told).splitlines()]
    assert {
        "/steps/0/pythonConfigs/default/pythonOutputs/a b",
        "/steps/1/@type",
        "/steps/2/inputNames",
        "/steps/2/modelConfig/modelConfigType/modelType",
        "/steps/2/modelConfig/modelConfigType",
        "/steps/3/dimensionsConfigs/default",
        "/steps/3/imageProcessingRequiredLayout",
        "/servingConfig/outputDataFormat",
    } == set(places)
    assert "/steps/0/pythonConfigs/default/pythonOutputs/a b" == told.place


@pytest.mark.parametrize(
    ("document", "place", "words"),
    [
        ({}, "", "There is no step"),
        ({"steps": []}, "", "There is no step"),
        ({"steps": 3}, "/steps", "This is a number, and not a list"),
        ({"steps": ["PythonStep"]}, "/steps/0", "no object"),
        ({"steps": [{}]}, "/steps/0", "'@type' is missing"),
        ({"steps": [{"@type": "PythonStep"}]}, "/steps/0", "There is no code"),
        ({"steps": [{"@type": "ModelStep"}]}, "/steps/0", "There is no model"),
        ({"steps": [{"@type": "TransformProcessStep"}]}, "/steps/0", "There is no process"),
        (
            {"steps": [{"@type": "TransformProcessStep", "transformProcesses": {"default": "{}"}}]},
            "/steps/0/transformProcesses/default",
            "This is a text, and not the object",
        ),
        ({"steps": [python_step(None, {}, {"a": "INT"})]}, "/steps/0/pythonConfigs/default", "Either 'pythonCode'"),
        ({"steps": [python_step("a = 1", {}, {})]}, "/steps/0/pythonConfigs/default", "Nothing is returned"),
        (
            {"steps": [{**NUMBER, "inputColumnNames": {"default": ["a", "a"]}}]},
            "/steps/0/inputColumnNames/default",
            "A column stands here twice",
        ),
        (
            {
                "steps": [
                    {**NUMBER, "inputColumnNames": {"default": ["a"]}, "inputSchemas": {"default": ["Int", "Int"]}}
                ]
            },
            "/steps/0/inputSchemas/default",
            "There are 1 columns and 2 types",
        ),
        (
            {"steps": [{"@type": "ImageLoadingStep"}], "servingConfig": {"outputDataFormat": "ARROW"}},
            "/servingConfig/outputDataFormat",
            "an ImageLoadingStep, gives NUMPY, ND4J, JSON",
        ),
        (
            {"steps": [{"@type": "ArrayConcatenationStep", "concatDimensions": {"x": 0}}]},
            "/steps/0/concatDimensions/x",
            "no number of an input",
        ),
        ({"memMapConfig": {}}, "/memMapConfig", "'arrayPath' is missing"),
        ({"memMapConfig": {"arrayPath": "big.npy"}}, "/memMapConfig/arrayPath", "There is no file 'big.npy'"),
        (
            {"steps": [model_step("no.onnx")]},
            "/steps/0/modelConfig/modelConfigType/modelLoadingPath",
            "There is no file 'no.onnx'",
        ),
        (
            {"steps": [python_step("a = 1", {}, {"a": "INT"}, pythonPath="lib:src")]},
            "/steps/0/pythonConfigs/default/pythonPath",
            "There is no folder 'lib' with files",
        ),
    ],
)
def test_a_fault_has_its_place(tmp_path, document, place, words):
    """What is wrong is told with the JSON pointer of where it is."""
    told = wrong(tmp_path, document)

    assert place == told.place
    assert words in str(told)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../model.onnx", "leads out"),
        ("models/../../model.onnx", "leads out"),
        ("..\\model.onnx", "leads out"),
        ("/etc/passwd", "absolute"),
        ("~/model.onnx", "absolute"),
        ("C:\\model.onnx", "address, or names a drive"),
        ("file:///etc/passwd", "address, or names a drive"),
        ("https://example.com/model.onnx", "address, or names a drive"),
        ("link.onnx", "A link leads out"),
        ("folder/model.onnx", "A link leads out"),
    ],
)
def test_files_are_only_those_beside_the_configuration(tmp_path, path, words):
    """A path that leads out of the folder is refused, also where only a link in it does."""
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "secret.onnx").write_bytes(b"")
    (own / "link.onnx").symlink_to(tmp_path / "secret.onnx")
    (own / "folder").symlink_to(tmp_path)

    told = wrong(own, {"steps": [model_step(path)]})

    assert "/steps/0/modelConfig/modelConfigType/modelLoadingPath" == told.place
    assert words in str(told)


def test_a_large_array_alone_is_a_configuration(tmp_path):
    """A server of slices of an array has no steps, and its files are those of the array."""
    document = {"memMapConfig": {"arrayPath": "big.npy", "unkVectorPath": "unknown.npy"}}

    configuration = read_configuration(write(tmp_path, document, "big.npy", "unknown.npy"))

    assert ["big.npy", "unknown.npy"] == configuration.files
    assert configuration.mem_map is not None
    assert "big.npy" == configuration.mem_map.array_path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON: .*line 1"),
        ('{"steps": [], "steps": []}', "'steps' stands twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1e999}', "not finite"),
        ('{"a": 18446744073709551616}', "more than 64 bits"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "more than 64 levels"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "too deep"),
        ("a: &x [1, 2]\nb: *x", "aliases are not allowed, in line 1"),
        ("a: " + "[" * 100 + "]" * 100, "more than 64 levels, in line 1"),
        ("a: " + "[" * 100_000, "no YAML"),
        ("a: 1\na: 2", "'a' stands twice"),
        ("? [1]\n: 2", "a key is neither"),
        ("a: b: c", "no YAML: .*line 1"),
        ("a: .inf", "There is no step"),
        ("- 1", "no object"),
        ("", "no object"),
        ("a: " + "x" * (1 << 20), "more than 1048576 bytes"),
        ("a: [" + "1," * 100_001 + "]", "more than 100000 values"),
    ],
    ids=range(19),
)
def test_a_hostile_text_is_refused_in_words(tmp_path, text, words):
    """Whatever a file holds, it is refused with words, and not with an error of some library."""
    path = tmp_path / "pipeline.yaml"
    path.write_text(text)
    with pytest.raises(Unusable, match=f"(?s){words}"):
        read_configuration(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    """Neither bytes of another encoding nor no file at all are an error of the system."""
    path = tmp_path / "pipeline.json"
    with pytest.raises(Unusable, match="cannot be read: No such file"):
        read_configuration(path)
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(Unusable, match="no text in UTF-8"):
        read_configuration(path)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (("NUMPY", "RAW", "JSON"), None),
        (("JSON", "RAW", "ARROW"), None),
        (("SCHEMA", "RAW", "JSON"), None),
        (("ND4J", "RAW", "JSON"), "The first step, a PythonStep, takes ARROW, NUMPY, JSON, IMAGE, and not ND4J"),
        (("CSV", "RAW", "JSON"), "'CSV' is none of NUMPY, JSON"),
        (("JSON", "CLASSIFICATION", "JSON"), "The last step, a PythonStep, allows RAW, and not CLASSIFICATION"),
        (("JSON", "GUESS", "JSON"), "'GUESS' is none of CLASSIFICATION"),
        (("JSON", "RAW", "XML"), "'XML' is none of ARROW"),
    ],
)
def test_a_request_has_to_suit_the_steps(tmp_path, wish, words):
    """What comes must suit the first step, and what is wanted the last; else both are named."""
    configuration = read_configuration(write(tmp_path, {"steps": [NUMBER]}))
    if words is None:
        configuration.check(*wish)
        return
    with pytest.raises(Refused) as told:
        configuration.check(*wish)
    assert words in str(told.value)
    assert told.value.place == ("inputDataFormat" if wish[0] in ("ND4J", "CSV") else "predictionType")


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
steps = st.dictionaries(
    st.sampled_from(
        [
            *("@type", "type", "inputNames", "outputNames", "inputColumnNames", "inputSchemas", "pythonConfigs"),
            *("modelConfig", "dimensionsConfigs", "transformProcesses", "concatDimensions", "objectDetectionConfig"),
        ]
    ),
    json_values | st.sampled_from(["PythonStep", "ModelStep", "ImageLoadingStep", "TransformProcessStep", "PYTHON"]),
)


@given(
    document=st.fixed_dictionaries({"steps": st.lists(steps, max_size=3) | json_values, "servingConfig": json_values})
)
@settings(max_examples=200, deadline=None)
def test_no_document_is_more_than_refused(tmp_path_factory, document):
    """Any JSON is read, or refused with words; and what is read is answered as JSON that can be read again."""
    folder = tmp_path_factory.mktemp("any")
    try:
        found = read_configuration(write(folder, document))
    except Unusable:
        return
    assert json.loads(json.dumps(found.document)) == read_configuration(write(folder, found.document)).document
