"""`seamark generate` owns what it writes; `--check` finds what is not as the specs say, and says how to mend it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.generate import ROOT, main

GOLDEN = ROOT / "tests" / "golden"
PETS = "petshop.yaml"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Return the specs in a copy of the golden tree."""
    shutil.copytree(GOLDEN, tmp_path / "golden")
    return tmp_path / "golden" / "specs"


@pytest.fixture
def out(specs: Path) -> Path:
    """Return what is generated of them."""
    return specs.parent / "generated"


def run(specs: Path, *options: str) -> int:
    """Return the exit status of the command."""
    return main([*options, "--specs", str(specs)])


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_as_the_specs_say_passes(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tree that is as it should be is no news."""
    assert 0 == run(specs, "--check")
    assert ("", "") == capsys.readouterr()


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("petshop.py", "# by hand\n", "petshop.py is not what the specs say."),
        ("petshop.json", None, "petshop.json is missing."),
        ("invoke/say_hello.py", None, "say_hello.py is missing."),
        ("manifest.json", "{}", "manifest.json is not what the specs say."),
        ("other.py", "", "other.py was not made by the generator: remove it."),
        ("../handlers/petshop.py", None, "petshop.py lacks what the specs ask for."),
        ("../handlers/operations/say_hello.py", None, "say_hello.py lacks what the specs ask for."),
    ],
)
def test_what_is_not_fails(
    specs: Path, out: Path, capsys: pytest.CaptureFixture[str], path: str, text: str | None, words: str
) -> None:
    """A changed, a missing and a further file each fail the check, which names the command that mends them."""
    (out / path).unlink(missing_ok=True) if text is None else (out / path).write_text(text)

    status = run(specs, "--check")

    assert 1 == status
    said = capsys.readouterr().err
    assert words in said
    assert "`seamark generate`" in said


@pytest.mark.parametrize("option", ["--check", "--diff", "--dry-run"])
def test_looking_changes_nothing(specs: Path, out: Path, option: str) -> None:
    """What only looks leaves every byte as it is."""
    edit(specs / PETS, "Read one pet.", "Read a pet.")
    before = {path: path.read_bytes() for path in specs.parent.rglob("*") if path.is_file()}

    run(specs, option)

    assert before == {path: path.read_bytes() for path in specs.parent.rglob("*") if path.is_file()}


def test_what_would_change_is_shown(specs: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--diff` has the lines, `--dry-run` the files."""
    edit(specs / PETS, "Read one pet.", "Read a pet.")

    assert 0 == run(specs, "--diff")
    assert '+        """Read a pet."""\n' in capsys.readouterr().out
    assert 0 == run(specs, "--dry-run")
    assert f"would write {out / 'petshop.py'}\n" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["petshop.py", "petshop.json", "_support.py"])
def test_a_hand_edit_is_not_overwritten(specs: Path, out: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    """Who edited a generated file by hand is told, and loses it only with `--force`."""
    edit(specs / PETS, "Read one pet.", "Read a pet.")
    with (out / path).open("a") as file:
        file.write("\n")
    edited = (out / path).read_bytes()

    assert 1 == run(specs)
    assert f"{out / path} was edited by hand" in capsys.readouterr().err
    assert edited == (out / path).read_bytes()
    assert "Read one pet." in (out / "petshop.json").read_text("utf-8")

    assert 0 == run(specs, "--force")
    assert 0 == run(specs, "--check")


def test_a_file_of_somebody_elses_is_not_overwritten(specs: Path, out: Path) -> None:
    """A file that the generator never made stays, also where a new spec wants its name."""
    (out / "shop.py").write_text("mine = 1\n")
    (specs / "shop.yaml").write_text((specs / PETS).read_text("utf-8").replace("handlers.petshop", "handlers.shop"))

    assert 1 == run(specs)
    assert "mine = 1\n" == (out / "shop.py").read_text()


def test_a_spec_that_is_gone_takes_its_files_along(specs: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files of a spec that is gone are found by the check and removed by the next run, and nothing else is."""
    (specs / PETS).unlink()
    (out / "mine.txt").write_text("")

    assert 1 == run(specs, "--check")
    assert 2 == capsys.readouterr().err.count("is left over from a spec that is gone")
    assert 0 == run(specs)

    assert [] == list(out.glob("petshop.*"))
    assert (out / "mine.txt").exists()
    assert (out.parent / "handlers" / "petshop.py").exists()


def test_a_left_over_that_was_edited_stays(specs: Path, out: Path) -> None:
    """What was edited by hand is not removed either."""
    (specs / PETS).unlink()
    edit(out / "petshop.py", "import annotations", "import annotations  # mine")

    assert 1 == run(specs)
    assert (out / "petshop.py").exists()


def test_only_what_changed_is_written(specs: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run writes nothing; a change of one spec touches its own files."""
    assert 0 == run(specs)
    assert "" == capsys.readouterr().out

    edit(specs / PETS, "Read one pet.", "Read a pet.")

    assert 0 == run(specs)
    written = [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()]
    assert ["petshop.json", "petshop.py", "manifest.json"] == written


def test_a_broken_spec_writes_nothing(specs: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spec that is wrong is told with file and line, and nothing is written."""
    (specs / "invoke" / "say-hello.yaml").unlink()
    edit(specs / PETS, "      summary: Read one pet.\n", "")

    assert 1 == run(specs)
    assert "petshop.yaml:57: error: GET /pets/{petId} has no summary." in capsys.readouterr().err
    assert (out / "invoke" / "say_hello.py").exists()


def test_two_specs_of_one_module_are_told(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names that differ in a hyphen only would be one module."""
    text = (specs / PETS).read_text("utf-8")
    for name in ("pet-shop", "pet_shop"):
        (specs / f"{name}.yaml").write_text(text)

    assert 1 == run(specs)
    assert "pet-shop" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without specs nothing is generated, and nothing removed."""
    assert 1 == run(out.parent / "nowhere")
    assert "pip install -e" in capsys.readouterr().err
    assert (out / "petshop.py").exists()


def test_a_manifest_cannot_remove_what_is_outside(specs: Path, out: Path) -> None:
    """A manifest that lists paths out of the folder removes nothing there."""
    outside = out.parent / "precious.txt"
    outside.write_text("")
    (out / "manifest.json").write_text('{"files": {"../precious.txt": "", "/etc/hostname": ""}}')

    run(specs, "--force")

    assert outside.exists()


def test_what_git_does_not_have_fails_the_check(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is right here, and would be missing for everybody else, is no success."""
    for command in (
        ["init", "-q"],
        ["add", "specs", "generated", "handlers"],
        ["rm", "-q", "--cached", "generated/petshop.json"],
    ):
        subprocess.run(["git", *command], cwd=specs.parent, check=True, capture_output=True)

    assert 1 == run(specs, "--check")
    assert "petshop.json is not in git." in capsys.readouterr().err

    subprocess.run(["git", "add", "."], cwd=specs.parent, check=True)
    assert 0 == run(specs, "--check")


def test_what_is_committed_is_what_the_specs_say(capsys: pytest.CaptureFixture[str]) -> None:
    """The tree in generated/ is up to date, and the controllers agree with it."""
    status = main(["--check"])

    said = capsys.readouterr().err
    assert not [line for line in said.splitlines() if not line.endswith(("is not in git.", "others get it too."))]
    assert status == (1 if said else 0)
