"""What skops writes: scikit-learn's models without a pickle. Which types are trusted is never for the file to say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.unpickling import known_class


def read_skops(path: Path, classes: Iterable[str]) -> Any:
    """Return the model that a file holds.

    Raises:
        CannotLoad: It holds none, or asks for a type that is not known.
    """
    from skops.io import get_untrusted_types, load

    try:
        wanted = get_untrusted_types(file=path)
        for full in wanted:
            module, _, name = full.rpartition(".")
            known_class(module, name, frozenset(classes))
        return load(path, trusted=wanted)
    except (BadZipFile, KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        raise CannotLoad(f"The file is none that skops can read: {' '.join(str(error).split())[:300]}") from error
