"""All assets together take no more than their quota."""

import pytest

from handlers.assets.store import Assets
from handlers.assets.tables import AssetRow, MetadataRow
from handlers.errors import InsufficientStorage
from handlers.storage.blobs import FolderBlobs
from handlers.storage.sql import Base, Database


@pytest.fixture
def assets(tmp_path):
    """An empty store that takes a hundred bytes."""
    database = Database(f"sqlite:///{tmp_path}/assets.sqlite")
    Base.metadata.create_all(database.engine, tables=[AssetRow.__table__, MetadataRow.__table__])
    yield Assets(database, FolderBlobs(tmp_path / "blobs"), quota_bytes=100)
    database.close()


def test_a_file_beyond_the_quota_is_refused(assets, tmp_path):
    """Up to the quota there is room; beyond there is none until something is removed; no file is left behind."""
    path = tmp_path / "file"
    path.write_bytes(bytes(50))
    first, _ = assets.add(path), assets.add(path)

    with pytest.raises(InsufficientStorage, match="100 bytes of at most 100 bytes; this has 50 bytes"):
        assets.add(path)

    assert 2 == assets.list()[1] == len(list(assets.blobs.list()))
    assets.remove(first.did)
    assets.add(path)


def test_assets_whose_files_are_elsewhere_do_not_count(assets, tmp_path):
    """They take no room here."""
    (tmp_path / "file").write_bytes(bytes(100))
    assets.register({"id": "did:op:" + "0" * 64, "service": []})

    assets.add(tmp_path / "file")
