"""What xgboost writes: boosters, in its legacy binary form, UBJSON or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlers.models.formats import base, values
from handlers.models.formats.base import CannotLoad, CannotPredict, Result, Row
from handlers.models.formats.inputs import of_booster


class Boosted:
    """A booster; it is given a DMatrix, whatever structure was asked for, since it takes nothing else."""

    def __init__(self, booster: Any, *, gives: str, names: Sequence[str] | None = None) -> None:
        """Look at a booster; *names* are what its owner calls the inputs, where it does not know their names."""
        self.booster = booster
        self.gives = gives
        own = booster.feature_names
        self.own_names = [str(name) for name in own] if own else None
        self.types = booster.feature_types
        self.count = int(booster.num_features())
        self.names = self.own_names or (list(names) if names and len(names) == self.count else None)
        booster.set_param({"nthread": 1})

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        names = self.names or [f"x{number}" for number in range(self.count)]
        kinds = of_booster(self.booster, self.count)
        features = [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
        return {
            "kind": "other",
            "named": self.own_names is not None,
            "invented": self.names is None,
            "features": features,
            "input_schema": base.input_schema(features),
            "output_schema": {"predictions": {}},
        }

    def predict(self, rows: Sequence[Row]) -> list[Result]:
        """Return `predictions` for each row."""
        import xgboost

        if any(len(row) != self.count for row in rows):
            raise CannotPredict(f"The model takes {self.count} inputs.")
        array = values.as_array(rows)
        if array.dtype == object:
            raise CannotPredict("The model takes numbers only.")
        matrix = xgboost.DMatrix(array, feature_names=self.own_names, feature_types=self.types, nthread=1)
        return [self._result(one) for one in values.by_row(self.booster.predict(matrix), len(rows))]

    def _result(self, value: Any) -> dict[str, Any]:
        """Return one answer in the structure that was asked for."""
        return base.in_structure(value, self.gives)


def read_booster(path: Path) -> Any:
    """Return the booster that a file holds.

    Raises:
        CannotLoad: It holds none.
    """
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except xgboost.core.XGBoostError as error:
        last = next((line for line in str(error).splitlines() if line.strip()), "")
        raise CannotLoad(f"xgboost cannot read the file: {last[:300]}") from error
    return booster
