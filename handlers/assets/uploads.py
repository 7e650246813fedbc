"""Contents for assets whose metadata were registered before (DEP 7)."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Final

from handlers.assets.did import PREFIX
from handlers.assets.metadata import Metadata, MetadataStore
from handlers.assets.store import Asset, Assets
from handlers.errors import AssetNotFound, Conflict, Fault, Forbidden, InputInvalid
from handlers.storage.blobs import CHUNK_BYTES
from handlers.wire import Caller

NAME_CHARACTERS: Final = 500
TYPE_CHARACTERS: Final = 200


def store_contents(
    assets: Assets, texts: MetadataStore, asset_id: str, file: BinaryIO, caller: Caller
) -> tuple[Asset, bool]:
    """Store *file* as the asset that metadata describe.

    Args:
        assets: Where to.
        texts: The metadata.
        asset_id: Id of the metadata, and of the asset.
        file: Open for reading.
        caller: To whom the asset will belong; the one who registered the metadata.

    Returns:
        The asset, and whether it is new: the same contents may be sent again.

    Raises:
        NotFound: There are no such metadata.
        Forbidden: Somebody else has registered them.
        InputInvalid: The contents are not those that the metadata describe.
        Conflict: The asset has other contents already.
    """
    described = texts.read(asset_id, caller)
    if described.owner != caller.name and not caller.may("manage"):
        raise Forbidden("Somebody else has registered these metadata.")
    with tempfile.TemporaryDirectory(prefix="seamark-upload-") as directory:
        path = Path(directory) / "file"
        copy(file, path)
        check(described, path)
        if (earlier := existing(assets, described, path)) is not None:
            return earlier, False
        return add(assets, described, path), True


def copy(file: BinaryIO, path: Path) -> None:
    """Write what is left of *file* to *path*."""
    with path.open("wb") as target:
        while chunk := file.read(CHUNK_BYTES):
            target.write(chunk)


def check(described: Metadata, path: Path) -> None:
    """Refuse contents that are not those of the metadata, where these name a hash.

    Raises:
        InputInvalid: They are not.
    """
    wanted = described.value.get("contentHash")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha3_256").hexdigest()
    if isinstance(wanted, str) and wanted.lower().removeprefix("0x") != found:
        words = f"Its SHA3-256 is {found}, and the metadata have another `contentHash`."
        raise InputInvalid(faults=[Fault("form", "/file", words)])


def existing(assets: Assets, described: Metadata, path: Path) -> Asset | None:
    """Return the asset if it is there with these contents; None: it is not there.

    Raises:
        Conflict: It has other contents.
    """
    try:
        asset = assets.read(PREFIX + described.id)
    except AssetNotFound:
        return None
    with path.open("rb") as file, assets.open(asset) as kept:
        while chunk := file.read(CHUNK_BYTES):
            if kept.read(CHUNK_BYTES) != chunk:
                raise different()
        if kept.read(1):
            raise different()
    return asset


def different() -> Conflict:
    """Return the error for an asset that has other contents."""
    return Conflict("The asset has other contents already; register other metadata for these.")


def add(assets: Assets, described: Metadata, path: Path) -> Asset:
    """Store the contents."""
    value = described.value
    return assets.add(
        path,
        name=text(value, "name", NAME_CHARACTERS) or described.id,
        content_type=text(value, "contentType", TYPE_CHARACTERS),
        owner=described.owner,
        did=PREFIX + described.id,
        author=text(value, "author", NAME_CHARACTERS),
        license_name=text(value, "license", NAME_CHARACTERS),
        description=text(value, "description", NAME_CHARACTERS),
    )


def text(value: Any, key: str, most: int) -> str:
    """Return a member of the metadata as a text that the store can hold; empty where it is none."""
    found = value.get(key, "")
    return found.replace("\0", "")[:most] if isinstance(found, str) else ""
