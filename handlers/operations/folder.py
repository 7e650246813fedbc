"""The Python of operations that live in a folder outside."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Final

PACKAGE: Final = "seamark_operations"


def package_of(folder: Path) -> str:
    """Make the modules in *folder* importable, and return the name of the package that they are in.

    A package of their own keeps an operation `random` apart from the module `random`. What the operations share lies in
    further modules beside them, which they import by their plain names: the folder comes last on the path, so that it
    shadows nothing.
    """
    place = str(folder)
    package = sys.modules.get(PACKAGE)
    if package is None or package.__path__ != [place]:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        package = sys.modules[PACKAGE] = ModuleType(PACKAGE, "The operations of a folder outside.")
        package.__path__ = [place]
    if place not in sys.path:
        sys.path.append(place)
    return PACKAGE
