"""Load pickle and joblib files, of known classes only.

Every name that a file asks for is looked up by exact module and name: a whole module is never trusted, since modules
re-export functions that run code (`numpy.testing` has one). Estimators of scikit-learn and xgboost are known by being
such classes. This is the first line; the sandbox, in which all this runs, is the second.
"""

from __future__ import annotations

import importlib
import lzma
import pickle
import zlib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from pathlib import Path
from typing import Any, Final

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.standins import stand_in

LIBRARIES: Final = ("sklearn.", "xgboost.")
#: Parts of them that hold no models, and of which some do much as soon as they are imported.
APART: Final = frozenset({"_build_utils", "conftest", "dask", "externals", "spark", "testing", "tests"})
LOSSES: Final = (
    *("CyAbsoluteError", "CyExponentialLoss", "CyHalfBinomialLoss", "CyHalfGammaLoss", "CyHalfMultinomialLoss"),
    *("CyHalfPoissonLoss", "CyHalfSquaredError", "CyHalfTweedieLoss", "CyHalfTweedieLossIdentity", "CyHuberLoss"),
    "CyPinballLoss",
)
EXACT: Final = frozenset(
    {
        "_codecs encode",
        "builtins bytearray",
        "builtins bytes",
        "builtins complex",
        "builtins frozenset",
        "builtins set",
        "builtins slice",
        "collections OrderedDict",
        "collections defaultdict",
        "copyreg _reconstructor",
        "builtins object",
        "datetime date",
        "datetime datetime",
        "datetime timedelta",
        "joblib.numpy_pickle NumpyArrayWrapper",
        "numpy bool_",
        "numpy dtype",
        "numpy ndarray",
        "numpy._core.multiarray _reconstruct",
        "numpy._core.multiarray scalar",
        "numpy._core.numeric _frombuffer",
        "numpy.core.multiarray _reconstruct",
        "numpy.ma MaskedArray",
        "numpy.ma.core MaskedArray",
        "numpy.ma.core _mareconstruct",
        "numpy.core.multiarray scalar",
        "numpy.core.numeric _frombuffer",
        "numpy.random._mt19937 MT19937",
        "numpy.random._pickle __bit_generator_ctor",
        "numpy.random._pickle __generator_ctor",
        "numpy.random._pickle __randomstate_ctor",
        "numpy.random._pcg64 PCG64",
        "numpy.random.bit_generator SeedSequence",
        "numpy.random.bit_generator __pyx_unpickle_SeedSequence",
        "scipy._external.array_api_compat.numpy._aliases asarray",
        "scipy._lib.array_api_compat.numpy._aliases asarray",
        "scipy.interpolate._bsplines BSpline",
        "scipy.sparse._csc csc_matrix",
        "scipy.sparse._csr csr_matrix",
        "scipy.special._ufuncs expit",
        "scipy.special._ufuncs logit",
        "sklearn.calibration _CalibratedClassifier",
        "sklearn.cluster._birch _CFNode",
        "sklearn.cluster._birch _CFSubcluster",
        "sklearn.cluster._bisect_k_means _BisectingTree",
        "sklearn.compose._column_transformer make_column_selector",
        "sklearn.impute._iterative _ImputerTriplet",
        "sklearn.linear_model._sgd_fast Hinge",
        "sklearn.linear_model._sgd_fast Log",
        "sklearn.linear_model._sgd_fast ModifiedHuber",
        "sklearn.linear_model._sgd_fast SquaredLoss",
        "sklearn.linear_model._sgd_fast Huber",
        "sklearn.metrics._dist_metrics newObj",
        "sklearn.neighbors._ball_tree newObj",
        "sklearn.neighbors._kd_tree newObj",
        "sklearn.tree._tree Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor TreePredictor",
        "sklearn.ensemble._hist_gradient_boosting.binning _BinMapper",
        "sklearn.utils._bunch Bunch",
        "sklearn.utils Bunch",
        "sklearn.utils.validation check_array",
        *(f"sklearn._loss._loss {prefix}{name}" for name in LOSSES for prefix in ("", "__pyx_unpickle_")),
    }
)
#: Bases whose subclasses in the libraries are data: losses, trees, metrics, link functions.
DATA_BASES: Final = (
    "sklearn._loss.loss BaseLoss",
    "sklearn._loss.link BaseLink",
    "sklearn._loss.link Interval",
    "sklearn._loss._loss CyLossFunction",
    "sklearn.linear_model._sgd_fast LossFunction",
    "sklearn.metrics._dist_metrics DistanceMetric64",
    "sklearn.gaussian_process.kernels Kernel",
    "sklearn.neural_network._stochastic_optimizers BaseOptimizer",
    "sklearn.preprocessing._label LabelBinarizer",
    "sklearn.neighbors._kd_tree BinaryTree64",
    "sklearn.neighbors._ball_tree BinaryTree64",
)
NUMPY: Final = "numpy"
OLD_PROTOCOLS: Final = 3  #: below it names are those of Python 2
#: What a file that is broken, or something else, makes the unpickler raise.
UNREADABLE: Final = (
    *(pickle.UnpicklingError, EOFError, KeyError, IndexError, ValueError, zlib.error, lzma.LZMAError, OSError),
    *(UnicodeDecodeError, AssertionError, OverflowError, AttributeError, TypeError),
)


def read_pickle(path: Path, classes: frozenset[str]) -> Any:
    """Return the object that a pickle or joblib file holds, compressed by zlib or not.

    Args:
        path: The file.
        classes: Further names that are trusted, as `module name`.

    Raises:
        CannotLoad: It names what is not known, or cannot be read.
    """
    from joblib.numpy_pickle import NumpyUnpickler
    from joblib.numpy_pickle_utils import _validate_fileobject_and_memmap as decompressed  # the only way to it

    class Unpickler(NumpyUnpickler):  # type: ignore[misc] # joblib has no types
        """Finds known names only."""

        def find_class(self, module: str, name: str) -> Any:
            """Return what a name stands for."""
            if self.proto < OLD_PROTOCOLS:
                module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            return known_class(module, name, classes)

    try:
        with path.open("rb") as file, decompressed(file, str(path)) as (source, _):
            if isinstance(source, str):
                raise CannotLoad("The file is of a joblib before 0.10; write it again with a newer one.")
            return Unpickler(str(path), source, True).load()
    except UNREADABLE as error:
        raise CannotLoad(f"The file is no pickle that can be read: {' '.join(str(error).split())[:300]}") from error


def known_class(module: str, name: str, classes: frozenset[str]) -> Any:
    """Return what a name stands for, if it may be used.

    Raises:
        CannotLoad: It may not.
    """
    full = f"{module} {name}"
    if "." not in name and (full in EXACT or full in classes or is_number(module, name) or is_estimator(module, name)):
        return find(module, name)
    if "." not in name and (inert := stand_in(module, name)) is not None:
        return inert
    raise CannotLoad(
        f"The file asks for {module[:100]}.{name[:100]}, which is not among the classes that are known. Whoever runs "
        "this server can add names that they trust to SEAMARK_MODEL_CLASSES."
    )


def is_number(module: str, name: str) -> bool:
    """Tell whether a name is one of NumPy's types of numbers and texts, or of its functions of numbers."""
    import numpy

    found = vars(numpy).get(name) if module == NUMPY else None
    return isinstance(found, numpy.ufunc) or (isinstance(found, type) and issubclass(found, numpy.generic))


def is_estimator(module: str, name: str) -> bool:
    """Tell whether a name is a class of the known libraries that holds data and does nothing when it is made."""
    if not f"{module}.".startswith(LIBRARIES) or not APART.isdisjoint(module.split(".")):
        return False
    from sklearn.base import BaseEstimator

    found = find(module, name)
    if not isinstance(found, type) or not f"{found.__module__}.".startswith(LIBRARIES):
        return False
    bases = (BaseEstimator, *(base for base in map(base_of, DATA_BASES) if base is not None))
    return issubclass(found, bases)


def base_of(full: str) -> type | None:
    """Return a class of the libraries, if this version of them has it."""
    try:
        found = find(*full.split(" "))
    except CannotLoad:
        return None
    return found if isinstance(found, type) else None


def find(module: str, name: str) -> Any:
    """Return what a module has under a name.

    Raises:
        CannotLoad: There is nothing.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        words = f"{module[:100]}.{name[:100]} cannot be imported; perhaps another version of its library is needed."
        raise CannotLoad(words) from error
