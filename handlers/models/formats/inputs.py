"""Types of the inputs of an estimator, as its fitted steps tell them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any, Final

UNKNOWN: Final = "object"
NUMBER: Final = "float64"
TEXT: Final = "str"
CODE: Final = "int64"
CATEGORY: Final = "c"  #: xgboost's word for it
#: From the least said to the most: where two steps share an input, the later word holds.
RANKS: Final = (UNKNOWN, NUMBER, "int64", "bool", TEXT)
KINDS: Final = {"i": "int64", "u": "int64", "f": NUMBER, "b": "bool", "U": TEXT}
LEARNED: Final = ("sklearn.", "xgboost.")
#: Classes that take values of any type.
ANY: Final = frozenset(
    {"DictVectorizer", "DummyClassifier", "DummyRegressor", "FeatureHasher", "FunctionTransformer", "MissingIndicator"}
)
INNER: Final = ("best_estimator_", "estimator_", "regressor_")
DEPTH: Final = 20  #: of estimators in estimators


def kinds_of(model: Any, count: int, depth: int = DEPTH) -> list[str]:
    """Return the type of each of the *count* inputs of an estimator; `object` where nothing tells it."""
    nothing = [UNKNOWN] * count
    if not depth or isinstance(model, str):
        return nothing
    if isinstance(steps := getattr(model, "steps", None), list):
        return of_steps([step[1] for step in steps], count, depth)
    if isinstance(places := getattr(model, "_transformer_to_input_indices", None), dict):
        return of_columns(model, places, count, depth)
    if (encoder := getattr(model, "_preprocessor", None)) is not None:  # of boosted trees, which take numbers besides
        return [larger(NUMBER, kind) for kind in kinds_of(encoder, count, depth - 1)]
    for inner in inner_of(model):
        if getattr(inner, "n_features_in_", count) == count:
            return kinds_of(inner, count, depth - 1)
    return of_fitted(model, count)


def of_steps(steps: Sequence[Any], count: int, depth: int) -> list[str]:
    """Return what the steps of a pipeline say, up to the first that changes the columns."""
    found = [UNKNOWN] * count
    for step in steps:
        found = [larger(*pair) for pair in zip(found, kinds_of(step, count, depth - 1), strict=True)]
        if not (step in (None, "passthrough") or fills(step)) or getattr(step, "add_indicator", False):
            break
    return found


def of_columns(model: Any, places: dict[str, Any], count: int, depth: int) -> list[str]:
    """Return what the parts of a ColumnTransformer say of their columns."""
    found = [UNKNOWN] * count
    for name, part, _ in getattr(model, "transformers_", ()):
        at = [place for place in places.get(name, ()) if place < count]
        for place, kind in zip(at, kinds_of(part, len(at), depth - 1), strict=True):
            found[place] = larger(found[place], kind)
    return found


def inner_of(model: Any) -> Iterator[Any]:
    """Give the fitted estimators to which an estimator hands its input on."""
    for name in INNER:
        if (inner := getattr(model, name, None)) is not None:
            yield inner
    for calibrated in getattr(model, "calibrated_classifiers_", ()):
        yield calibrated.estimator
    for name in ("estimators_", "transformer_list"):
        several = getattr(model, name, None)
        for one in several if isinstance(several, list) else ():
            yield one[1] if isinstance(one, tuple) else one


def of_fitted(model: Any, count: int) -> list[str]:
    """Return what one fitted estimator says."""
    if callable(getattr(model, "build_analyzer", None)):
        return [TEXT] * count
    categories = getattr(model, "categories_", None)
    if isinstance(categories, list) and len(categories) == count:
        return [kind_of(one) for one in categories]
    numeric = f"{type(model).__module__}.".startswith(LEARNED) and type(model).__name__ not in ANY
    if not numeric or (
        fills(model) and getattr(getattr(getattr(model, "statistics_", None), "dtype", None), "kind", "") == "O"
    ):
        return [UNKNOWN] * count
    if callable(booster := getattr(model, "get_booster", None)):
        return of_booster(booster(), count)
    return [NUMBER] * count


def of_booster(booster: Any, count: int) -> list[str]:
    """Return the types of the inputs of a booster: numbers, and codes of categories, of which it has no names."""
    types = booster.feature_types
    if types is None or len(types) != count:
        return [NUMBER] * count
    return [CODE if kind == CATEGORY else NUMBER for kind in types]


def fills(model: Any) -> bool:
    """Tell whether an estimator fills in what is missing, and leaves the columns as they are."""
    return type(model).__name__ == "SimpleImputer"


def kind_of(categories: Any) -> str:
    """Return the type that all categories of an input have; those that stand for a missing value do not count."""
    found = getattr(categories, "dtype", None)
    if found is not None and found.kind != "O":
        return KINDS.get(found.kind, UNKNOWN)
    kinds = {type(one) for one in categories if one is not None and not is_nan(one)}
    names = {str: TEXT, bool: "bool", int: "int64", float: NUMBER}
    return names.get(kinds.pop(), UNKNOWN) if len(kinds) == 1 else NUMBER if kinds == {int, float} else UNKNOWN


def is_nan(value: Any) -> bool:
    """Tell whether a category is NaN, which stands for a missing value."""
    return isinstance(value, float) and isnan(value)


def larger(one: str, other: str) -> str:
    """Return the word of two that says more."""
    return max(one, other, key=RANKS.index)
