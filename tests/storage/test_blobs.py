"""Blobs in a folder, and through fsspec."""

import pytest

from handlers.errors import StorageUnavailable
from handlers.storage.blobs import FolderBlobs, RemoteBlobs, open_blobs


@pytest.fixture(params=["folder", "fsspec"])
def blobs(request, tmp_path):
    """An empty store of each kind; fsspec's local files stand for any store that it knows."""
    return FolderBlobs(tmp_path / "blobs") if request.param == "folder" else RemoteBlobs(f"local://{tmp_path}/remote")


@pytest.fixture
def source(tmp_path):
    """A file to store."""
    path = tmp_path / "source"
    path.write_bytes(b"bytes" * 1000)
    return path


def test_a_blob_comes_back_as_it_was(blobs, source, tmp_path):
    """By stream and by path, the bytes are those that were put."""
    blobs.put("a/b/c", source)

    with blobs.open("a/b/c") as file:
        assert source.read_bytes() == file.read()
    assert source.read_bytes() == blobs.local("a/b/c", tmp_path).read_bytes()


def test_a_blob_can_be_replaced_and_removed(blobs, source, tmp_path):
    """The last put counts; a removed blob is not found, and removing it again is no error."""
    blobs.put("a", source)
    source.write_bytes(b"new")
    blobs.put("a", source)

    assert b"new" == blobs.local("a", tmp_path).read_bytes()
    blobs.remove("a")
    blobs.remove("a")
    with pytest.raises(FileNotFoundError):
        blobs.open("a")


def test_a_prefix_is_removed_whole(blobs, source):
    """Everything below goes, its neighbours stay."""
    for name in ("jobs/1/a", "jobs/1/b/c", "jobs/12"):
        blobs.put(name, source)

    blobs.remove_all("jobs/1")

    for name in ("jobs/1/a", "jobs/1/b/c"):
        with pytest.raises(FileNotFoundError):
            blobs.open(name)
    blobs.open("jobs/12").close()


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a\0b"])
def test_no_name_leads_out_of_the_store(name, blobs, source):
    """Absolute names and names that lead upwards are refused."""
    with pytest.raises(ValueError, match="no name of a blob"):
        blobs.put(name, source)


def test_a_failed_put_leaves_nothing_behind(tmp_path):
    """A source that cannot be read leaves neither a blob nor a part of one."""
    blobs = FolderBlobs(tmp_path / "blobs")

    with pytest.raises(FileNotFoundError):
        blobs.put("a/b", tmp_path / "missing")

    assert [] == [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """A file where the folder should be is a store that cannot be reached."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageUnavailable):
        open_blobs(f"file://{tmp_path}/file/blobs").ping()
