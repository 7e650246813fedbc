"""Models that another version of scikit-learn has written.

Its estimators note the version that wrote them, and warn when another reads them: some do not work, and some work and
say something else (scikit-learn's documentation, "Model persistence"). A patch of the same version is none.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from handlers.models.formats.base import CannotLoad

WARNING: Final = "InconsistentVersionWarning"  #: of scikit-learn, which not every model needs
LIBRARY: Final = "scikit-learn"
MOST_SAID: Final = 20  #: warnings that are printed


class Writer:
    """Who has written a model that was loaded."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.other = ""  #: which version that was, and which it was not; nothing where it is ours


@contextmanager
def writer_noted() -> Iterator[Writer]:
    """Note which version has written the model that is loaded meanwhile; other warnings are printed.

    Raises:
        CannotLoad: The model cannot be loaded, and another version has written it.
    """
    writer = Writer()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            yield writer
        except Exception as error:
            if other := other_version(heard):
                words = " ".join(str(error).split())[:300]
                raise CannotLoad(f"{other}, has written it, and it cannot be read: {words}") from error
            raise
        writer.other = other_version(heard)
    said = sorted({f"{one.category.__name__}: {str(one.message)[:1000]}\n" for one in heard})
    sys.stderr.writelines(said[:MOST_SAID])


def other_version(heard: Sequence[warnings.WarningMessage]) -> str:
    """Return which version has written a model, and which it is not, as warnings tell; nothing where it is ours."""
    for one in heard:
        if one.category.__name__ != WARNING:
            continue
        said: Any = one.message
        written, ours = str(said.original_sklearn_version), str(said.current_sklearn_version)
        if written.split(".")[:2] != ours.split(".")[:2]:
            return f"{LIBRARY} {written[:40]}, and not {ours}"
    return ""
