"""JsonExpanderTransformStep: makes records of texts in JSON, which Python or PMML may have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from handlers.pipelines.faults import Refused
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.values import Batch, Records


class JsonExpanderStep(Step):
    """Makes a record of each object that the first column of a record says, alone or in a list."""

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return the records.

        Raises:
            Refused: A text is no object, and no list of objects.
        """
        found: Batch = {}
        for name in self.input_names:
            value = batch[name]
            if not isinstance(value, list):
                raise Refused(f"The input {name!r} is an array, and not records with a text.", name)
            found[self.output_of(name)] = [made for number, row in enumerate(value) for made in expanded(row, number)]
        return found


def expanded(row: Mapping[str, Any], number: int) -> Records:
    """Return the records that the first column of a row says."""
    text = next(iter(row.values()), None)
    value: Any = text
    if isinstance(text, str):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Refused(f"Row {number} has no JSON in its first column: {str(error)[:200]}.", f"/{number}") from None
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in rows):
        raise Refused(f"Row {number} has neither an object nor a list of objects in its first column.", f"/{number}")
    return rows
