"""What of an algorithm's outputs may leave."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.compute import outputs
from handlers.compute.outputs import Bounds, Rejected, accepted

BOUNDS = Bounds(bytes=1 << 20, files=10)
SECRET = bytes(range(256)) * 4


@pytest.fixture
def volume(tmp_path):
    """Folders of data and of outputs."""
    inputs = tmp_path / "inputs" / "d0"
    inputs.mkdir(parents=True)
    (inputs / "0").write_bytes(SECRET)
    (tmp_path / "outputs").mkdir()
    return tmp_path


def filtered(volume, bounds=BOUNDS):
    """Return the names of what may leave, or why nothing may."""
    try:
        found = accepted(volume / "outputs", volume / "inputs", bounds)
    except Rejected as rejected:
        return str(rejected)
    return [str(path.relative_to(volume / "outputs")) for path in found]


def test_files_may_leave(volume):
    """Also from folders, in the order of their names."""
    (volume / "outputs" / "sub").mkdir()
    for name in ("b.txt", "sub/c.txt", "a.txt"):
        (volume / "outputs" / name).write_text("result")

    assert ["a.txt", "b.txt", "sub/c.txt"] == filtered(volume)


def test_a_copy_of_an_input_may_not(volume):
    """Neither alone nor inside of something else."""
    (volume / "outputs" / "copy").write_bytes(b"head" + SECRET + b"tail")

    assert "'copy' holds an input" in filtered(volume)


def test_a_link_may_not_leave(volume):
    """What it leads to is not looked at, and not read."""
    (volume / "outputs" / "passwd").symlink_to("/etc/passwd")

    assert "is not a file, but a symbolic link" in filtered(volume)


def test_a_folder_behind_a_link_is_not_entered(volume):
    """A link to a folder is a link."""
    (volume / "outputs" / "all").symlink_to(volume / "inputs")

    assert "a symbolic link" in filtered(volume)


def test_pipes_and_sockets_may_not_leave(volume):
    """Opening one could wait for ever."""
    os.mkfifo(volume / "outputs" / "pipe")
    assert "a pipe" in filtered(volume)

    (volume / "outputs" / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(volume / "outputs" / "socket"))
    assert "a socket" in filtered(volume)


def test_too_many_or_too_large_may_not_leave(volume):
    """The bounds are those of all outputs together."""
    for number in range(3):
        (volume / "outputs" / str(number)).write_bytes(b"x" * 100)

    assert "more than 2 outputs" in filtered(volume, Bounds(bytes=1 << 20, files=2))
    assert "the most is 299 bytes" in filtered(volume, Bounds(bytes=299, files=10))
    assert ["0", "1", "2"] == filtered(volume, Bounds(bytes=300, files=3))


def test_an_empty_input_is_in_nothing(volume):
    """It could not be told from any output."""
    (volume / "inputs" / "d0" / "0").write_bytes(b"")
    (volume / "outputs" / "empty").write_bytes(b"")

    assert ["empty"] == filtered(volume)


def test_a_short_input_may_stand_in_an_output_by_chance(volume):
    """Only a file that is just that counts as a copy."""
    (volume / "inputs" / "d0" / "0").write_text("1\n")
    (volume / "outputs" / "sum").write_text("11\n")
    assert ["sum"] == filtered(volume)

    (volume / "outputs" / "copy").write_text("1\n")
    assert "'copy' holds an input" in filtered(volume)


@given(before=st.binary(max_size=300), after=st.binary(max_size=300), window=st.integers(1, 200))
def test_a_copy_is_found_wherever_windows_begin(tmp_path_factory, before, after, window):
    """A copy that lies across two windows is one as well."""
    path = tmp_path_factory.mktemp("holds") / "output"
    path.write_bytes(before + SECRET + after)
    kept, outputs.WINDOW_BYTES = outputs.WINDOW_BYTES, window
    try:
        assert outputs.holds(path, SECRET)
        path.write_bytes(before + SECRET[:-1])
        assert outputs.holds(path, SECRET) is (SECRET in before + SECRET[:-1])
    finally:
        outputs.WINDOW_BYTES = kept
