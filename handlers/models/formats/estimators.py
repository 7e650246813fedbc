"""Models with scikit-learn's methods: scikit-learn's own, and those of xgboost that imitate them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

from handlers.models.formats import base, values
from handlers.models.formats.base import CannotLoad, Result, Row
from handlers.models.formats.inputs import NUMBER, TEXT, UNKNOWN, inner_of, kinds_of

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
SINGLE: Final = ("IsotonicRegression",)  #: classes that take one input, and do not say so
LEARNED: Final = ("sklearn.", "xgboost.")
FILES: Final = ("filename", "file")  #: what a reader of texts takes, instead of their content
DEPTH: Final = 20  #: of estimators in estimators


class Estimator:
    """A fitted estimator."""

    def __init__(
        self, model: Any, *, takes: str, gives: str, names: Sequence[str] | None = None, writer: str = ""
    ) -> None:
        """Look at a model.

        Args:
            model: What was loaded.
            takes: Input structure of the API.
            gives: Output structure of the API.
            names: What its owner calls the inputs, where it does not know their names.
            writer: What has written it, if that is not of our version.

        Raises:
            CannotLoad: It has no `predict`.
        """
        if not callable(getattr(model, "predict", None)):
            raise CannotLoad(f"The file holds a {type(model).__name__}, which does not predict.")
        self.model = model
        self.writer = writer
        self.own_names = own_names(model)
        self.names = self.own_names or names
        self.parts = list(parts_of(model))
        if any(getattr(part, "input", None) in FILES for part in self.parts):
            raise CannotLoad("The model reads files, which its inputs name. It has to take their content instead.")
        self.takes = chosen_structure(model, self.parts) if takes == "auto" else takes
        self.gives = gives
        self.single = self.takes == "texts" or type(first_of(model)).__name__ in SINGLE
        self.classes = classes_of(model)
        self._argmax = type(self.parts[-1]).__name__ in ARGMAX and self.classes is not None
        single_threaded(self.parts)

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        count = 1 if self.single else getattr(self.model, "n_features_in_", None)
        names = self.own_names or (list(self.names) if self.names and len(self.names) == count else None)
        invented = not names
        if invented and isinstance(count, int):
            names = ["text"] if self.takes == "texts" else [f"x{number}" for number in range(count)]
        known: dict[str, Any] = {"kind": "other", "named": self.own_names is not None, "output_schema": self._outputs()}
        known |= {"writer": self.writer} if self.writer else {}
        if names is not None:
            known["invented"] = invented
            kinds = self._kinds(len(names))
            known["features"] = [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
            known["input_schema"] = base.input_schema(known["features"])
        return known

    def _kinds(self, count: int) -> list[str]:
        """Return the type of each of *count* inputs; an array has numbers where nothing else is known."""
        if self.takes == "texts":
            return [TEXT] * count
        unknown = UNKNOWN if self.takes == "DataFrame" else NUMBER
        return [unknown if kind == UNKNOWN else kind for kind in kinds_of(self.model, count)]

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
        return base.in_structure(label, self.gives)


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
    for inner in getattr(model, "transformers", None) or ():
        if depth and isinstance(inner, tuple) and len(inner) > 1:
            yield from parts_of(inner[1], depth - 1)
    for inner in inner_of(model) if depth else ():
        yield from parts_of(inner, depth - 1)
    yield model


def first_of(model: Any, depth: int = DEPTH) -> Any:
    """Return what a model gives its input to: the first step of a pipeline, also of one that another model holds."""
    if depth and isinstance(steps := getattr(model, "steps", None), list) and steps:
        return first_of(steps[0][1], depth - 1)
    inner = next(inner_of(model), None)
    return model if inner is None or not depth else first_of(inner, depth - 1)


def chosen_structure(model: Any, parts: Sequence[Any]) -> str:
    """Return what suits a model: arrays, unless columns have names for it, or it reads texts."""
    if callable(getattr(first_of(model), "build_analyzer", None)):
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
