"""What a file gets instead of what it names, where that could do more than a model needs.

Fitted models carry along what they do not predict with: how they were split, scored and searched. Scorers call any
method of whatever they are given, and other functions of these modules do much, too. So none of their names is looked
up: a file gets an object that does nothing in their place.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from handlers.models.formats.base import CannotLoad

#: Names that a model needs while it is fitted, of modules that it needs later, too.
UNUSED_NAMES: Final = frozenset(
    {"sklearn.cluster._kmeans _kmeans_single_elkan", "sklearn.cluster._kmeans _kmeans_single_lloyd"}
)
#: Modules whose names a model needs while it is fitted, and not later.
UNUSED: Final = frozenset(
    {
        "scipy.stats._continuous_distns",
        "scipy.stats._discrete_distns",
        "scipy.stats._distn_infrastructure",
        "sklearn.feature_selection._mutual_info",
        "sklearn.feature_selection._univariate_selection",
        "sklearn.metrics._classification",
        "sklearn.metrics._ranking",
        "sklearn.metrics._regression",
        "sklearn.metrics._scorer",
        "sklearn.model_selection._search_successive_halving",
        "sklearn.model_selection._split",
        "sklearn.utils._metadata_requests",
    }
)


class Inert:
    """Stands for an object that predictions do not use: it keeps what it is given, and cannot be called."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take whatever the other would."""

    def _get_pos_label(self) -> Any:
        """Return the label that a scorer takes for the positive one: a classifier with a threshold asks for it."""
        arguments = vars(self).get("_kwargs")
        return arguments.get("pos_label") if isinstance(arguments, dict) else None


class CheckedArray:
    """Stands for `functools.partial` of scikit-learn's `check_array`, which boosted trees have for their numbers."""

    def __init__(self, function: Any) -> None:
        """Take that function, and no other.

        Raises:
            CannotLoad: It is another.
        """
        from sklearn.utils.validation import check_array

        if function is not check_array:
            raise CannotLoad("The file asks for functools.partial of what is not among the functions that are known.")
        self._check = check_array
        self._options: dict[str, Any] = {}

    def __setstate__(self, state: tuple[Any, Any, dict[str, Any], Any]) -> None:
        """Take the state of a `functools.partial`: function, arguments, named arguments, attributes."""
        function, _, options, _ = state
        CheckedArray.__init__(self, function)
        self._options = dict(options)

    def __call__(self, rows: Any) -> Any:
        """Return rows as an array."""
        return self._check(rows, **self._options)


@cache
def booster() -> type:
    """Return xgboost's booster, which a file cannot have read another file: its constructor would."""
    import xgboost

    def refuse(*_: Any, **__: Any) -> None:
        raise CannotLoad("The file asks for a booster that is made of something else.")

    return type("Booster", (xgboost.Booster,), {"__module__": xgboost.Booster.__module__, "__init__": refuse})


def stand_in(module: str, name: str) -> type | None:
    """Return what stands for a name; None: nothing does."""
    full = f"{module} {name}"
    if full == "xgboost.core Booster":
        return booster()
    if full == "functools partial":
        return CheckedArray
    is_unused = full in UNUSED_NAMES or (module in UNUSED and name.isidentifier())
    return Inert if is_unused else None
