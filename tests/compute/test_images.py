"""Programs of this machine that stand for images, and what of it they make visible."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.compute.images import Interpreter, interpreter_for, read_table, roots_of
from handlers.compute.words import Container
from handlers.compute.work import StageFailed

HIDDEN = (Path("/srv/seamark"), Path("/root"))


def roots(path):
    """Return what a program makes visible."""
    return [str(folder) for folder in roots_of(Interpreter("python", Path(path)), HIDDEN)]


def test_a_table_names_programs():
    """By the image, with a path or a name that is looked for; what is not there stands for nothing."""
    table = read_table("sh=/bin/sh, library/shell=sh, none=/nothing/at/all")

    assert {"sh": "sh", "library/shell": "shell"} == {image: found.name for image, found in table.items()}
    with pytest.raises(StageFailed, match="cannot be run in this server's sandbox; these can: library/shell, sh"):
        interpreter_for(Container(entrypoint="r", image="r-base", tag="4"), table)


@pytest.mark.parametrize("text", ["python", "=python3", "python="])
def test_what_is_no_table_is_refused(text):
    """Each entry has an image and a program."""
    with pytest.raises(ValueError, match="IMAGE=PROGRAM"):
        read_table(text)


def test_a_program_of_the_system_shows_nothing_more():
    """What begins like the name of a system folder is none."""
    assert [] == roots("/usr/bin/env")
    assert ["/library/python"] == roots("/library/python/bin/python3")
    assert ["/opt/python"] == roots("/opt/python/bin/python3")
    assert ["/root/.pyenv/versions/3.11"] == roots("/root/.pyenv/versions/3.11/bin/python3")


@pytest.mark.parametrize(
    "path",
    ["/srv/python3", "/srv/bin/python3", "/srv/seamark/bin/python3", "/home/ann/bin/python3", "/root/bin/python3"],
)
def test_a_program_does_not_show_what_is_hidden(path):
    """Neither the server's home, nor that of a user, nor a folder that holds one."""
    with pytest.raises(StageFailed, match="where algorithms may not look"):
        roots(path)
