"""`seamark new operation` writes what is then written by hand, and never over what is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from handlers.cli import main
from handlers.operations.catalogue import catalogue_of
from handlers.operations.scaffold.fields import TYPES
from handlers.spec.lint import lint
from handlers.spec.outside import read_outside

ROOT = Path(__file__).parents[2]
ALL = [option for name in TYPES for option in ("--input", f"{name}-a:{name}", "--input", f"{name}-b:{name}?")] + [
    option for name in TYPES for option in ("--output", f"{name}-c:{name}", "--output", f"{name}-d:{name}?")
]
DEFAULTS = [
    "text:string=a b",
    "whole:integer=3",
    "part:number=0.5",
    "yes:boolean=true",
    "list:array=[1]",
    "map:object={}",
]


def new(folder: Path, name: str, *options: str) -> Result:
    """Run the command for a folder outside."""
    return CliRunner().invoke(main, ["new", "operation", name, *options, "--in", str(folder)])


@pytest.mark.parametrize(
    "options",
    [[], ALL, [option for text in DEFAULTS for option in ("--input", text)], ["--summary", 'Say """x""", a\\b: 日本']],
    ids=["nothing", "all", "defaults", "odd"],
)
def test_what_is_written_is_right(tmp_path: Path, options: list[str]) -> None:
    """Whatever the inputs and outputs, the spec is clean, the function agrees with it, and the test runs."""
    result = new(tmp_path, "do-it", *options)

    assert 0 == result.exit_code, result.output
    assert [] == lint(tmp_path / "do-it.yaml", tmp_path)
    assert ["do-it"] == list(catalogue_of(read_outside(tmp_path)).operations)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert "1 xfailed" in done.stdout, done.stdout


def test_the_function_has_the_types_of_the_inputs(tmp_path: Path) -> None:
    """What must be there comes first, a default is a default, an asset is a file."""
    new(
        tmp_path,
        "train",
        "--input",
        "rounds:integer=3",
        "--input",
        "a:string",
        "--input",
        "data:asset?",
        "--output",
        "m:asset",
    )

    text = (tmp_path / "train.py").read_text()
    signature = "def run(a: str, rounds: int = 3, data: AssetFile | None = None, *, directory: Path) -> dict[str, Any]:"
    assert signature in text
    assert "        `m`: A `NewAsset`: a file in *directory*.\n" in text


def test_a_second_one_shares_the_common_parts(tmp_path: Path) -> None:
    """What both refer to is written once, and left as it is then."""
    new(tmp_path, "one")
    shared = (tmp_path / "_shared.yaml").read_text()
    (tmp_path / "_shared.yaml").write_text(shared + "# mine\n")

    assert 0 == new(tmp_path, "two").exit_code
    assert shared + "# mine\n" == (tmp_path / "_shared.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Word Count", [], "is no name of an operation"),
        ("hash", [], "which is built in"),
        ("class", [], "is no name of an operation"),
        ("x", ["--input", "a"], "is not written as"),
        ("x", ["--input", "a:text"], "has the type 'text'; there are string, integer"),
        ("x", ["--input", "a-b:string", "--input", "a_b:string"], "There are two of the name a_b."),
        ("x", ["--input", "report:string"], "is no name for an input or output"),
        ("x", ["--input", "class:string"], "is no name for an input or output"),
        ("x", ["--input", "a:integer=x"], "The default of a is not JSON"),
        ("x", ["--input", "a:integer=true"], "The default of a is no integer"),
        ("x", ["--input", "a:asset={}"], "The default of a is no asset"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, name: str, options: list[str], words: str) -> None:
    """Nothing is written then."""
    result = new(tmp_path, name, *options)

    assert 1 == result.exit_code
    assert words in result.output
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["do-it.yaml", "do_it.py", "test_do_it.py"])
def test_what_is_there_stays(tmp_path: Path, path: str) -> None:
    """Nothing is written over, and nothing beside it either."""
    (tmp_path / path).write_text("mine")

    result = new(tmp_path, "do-it")

    assert 1 == result.exit_code
    assert f"There is a {tmp_path / path} already; nothing was written." in result.output
    assert [path] == [each.name for each in tmp_path.iterdir()]
