"""Models with scikit-learn's methods: scikit-learn's own, and those of xgboost that imitate them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

from handlers.models.formats import base, values
from handlers.models.formats.base import CannotLoad, Result, Row

#: Classes whose `predict` is the class of the largest probability, and nothing else.
ARGMAX: Final = frozenset(
    {
        "DecisionTreeClassifier",
        "ExtraTreeClassifier",
        "ExtraTreesClassifier",
        "GaussianNB",
        "HistGradientBoostingClassifier",
        "LogisticRegression",
        "RandomForestClassifier",
    }
)
#: Classes that choose columns by name, or hand the input on as it is.
BY_COLUMN: Final = frozenset({"ColumnTransformer", "FunctionTransformer", "SelectByName"})
LEARNED: Final = ("sklearn.", "xgboost.")
DEPTH: Final = 20  #: of estimators in estimators


class Estimator:
    """A fitted estimator."""

    def __init__(self, model: Any, *, takes: str, gives: str, names: Sequence[str] | None = None) -> None:
        """Look at a model.

        Args:
            model: What was loaded.
            takes: Input structure of the API.
            gives: Output structure of the API.
            names: What its owner calls the inputs, where it does not know their names.

        Raises:
            CannotLoad: It has no `predict`.
        """
        if not callable(getattr(model, "predict", None)):
            raise CannotLoad(f"The file holds a {type(model).__name__}, which does not predict.")
        self.model = model
        self.own_names = own_names(model)
        self.names = self.own_names or names
        self.parts = list(parts_of(model))
        self.takes = chosen_structure(takes, self.parts) if takes == "auto" else takes
        self.gives = gives
        self.classes = classes_of(model)
        self._argmax = type(self.parts[-1]).__name__ in ARGMAX and self.classes is not None
        single_threaded(self.parts)

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        count = getattr(self.model, "n_features_in_", None)
        names = self.own_names or (list(self.names) if self.names and len(self.names) == count else None)
        invented = not names
        if invented and isinstance(count, int):
            names = [f"x{number}" for number in range(count)]
        known: dict[str, Any] = {"kind": "other", "named": self.own_names is not None, "output_schema": self._outputs()}
        if names is not None:
            known["invented"] = invented
            kind = "object" if self.takes == "DataFrame" else "float64"
            known["features"] = [{"name": name, "type": kind} for name in names]
            known["input_schema"] = base.input_schema(known["features"])
        return known

    def _outputs(self) -> dict[str, Any]:
        """Return what a result looks like, as far as it is known."""
        found: dict[str, Any] = {"predictions": {}}
        if self.classes is not None:
            kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
            found["predictions"] = {"type": kinds.get(type(self.classes[0]), "string"), "enum": self.classes[:1000]}
        if callable(getattr(self.model, "predict_proba", None)):
            found["scores"] = {"type": "array", "items": {"type": "number"}}
        return found

    def predict(self, rows: Sequence[Row]) -> list[Result]:
        """Return `predictions` for each row, and `scores` where the model knows probabilities."""
        given = self._given(rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that names are missing, which we have matched
            labels, scores = self._ask(given, len(rows))
        if scores is None:
            return [self._result(label) for label in labels]
        return [{**self._result(label), "scores": score} for label, score in zip(labels, scores, strict=True)]

    def _ask(self, given: Any, count: int) -> tuple[list[Any], list[Any] | None]:
        """Return labels and probabilities; the labels follow from these where that is certain."""
        ask = getattr(self.model, "predict_proba", None)
        found = ask(given) if callable(ask) else None
        if self._argmax and found is not None and self.classes is not None and (best := clear_best(found)) is not None:
            return [self.classes[index] for index in best], found.tolist()
        labels = values.by_row(self.model.predict(given), count)
        return labels, None if found is None else scores_of(found, count)

    def _given(self, rows: Sequence[Row]) -> Any:
        """Return rows in the structure that the model is to be given."""
        if self.takes == "texts":
            return [row[0] for row in rows]
        if self.takes == "DataFrame":
            return values.as_frame(rows, self.names)
        if self.takes == "list":
            return [list(row) for row in rows]
        return values.as_array(rows)

    def _result(self, label: Any) -> dict[str, Any]:
        """Return one answer in the structure that was asked for."""
        if isinstance(label, dict):
            return label
        if self.gives == "DataFrame":
            return {f"output_{number}": one for number, one in enumerate(label if isinstance(label, list) else [label])}
        if self.gives == "list" and not isinstance(label, list):
            label = [label]
        return {"predictions": label}


def own_names(model: Any) -> list[str] | None:
    """Return the names under which a model has learned its inputs; None: it has seen none."""
    found = getattr(model, "feature_names_in_", None)
    names = values.plain(found) if found is not None else None
    return [str(name) for name in names] if isinstance(names, list) else None


def parts_of(model: Any, depth: int = DEPTH) -> Iterator[Any]:
    """Give the estimators that a model is made of, the last step of a pipeline last."""
    if depth and isinstance(steps := getattr(model, "steps", None), list):
        for step in steps:
            yield from parts_of(step[1], depth - 1)
        return
    for name in ("transformer_list", "transformers"):
        for inner in getattr(model, name, None) or ():
            if depth and isinstance(inner, tuple) and len(inner) > 1:
                yield from parts_of(inner[1], depth - 1)
    for name in ("best_estimator_", "estimator_", "regressor_"):
        if depth and (inner := getattr(model, name, None)) is not None:
            yield from parts_of(inner, depth - 1)
    yield model


def chosen_structure(_takes: str, parts: Sequence[Any]) -> str:
    """Return what suits a model: arrays, unless columns have names for it, or it reads texts."""
    if callable(getattr(parts[0], "build_analyzer", None)):
        return "texts"
    foreign = (part for part in parts if not f"{type(part).__module__}.".startswith(LEARNED))
    by_column = any(type(part).__name__ in BY_COLUMN for part in parts)
    return "DataFrame" if by_column or any(not isinstance(part, str) for part in foreign) else "ndarray"


def classes_of(model: Any) -> list[Any] | None:
    """Return the labels of a classifier with one output."""
    try:
        found = values.plain(getattr(model, "classes_", None))
    except Exception:  # noqa: BLE001 - some models compute it, and may not be able to
        return None
    return found if isinstance(found, list) and found and not isinstance(found[0], list) else None


def clear_best(scores: Any) -> list[int] | None:
    """Return the class with the largest probability of each row; None: two are as large somewhere, or some are NaN."""
    import numpy

    if not isinstance(scores, numpy.ndarray) or scores.ndim != 2:
        return None
    best = scores.argmax(axis=1)
    largest = scores[numpy.arange(len(scores)), best]
    if ((scores == largest[:, None]).sum(axis=1) != 1).any():
        return None
    found: list[int] = best.tolist()
    return found


def scores_of(found: Any, count: int) -> list[Any]:
    """Return probabilities by row; of several outputs, a list for each."""
    if isinstance(found, list):
        return [list(row) for row in zip(*(values.plain(one) for one in found), strict=True)]
    rows = values.plain(found)
    return rows if isinstance(rows, list) and len(rows) == count else [None] * count


def single_threaded(parts: Sequence[Any]) -> None:
    """Have a model do its work in this thread: for a few rows others cost more than they bring."""
    for part in parts:
        if getattr(part, "n_jobs", None) not in (None, 1):
            part.n_jobs = 1
