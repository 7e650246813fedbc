"""Lets ocean-lib run on Python 3.11, which is younger than two of its dependencies."""

import inspect
import sys
from collections import namedtuple
from types import ModuleType

ArgSpec = namedtuple("ArgSpec", "args varargs keywords defaults")


def getargspec(function):
    """Return what the standard library's function of this name did; parsimonious still asks for it."""
    return ArgSpec(*inspect.getfullargspec(function)[:4])


def enforce_types(function):
    """Leave the types unchecked: enforce-typing takes `Any`, which is a class since 3.11, for one like others."""
    return function


inspect.getargspec = getargspec
for name in ("enforce_typing", "enforce_typing.decorator"):
    sys.modules[name] = ModuleType(name)
    sys.modules[name].enforce_types = enforce_types
