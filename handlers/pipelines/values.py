"""What flows through a pipeline."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy

Array: TypeAlias = "numpy.ndarray[Any, Any]"  #: any type but objects; its first axis is the rows', where it has rows
Records: TypeAlias = list[dict[str, Any]]  #: for each row a value for each column; a value may be an array
Value: TypeAlias = "Array | Records"
Batch: TypeAlias = dict[str, Value]  #: a value for each input or output of a step, by its name
