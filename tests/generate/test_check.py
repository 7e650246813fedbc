"""`seamark generate --check` finds what is not as the specs say, and says how to mend it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.generate import ROOT, check, generate, main

GOLDEN = ROOT / "tests" / "golden"
PETS = "petshop.yaml"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Return a copy of the golden specs."""
    return Path(shutil.copytree(GOLDEN / "specs", tmp_path / "specs"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a copy of the golden tree."""
    return Path(shutil.copytree(GOLDEN / "generated", tmp_path / "generated"))


def run(specs: Path, out: Path, *options: str) -> int:
    """Return the exit status of the command."""
    return main([*options, "--specs", str(specs), "--out", str(out)])


def test_what_is_as_the_specs_say_passes(specs: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tree that is as it should be is no news."""
    assert 0 == run(specs, out, "--check")
    assert ("", "") == capsys.readouterr()


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("petshop.py", "# by hand\n", "petshop.py is not what the specs say."),
        ("petshop.json", None, "petshop.json is missing."),
        ("invoke/say_hello.py", None, "say_hello.py is missing."),
        ("manifest.json", "{}", "manifest.json is not what the specs say."),
        ("other.py", "", "other.py was not made by the generator: remove it."),
    ],
)
def test_what_is_not_fails(
    specs: Path, out: Path, capsys: pytest.CaptureFixture[str], path: str, text: str | None, words: str
) -> None:
    """A changed, a missing and a further file each fail the check, which names the command that mends them."""
    (out / path).unlink(missing_ok=True) if text is None else (out / path).write_text(text)

    status = run(specs, out, "--check")

    assert 1 == status
    said = capsys.readouterr().err
    assert words in said
    assert "`seamark generate`" in said


def test_a_check_changes_nothing(specs: Path, out: Path) -> None:
    """The check only looks."""
    (out / "petshop.py").write_text("# by hand\n")

    run(specs, out, "--check")

    assert "# by hand\n" == (out / "petshop.py").read_text()


def test_a_spec_that_is_gone_takes_its_files_along(specs: Path, out: Path) -> None:
    """Files of a spec that is gone are found by the check and removed by the next run, and nothing else is."""
    (specs / PETS).unlink()
    (out / "mine.txt").write_text("")

    found = check(specs, out)
    changed = generate(specs, out)

    assert 2 == len([line for line in found if "is left over from a spec that is gone" in line])
    assert ["manifest.json", "petshop.json", "petshop.py"] == sorted(changed)
    assert not (out / "petshop.py").exists()
    assert (out / "mine.txt").exists()


def test_only_what_changed_is_written(specs: Path, out: Path) -> None:
    """A second run writes nothing; a change of one spec touches its own files."""
    assert [] == generate(specs, out)

    (specs / PETS).write_text((specs / PETS).read_text().replace("Read one pet.", "Read a pet."))

    assert ["manifest.json", "petshop.json", "petshop.py"] == sorted(generate(specs, out))


def test_a_broken_spec_writes_nothing(specs: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spec that is wrong is told with file and line, and nothing is written."""
    (specs / "invoke" / "say-hello.yaml").unlink()
    (specs / PETS).write_text((specs / PETS).read_text().replace("      summary: Read one pet.\n", ""))

    assert 1 == run(specs, out)
    assert "petshop.yaml:57: error: GET /pets/{petId} has no summary." in capsys.readouterr().err
    assert (out / "invoke" / "say_hello.py").exists()


def test_a_folder_that_is_not_there_is_told(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without specs nothing is generated, and nothing removed."""
    assert 1 == run(out.parent / "nowhere", out)
    assert "pip install -e" in capsys.readouterr().err
    assert (out / "petshop.py").exists()


def test_a_manifest_cannot_remove_what_is_outside(specs: Path, out: Path) -> None:
    """A manifest that lists paths out of the folder removes nothing there."""
    outside = out.parent / "precious.txt"
    outside.write_text("")
    (out / "manifest.json").write_text('{"files": {"../precious.txt": "", "/etc/hostname": ""}}')

    generate(specs, out)

    assert outside.exists()


def test_what_is_committed_is_what_the_specs_say() -> None:
    """The tree in generated/ is up to date."""
    assert [] == check(), "run `seamark generate`"
