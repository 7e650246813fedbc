"""Load a model file: the one place that knows all formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from handlers.models.formats.base import CannotLoad, Loaded
from handlers.models.formats.versions import Writer, writer_noted

Plan = Mapping[str, Any]


def load_model(plan: Plan) -> Loaded:
    """Load the model that a plan names by `file`, `format`, `takes`, `gives` and `names`.

    Raises:
        CannotLoad: It cannot be loaded.
        Exception: What its library raises.
    """
    loader = LOADERS.get(plan["format"])
    if loader is None:
        raise CannotLoad(f"There is no format {plan['format']!r}.")
    return loader(Path(plan["file"]), plan)


def load_pickle(path: Path, plan: Plan) -> Loaded:
    """Load a pickle or joblib file."""
    from handlers.models.formats.unpickling import read_pickle

    with writer_noted() as writer:
        model = read_pickle(path, frozenset(plan.get("classes", ())))
    return as_loaded(model, plan, writer)


def as_loaded(model: Any, plan: Plan, writer: Writer) -> Loaded:
    """Return a Python object as a model."""
    from handlers.models.formats.estimators import Estimator

    if type(model).__module__ == "xgboost.core" and type(model).__name__ == "Booster":
        from handlers.models.formats.boosters import Boosted

        return Boosted(model, gives=plan["gives"], names=plan.get("names"))
    return Estimator(model, takes=plan["takes"], gives=plan["gives"], names=plan.get("names"), writer=writer.other)


def load_booster(path: Path, plan: Plan) -> Loaded:
    """Load what xgboost writes."""
    from handlers.models.formats.boosters import Boosted, read_booster

    return Boosted(read_booster(path), gives=plan["gives"], names=plan.get("names"))


def load_onnx(path: Path, plan: Plan) -> Loaded:
    """Load an ONNX file."""
    from handlers.models.formats.onnxfile import OnnxModel

    return OnnxModel(path, names=plan.get("names"), gives=plan["gives"])


def load_skops(path: Path, plan: Plan) -> Loaded:
    """Load a skops file."""
    from handlers.models.formats.skopsfile import read_skops

    with writer_noted() as writer:
        model = read_skops(path, plan.get("classes", ()))
    return as_loaded(model, plan, writer)


def load_pmml(path: Path, plan: Plan) -> Loaded:
    """Load a PMML file."""
    from handlers.models.formats.pmmlfile import read_pmml

    return read_pmml(path, gives=plan["gives"])


LOADERS: Final[Mapping[str, Callable[[Path, Plan], Loaded]]] = {
    "pickle": load_pickle,
    "joblib": load_pickle,
    "bst": load_booster,
    "onnx": load_onnx,
    "skops": load_skops,
    "pmml": load_pmml,
}
