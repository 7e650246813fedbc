"""Copies of what pipelines are made of."""

from __future__ import annotations

from handlers.pipelines.config import read_configuration
from handlers.pipelines.copies import forget_others, kept_apart
from handlers.settings import Settings
from tests.pipelines.made import python_step, write


def copied(folder, settings, code):
    """Return the configuration of some code, of which there are copies now."""
    step = python_step(None, {"a": "INT"}, {"b": "INT"}, pythonCodePath="code.py")
    (folder / "code.py").write_text(code)
    configuration = read_configuration(write(folder, {"steps": [step]}))
    kept_apart(configuration, settings)
    return configuration


def test_copies_of_what_was_edited_do_not_stay(tmp_path):
    """Each edit makes another folder of copies; when a server is started that of what it runs is kept, if any is."""
    settings = Settings(home=tmp_path / "home")
    copied(tmp_path, settings, "b = a")
    configuration = copied(tmp_path, settings, "b = a + 1")
    folder = kept_apart(configuration, settings)
    assert 2 == len(list(folder.parent.iterdir()))

    forget_others(configuration, settings)
    assert [folder] == list(folder.parent.iterdir())
    assert "b = a + 1" == (folder / "code.py").read_text()

    forget_others(None, settings)
    assert [] == list(folder.parent.iterdir())
    forget_others(None, Settings(home=tmp_path / "none"))
