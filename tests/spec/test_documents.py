"""What is served is read from the generated documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.spec.documents import DocumentMissing, mount_of, read_generated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of three documents."""
    (tmp_path / "invoke").mkdir()
    for name, url in [("ops", "/ops"), ("invoke/hash", "/invoke/hash"), ("provider", "https://example.org/")]:
        (tmp_path / f"{name}.json").write_text(json.dumps({"servers": [{"url": url}]}))
    (tmp_path / "manifest.json").write_text("{}")
    return tmp_path


def test_all_documents_are_read_in_order(folder: Path) -> None:
    """Without names all are read, operations by their folder, and the manifest is none of them."""
    found = [(api.name, api.mount) for api in read_generated(folder=folder)]

    assert [("invoke/hash", "/invoke/hash"), ("ops", "/ops"), ("provider", "")] == found


@pytest.mark.parametrize(
    ("names", "found"), [(["ops"], ["ops"]), (["invoke"], ["invoke/hash"]), (["invoke/hash"], ["invoke/hash"])]
)
def test_names_choose(folder: Path, names: list[str], found: list[str]) -> None:
    """A name chooses one API, and that of a folder all in it."""
    assert found == [api.name for api in read_generated(names, folder)]


def test_what_is_missing_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    """A name that is unknown, a broken file and an empty folder are told with the command that mends them."""
    (folder / "ops.json").write_text("{")

    for names, place in [(["nothing"], folder), (["ops"], folder), ([], tmp_path / "invoke" / "none")]:
        with pytest.raises(DocumentMissing, match="seamark generate"):
            read_generated(names, place)


def test_a_document_without_servers_is_mounted_at_the_root() -> None:
    """The first server's path is the mount; none means the root."""
    assert "" == mount_of({})
    assert "/a/b" == mount_of({"servers": [{"url": "https://example.org/a/b/"}, {"url": "/c"}]})


def test_the_installed_documents_are_served() -> None:
    """The package `generated` holds a document for each API, with only local references."""
    apis = {api.name for api in read_generated()}

    assert {"invoke/hash", "konduit", "ops", "provider"} <= apis
