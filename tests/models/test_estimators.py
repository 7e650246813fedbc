"""Whatever estimator of scikit-learn, or of xgboost, is pickled: it is read, and says the same."""

from __future__ import annotations

import pickle

import numpy
import pandas
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401 - makes them importable
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import all_estimators

from handlers.models.formats.unpickling import read_pickle

pytestmark = pytest.mark.filterwarnings("ignore")

WORDS = pandas.DataFrame({"a": pandas.Series(list("abc") * 20, dtype=object), "b": range(60)})
LOGISTIC = LogisticRegression(max_iter=5000)
TWO = {"C": [1, 2]}
#: Those that take positive numbers, two classes or several targets, and those that flowers cannot be given to.
ABSOLUTE = ("CategoricalNB", "ComplementNB", "GammaRegressor", "MultinomialNB", "PoissonRegressor")
TWO_CLASSES = ("FixedThresholdClassifier", "TunedThresholdClassifierCV", "SelfTrainingClassifier", "ClassifierChain")
SEVERAL = ("MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain", "ClassifierChain")
MULTI_TASK = "MultiTask"
LEFT_OUT = ("CCA", "PLSCanonical", "IsotonicRegression")
CLASSIFIERS = [("a", LOGISTIC), ("b", KNeighborsClassifier())]
REGRESSORS = [("a", Ridge()), ("b", KNeighborsRegressor())]
PARTS = {"StackingClassifier": CLASSIFIERS, "VotingClassifier": CLASSIFIERS} | {
    "StackingRegressor": REGRESSORS,
    "VotingRegressor": REGRESSORS,
}
CLASSES = {name: kind for name, kind in all_estimators(["classifier", "regressor", "cluster"]) if name not in LEFT_OUT}
COMPOSED = {
    "halving": HalvingGridSearchCV(LOGISTIC, TWO),
    "halving at random": HalvingRandomSearchCV(LOGISTIC, TWO, n_candidates=2),
    "grid": GridSearchCV(SVC(), TWO),
    "at random": RandomizedSearchCV(LOGISTIC, TWO, n_iter=2),
    "imputed by rounds": make_pipeline(IterativeImputer(), LOGISTIC),
    "imputed by neighbours": make_pipeline(KNNImputer(), LOGISTIC),
    "Gaussian process": GaussianProcessClassifier(RBF() + WhiteKernel(), optimizer=None),
    "calibrated": CalibratedClassifierCV(LinearSVC(), method="isotonic"),
    "target by quantiles": TransformedTargetRegressor(Ridge(), transformer=QuantileTransformer(n_quantiles=10)),
    "target by functions": TransformedTargetRegressor(Ridge(), func=numpy.log1p, inverse_func=numpy.expm1),
    "union": make_pipeline(make_union(PCA(2), StandardScaler()), PolynomialFeatures(), LOGISTIC),
    "function": make_pipeline(FunctionTransformer(numpy.log1p), LOGISTIC),
    "power and bins": make_pipeline(PowerTransformer(), KBinsDiscretizer(), LOGISTIC),
    "xgboost": xgboost.XGBClassifier(n_estimators=3),
    "xgboost forest": xgboost.XGBRFRegressor(n_estimators=3),
}


def made(kind):
    """Return an estimator that is not fitted."""
    name = kind.__name__
    if name in PARTS:
        return kind(PARTS[name])
    try:
        return kind()
    except TypeError:  # it needs another
        return kind(Ridge() if "Regressor" in name else LOGISTIC)


def targets(name, kinds):
    """Return what an estimator learns."""
    kinds = kinds == 1 if name in TWO_CLASSES else kinds + (name in ABSOLUTE)
    return numpy.column_stack([kinds, kinds]) if name in SEVERAL or name.startswith(MULTI_TASK) else kinds


def assert_the_same(model, rows, folder):
    """Write and read a model, and compare what it says."""
    (folder / "m").write_bytes(pickle.dumps(model))
    read = read_pickle(folder / "m", frozenset())

    assert numpy.allclose(as_numbers(model.predict(rows)), as_numbers(read.predict(rows)), equal_nan=True)
    if hasattr(model, "predict_proba"):
        assert numpy.allclose(model.predict_proba(rows), read.predict_proba(rows), equal_nan=True)


def as_numbers(found):
    """Return predictions as numbers."""
    return numpy.asarray(found, dtype=float)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_estimator_that_predicts_is_read(tmp_path, name):
    """Of the classes that scikit-learn itself lists, with nothing said but what has to be."""
    rows, kinds = load_iris(return_X_y=True)
    model = made(CLASSES[name])
    if not hasattr(model, "predict"):
        return  # it tells clusters of what it was fitted with, and of nothing else

    assert_the_same(model.fit(rows, targets(name, kinds)), rows, tmp_path)


@pytest.mark.parametrize("name", COMPOSED)
def test_what_is_composed_of_others_is_read(tmp_path, name):
    """Searches, pipelines, what changes inputs and targets, and xgboost's estimators."""
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    kinds = kinds == 2 if name.startswith("halving") else kinds

    assert_the_same(COMPOSED[name].fit(rows, kinds), rows, tmp_path)


def test_columns_that_are_selected_by_type_are_read(tmp_path):
    """The selection is of no use any more once a model is fitted, and is in its file."""
    words = make_column_transformer(
        (OrdinalEncoder(), make_column_selector(dtype_include=object)), remainder="passthrough"
    )

    assert_the_same(make_pipeline(words, HistGradientBoostingRegressor()).fit(WORDS, WORDS["b"]), WORDS, tmp_path)
