"""Operations may live in a folder outside: the same checks, and a name space of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from handlers.errors import NotBuilt
from handlers.operations.catalogue import CatalogueError, catalogue_of
from handlers.operations.folder import package_of
from handlers.spec.documents import DocumentMissing, read_apis
from handlers.spec.findings import SpecError
from handlers.spec.outside import read_outside

SPEC = """\
openapi: 3.0.3
info: { title: Something, version: "1" }
paths:
  /invokesync:
    post: { operationId: NAME_sync, responses: { default: { description: It failed. } } }
components:
  schemas:
    Inputs: { type: object, required: [text], properties: { text: { type: string } } }
    Outputs: { type: object, properties: { text: { type: string } } }
"""
FUNCTION = (
    "import helper_of_tests\n\n\ndef run(text: str) -> dict[str, str]:\n    return helper_of_tests.answer(text)\n"
)


@pytest.fixture
def folder(tmp_path: Path):
    """Return a folder with an operation called like a module of Python's, which has a helper."""
    (tmp_path / "random.yaml").write_text(SPEC.replace("NAME", "random"))
    (tmp_path / "random.py").write_text(FUNCTION)
    (tmp_path / "helper_of_tests.py").write_text("def answer(text):\n    return {'text': text[::-1]}\n")
    before, path = dict(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


def test_it_is_served_beside_the_others(folder: Path) -> None:
    """It is an API like the others, mounted like them, served by the same controller."""
    apis = {api.name: api for api in read_apis(outside=folder)}

    api = apis["invoke/random"]
    assert "invoke/hash" in apis
    assert ("/invoke/random", folder) == (api.mount, api.folder)
    assert "handlers.invoke" == api.document["paths"]["/invokesync"]["post"]["x-openapi-router-controller"]
    assert ["invoke/random"] == [api.name for api in read_apis(["invoke/random"], folder)]


def test_its_function_is_its_own(folder: Path) -> None:
    """It shadows no module of the same name, and imports what lies beside it."""
    catalogue = catalogue_of(read_outside(folder))

    assert {"text": "cba"} == catalogue.read("random").function()(text="abc")
    assert hasattr(__import__("random"), "randint")


def test_two_folders_in_one_process_do_not_mix(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The package holds what is in the folder that was opened last."""
    other = tmp_path_factory.mktemp("other")
    (other / "random.yaml").write_text(SPEC.replace("NAME", "random"))
    (other / "random.py").write_text("def run(text: str):\n    return {'text': 'other'}\n")
    catalogue_of(read_outside(folder))

    catalogue = catalogue_of(read_outside(other))

    assert {"text": "other"} == catalogue.read("random").function()(text="abc")
    assert package_of(folder) == package_of(other)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("def run(text: int): ...\n", "text is of type string, and no int"),
        ("def walk(text): ...\n", "has no function `run`"),
        ("import nothing_of_that_name\n", "cannot be imported: No module named 'nothing_of_that_name'"),
        ("def run(text:\n", "cannot be imported: SyntaxError"),
        ("raise ValueError('no')\n", "cannot be imported: ValueError: no"),
        (None, "There is no module seamark_operations.random for"),
    ],
)
def test_a_function_that_does_not_agree_is_refused(folder: Path, function: str | None, words: str) -> None:
    """The server does not start, and says whose fault it is."""
    (folder / "random.py").unlink() if function is None else (folder / "random.py").write_text(function)

    with pytest.raises(CatalogueError, match=words.replace("(", "[(]")) as caught:
        catalogue_of(read_outside(folder))
    assert "random" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("hash.yaml", DocumentMissing, "which is built in"),
        ("Hash 2.yaml", DocumentMissing, "is no name of an operation"),
    ],
)
def test_a_name_that_cannot_be_is_refused(folder: Path, name: str, error: type[Exception], words: str) -> None:
    """What is built in keeps its name, and a name is one that can stand in an address."""
    (folder / name).write_text(SPEC)

    with pytest.raises(error, match=words):
        read_apis(outside=folder)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Nothing is served in silence without the operations that were asked for."""
    with pytest.raises(DocumentMissing, match="There is no folder"):
        read_apis(outside=tmp_path / "nowhere")


def test_a_reference_does_not_leave_the_folder(folder: Path) -> None:
    """What a spec refers to lies beside it."""
    (folder / "random.yaml").write_text(SPEC + "    More: { $ref: '../../x.yaml#/a' }\n")

    with pytest.raises(SpecError, match="leads out of"):
        read_outside(folder)


def test_a_spec_without_inputs_is_told(folder: Path) -> None:
    """What takes nothing says so."""
    (folder / "random.yaml").write_text(SPEC.replace("Inputs:", "Input:"))

    with pytest.raises(CatalogueError, match="no schemas `Inputs` and `Outputs`"):
        catalogue_of(read_outside(folder))


def test_not_built_is_a_problem() -> None:
    """What a new operation raises becomes a 501."""
    assert 501 == NotBuilt.status
