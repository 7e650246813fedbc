"""What `up --dev` does when a file is edited."""

import pytest

from handlers.cli import dev
from handlers.cli.supervisor import Child, Program
from handlers.settings import Settings

SPEC = "openapi: 3.0.3\n"


class Keeper:
    """Stands for the supervisor, whose processes are the web and Redis: remembers what was to start anew."""

    def __init__(self):
        self.restarted = []
        programs = [Program(name="web", command=()), Program(name="redis", command=(), last=True)]
        self.children = {program.name: Child(program, print) for program in programs}

    def restart(self, names):
        self.restarted.append(names)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout whose generator only notes that it ran."""
    monkeypatch.setattr(dev, "LOOK_S", 0)
    monkeypatch.setattr(dev, "needed_checkout", lambda: tmp_path)
    for folder in ("specs", "handlers", "tools/generate"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tools" / "generate" / "__main__.py").write_text(
        "import pathlib; pathlib.Path('ran').touch(); raise SystemExit(pathlib.Path('wrong').exists())"
    )
    (tmp_path / "specs" / "a.yaml").write_text(SPEC)
    return tmp_path


def test_an_edited_handler_starts_the_processes_anew(root):
    """A change of code needs no generator; no change needs nothing."""
    keeper = Keeper()
    look = dev.watch(dev.sources(Settings()), keeper)

    look()
    before = list(keeper.restarted)
    (root / "handlers" / "a.py").touch()
    answers = [look(), look()]

    assert [] == before
    assert [False, False] == answers
    assert [["web"]] == keeper.restarted
    assert not (root / "ran").exists()


def test_an_edited_spec_is_generated_first(root):
    """A change of a spec runs the generator, and a spec that is wrong stops nothing."""
    keeper = Keeper()
    look = dev.watch(dev.sources(Settings()), keeper)

    (root / "specs" / "b.yaml").write_text(SPEC)
    look()
    assert (root / "ran").exists()
    assert [["web"]] == keeper.restarted

    (root / "wrong").touch()
    (root / "specs" / "b.yaml").unlink()
    look()
    assert [["web"]] == keeper.restarted
