"""Several outputs as one ZIP file."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Final

from handlers.pipelines.faults import Refused

BEGINNING: Final = (1980, 1, 1, 0, 0, 0)  #: of time, for ZIP; the same outputs are the same bytes
READABLE: Final = 0o100644 << 16
UNIX: Final = 3
MOST_NAME_BYTES: Final = 4096
#: What has a meaning in a path on some system, or is no character.
MEANING: Final = re.compile(r"[\x00-\x1f\x7f/\\:%\ud800-\udfff]")
DRIVE: Final = re.compile(r"[A-Za-z]:(?!\d+$)")  # `x:0` is how TensorFlow calls its outputs


def write_zip(outputs: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file with an entry for each output, under its name (see `entry_name`).

    Entries are stored and not deflated: numbers hardly become fewer, and the time to try is longer than to send them.

    Raises:
        Refused: An output has no name, too long a one, or two would have the same.
    """
    sink = BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        for name, data in outputs.items():
            entry = entry_name(name)
            if entry in file.NameToInfo:
                raise Refused(f"Two outputs would be called {entry[:100]!r} in the ZIP file.")
            info = zipfile.ZipInfo(entry, BEGINNING)
            info.create_system, info.external_attr = UNIX, READABLE
            file.writestr(info, data)
    return sink.getvalue()


def entry_name(name: str) -> str:
    """Return what an output is called in a ZIP file: by its name, as Konduit Serving does it, where that is safe.

    Names such as `dense/Softmax` and `IteratorGetNext:0` stay. One that leads out of the folder in which somebody
    unpacks the file (`../x`, `/x`, `C:/x`), or names no file (`a//b`, `a/`, `..`), is written as in an URL, and so is
    one plain file there: `..%2Fx`.

    Raises:
        Refused: It is empty, or too long.
    """
    if not name or len(name.encode(errors="surrogatepass")) > MOST_NAME_BYTES:
        raise Refused(f"An output's name has 1 to {MOST_NAME_BYTES} bytes, as a name in a ZIP file.")
    if is_safe(name):
        return name
    written = MEANING.sub(lambda found: f"%{ord(found[0]):02X}", name)
    return written if written.strip(".") else written.replace(".", "%2E")


def is_safe(name: str) -> bool:
    """Tell whether a name is that of a file in a folder, or in one below it, wherever it is unpacked."""
    if any(part in ("", ".", "..") for part in name.split("/")) or DRIVE.match(name):
        return False
    return all(found[0] in "/:%" for found in MEANING.finditer(name))
