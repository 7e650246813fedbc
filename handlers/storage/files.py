"""Copy files, and measure them on the way."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO, Final

CHUNK_BYTES: Final = 1 << 20


def copied(file: BinaryIO, path: Path) -> tuple[int, str]:
    """Write what is left of *file* to *path*; return its size in bytes and its SHA-256 in hex."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as target:
        while chunk := file.read(CHUNK_BYTES):
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()
