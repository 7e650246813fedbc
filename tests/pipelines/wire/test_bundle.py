"""Several outputs as one ZIP file."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.bundle import entry_name, is_safe, write_zip


def test_each_output_is_an_entry():
    """A ZIP file holds each output under its name, and says that it is whole."""
    outputs = {"x": b"1" * 1000, "dense/Softmax": b"2", "IteratorGetNext:0": b"", "ü": b"3"}
    file = zipfile.ZipFile(BytesIO(write_zip(outputs)))

    assert outputs == {name: file.read(name) for name in file.namelist()}
    assert file.testzip() is None


def test_the_same_outputs_are_the_same_bytes():
    """Nothing of the time or the machine is in it, and whoever unpacks it may read the files."""
    data = write_zip({"x": b"1"})
    (entry,) = zipfile.ZipFile(BytesIO(data)).infolist()

    assert write_zip({"x": b"1"}) == data
    assert (1980, 1, 1, 0, 0, 0) == entry.date_time
    assert 0o644 == entry.external_attr >> 16 & 0o777


@pytest.mark.parametrize("name", ["x", "a/b/c", "x:0", "scope/x:0", "100%", "a..b", ".x", "a b", "x.npy"])
def test_plain_names_stay(name):
    """A name that is that of a file in the folder, or below it, is the entry's."""
    assert name == entry_name(name)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("../x", "..%2Fx"),
        ("a/../../x", "a%2F..%2F..%2Fx"),
        ("/etc/passwd", "%2Fetc%2Fpasswd"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("./x", ".%2Fx"),
        ("a//b", "a%2F%2Fb"),
        ("a/", "a%2F"),
        ("..\\x", "..%5Cx"),
        ("C:/x", "C%3A%2Fx"),
        ("c:x", "c%3Ax"),
        ("a\0b", "a%00b"),
        ("a\nb", "a%0Ab"),
        ("../100%", "..%2F100%25"),
        ("\ud800", "%D800"),
    ],
)
def test_names_that_lead_elsewhere_become_those_of_plain_files(name, entry):
    """Whoever unpacks the file gets nothing outside of the folder, and nothing that is not a file."""
    assert entry == entry_name(name)
    assert [entry] == zipfile.ZipFile(BytesIO(write_zip({name: b""}))).namelist()


@given(name=st.text(alphabet=st.sampled_from("./\\:%aC0\0\n"), min_size=1))
def test_no_name_leads_out(name):
    """Whatever a name is made of, that of its entry is safe, and the same if the name was."""
    entry = entry_name(name)

    assert is_safe(entry)
    assert entry == entry_name(entry)


def test_what_is_unpacked_stays_in_its_folder(tmp_path):
    """A tool that unpacks without looking writes below the folder it was told, and nowhere else."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    file = zipfile.ZipFile(BytesIO(write_zip({"../x": b"1", "/y": b"2", "dir/z": b"3"})))
    for name in file.namelist():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read(name))

    files = [path.relative_to(folder).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert ["%2Fy", "..%2Fx", "dir/z"] == sorted(files)


@pytest.mark.parametrize("outputs", [{"": b""}, {"x" * 5000: b""}, {"../x": b"", "..%2Fx": b""}])
def test_names_that_cannot_be_are_refused(outputs):
    """An output has a name of its own."""
    with pytest.raises(Refused, match=r"name|called"):
        write_zip(outputs)
