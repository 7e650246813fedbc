"""What is written by hand and does not agree with its spec is told, with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.generate import ROOT, main

GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a copy of the golden tree."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))


def run(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    """Return the exit status of a run, and what it said of what is written by hand."""
    status = main([*options, "--specs", str(root / "specs")])
    said = capsys.readouterr().err.splitlines()
    return status, [line.removeprefix(f"{root / 'handlers'}/") for line in said if "/handlers/" in line]


def line_of(words: str, root: Path) -> int:
    """Return the line of the golden controller that has *words*, from 1."""
    text = (root / "handlers" / "petshop.py").read_text("utf-8")
    return text[: text.index("def list_pets" if words.startswith("kind") else words)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "def read_pet(*, petId: int)",
            "def read_pet()",
            "petshop.py:{line}: error: read_pet does not take `petId: int`, which specs/petshop.yaml gives. "
            "Add the argument.",
        ),
        (
            "def read_pet(*, petId: int)",
            "def read_pet(petId: int, why: str = '')",
            "petshop.py:{line}: error: read_pet takes `why`, which specs/petshop.yaml does not give. "
            "Remove the argument.",
        ),
        (
            "kind: api.Kind | None = None",
            "kind: api.Kind",
            "petshop.py:{line}: error: list_pets needs `kind`, which may be missing by specs/petshop.yaml. "
            "Give it the default None.",
        ),
        (
            "def read_pet(*, petId: int)",
            "def read_pet(petId: int, /)",
            "petshop.py:{line}: error: read_pet takes arguments by position only; the gateway gives them by name. "
            "Remove the `/`.",
        ),
        (
            "def nonce(*,",
            "def nonsense(*,",
            "petshop.py:{line}: warning: nonsense serves no operation any more. "
            "Remove it, unless something else calls it.",
        ),
        (
            "def read_pet(*, petId: int)",
            "def read_pet(*, petId int)",
            "petshop.py:{line}: error: This is no Python: invalid syntax. Nothing is appended to it until it is.",
        ),
        (
            "from handlers.errors import NotBuilt",
            "from handlers.errors import *",
            "petshop.py:1: warning: It imports `*`, or has `__getattr__`, so nobody can tell which functions it has. "
            "Import them by name, else none is appended.",
        ),
    ],
    ids=["missing", "more", "needed", "position", "gone", "broken", "star"],
)
def test_a_controller_that_disagrees_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    """A run says where, and goes on; the check fails where the server would."""
    edit(root / "handlers" / "petshop.py", old, new)
    before = (root / "handlers" / "petshop.py").read_bytes()

    status, lines = run(root, capsys)

    expected = said.format(line=line_of(new.partition("(")[0], root))
    assert (0, [f"{expected} [controller]"]) == (status, lines)
    assert (root / "handlers" / "petshop.py").read_bytes().startswith(before)
    assert ("error" in said) == (run(root, capsys, "--check")[0] == 1)


def test_arguments_by_keyword_are_enough(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A function that takes whatever comes agrees with any spec."""
    edit(root / "handlers" / "petshop.py", "def read_pet(*, petId: int)", "def read_pet(**given: object)")

    assert (0, []) == run(root, capsys)


def test_an_operation_that_is_gone_is_told_once_it_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A function that is built is told when its operation goes; a helper of that module never is."""
    controller = root / "handlers" / "petshop.py"
    edit(controller, 'raise NotBuilt("read_pet is not built yet.")', 'return {"id": petId, "name": "Bello"}')
    with controller.open("a") as file:
        file.write("\n\ndef helper() -> int:\n    return 1\n")
    spec = root / "specs" / "petshop.yaml"
    spec.write_text(spec.read_text("utf-8").replace("readPet", "readAnimal"))

    status, lines = run(root, capsys)

    assert 0 == status
    assert [f"petshop.py:{line_of('def read_pet', root)}: warning: read_pet serves no operation any more."] == [
        line.partition(" Remove")[0] for line in lines
    ]
    assert b"def read_animal(" in controller.read_bytes()


def test_a_spec_that_is_gone_leaves_functions_that_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the whole API went, each of its functions is told, and none is removed."""
    (root / "specs" / "petshop.yaml").unlink()

    _, lines = run(root, capsys)

    assert 8 == len([line for line in lines if "serves no operation any more" in line])


def test_another_type_is_told_when_it_changes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a built function is given, or has to answer, is told when its type changes; that of a stub is not."""
    edit(root / "handlers" / "petshop.py", 'raise NotBuilt("read_pet is not built yet.")', 'return {"id": petId}')
    spec = (root / "specs" / "petshop.yaml").read_text("utf-8")
    start = spec.index("  /pets/{petId}:")
    changed = spec[start:].replace("type: integer", "type: string", 1)
    assert changed != spec[start:]
    (root / "specs" / "petshop.yaml").write_text(spec[:start] + changed)

    _, lines = run(root, capsys)

    where = f"petshop.py:{line_of('def read_pet', root)}"
    expected = f"{where}: warning: `petId` of read_pet was `int` and is now `str`. See that the function knows it."
    assert [f"{expected} [controller]"] == lines


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: str", "", "run does not take the input `name` of specs/invoke/say-hello.yaml."),
        ("name: str", "name: str, loud: bool", "run takes `loud`, which is no input of specs/invoke/say-hello.yaml."),
        ("def run", "def walk", "There is no function `run` for specs/invoke/say-hello.yaml."),
        ("name: str", "name str", "This is no Python: invalid syntax."),
    ],
    ids=["missing", "more", "none", "broken"],
)
def test_the_function_of_an_operation_that_disagrees_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    """The function that is invoked is held to its inputs like a controller to its operations."""
    edit(root / "handlers" / "operations" / "say_hello.py", old, new)

    _, lines = run(root, capsys)

    assert 1 == len(lines)
    assert lines[0].startswith("operations/say_hello.py:")
    assert said in lines[0]
    assert 1 == run(root, capsys, "--check")[0]


def test_a_controller_may_be_a_package(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a controller has become a folder, what is missing goes into its first module."""
    package = root / "handlers" / "petshop"
    package.mkdir()
    (root / "handlers" / "petshop.py").rename(package / "__init__.py")
    spec = root / "specs" / "petshop.yaml"
    spec.write_text(spec.read_text("utf-8").replace("readPet", "readAnimal"))

    run(root, capsys)

    assert b"def read_animal(" in (package / "__init__.py").read_bytes()
    assert not (root / "handlers" / "petshop.py").exists()
