"""Names under which files are handed out."""

from __future__ import annotations

import mimetypes
import re
from typing import Final
from urllib.parse import unquote, urlsplit

LONGEST: Final = 150  # characters; file systems end at 255 bytes, and people add to names
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
DISPOSITION = re.compile(r'filename\s*=\s*("(?:[^"\\]|\\.)*"|[^;]+)', re.IGNORECASE)
DISPOSITION_UTF8 = re.compile(r"filename\*\s*=\s*utf-8''([^;]+)", re.IGNORECASE)


def safe(name: str, content_type: str = "") -> str:
    """Return a name that no client, shell or file system trips over.

    Clients read it with `attachment;filename=(.+)` and write to just that path, so it is one segment of plain ASCII.
    """
    segment = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = UNSAFE.sub("_", segment).strip("._-")[-LONGEST:].lstrip("._-") or "file"
    if "." in plain:
        return plain
    return plain + (mimetypes.guess_extension(content_type.partition(";")[0].strip()) or "")


def of_disposition(header: str) -> str:
    """Return the name in a Content-Disposition header; empty where there is none."""
    if (match := DISPOSITION_UTF8.search(header)) is not None:
        return unquote(match.group(1).strip())
    match = DISPOSITION.search(header)
    return match.group(1).strip().strip('"') if match is not None else ""


def of_url(url: str) -> str:
    """Return the last part of a URL's path; its query may hold secrets, and is no name."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def attachment(name: str) -> str:
    """Return the Content-Disposition of a file, in the one form that clients read."""
    return f"attachment;filename={name}"
