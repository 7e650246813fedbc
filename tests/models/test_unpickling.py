"""What a hostile pickle can call by names that are trusted, in a process of its own that says what it did."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy
import pytest
import xgboost
from sklearn.utils import all_estimators

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.unpickling import EXACT, is_estimator, is_number, read_pickle

#: Loads each pickle in a folder, and prints what Python's audit hooks have told of that no loading of data needs.
PROGRAM = """
import json, resource, sys, warnings
from pathlib import Path

import numpy
from handlers.models.formats.unpickling import read_pickle

FORBIDDEN = ("exec", "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "urllib.", "tempfile.", "pty.", "marshal.")
HARMLESS = ("os.listdir", "os.scandir")  # Python's own, where it looks for modules
folder, found = Path(sys.argv[1]), []

def hear(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if watching and (writes or event.startswith(FORBIDDEN) and event not in HARMLESS):
        found.append([watching[0], event, repr(arguments)[:200]])

watching = []
sys.addaudithook(hear)
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
warnings.simplefilter("ignore")
numpy.seterr(all="ignore")
for watched in (False, True):  # modules that are imported by the way are there when it counts
    for path in sorted(folder.iterdir()):
        watching[:] = [path.name] * watched
        try:
            read_pickle(path, frozenset({"posix system"}))
        except Exception:
            pass  # whatever is raised, nothing was done
        watching.clear()
print(json.dumps(found))
"""
COMMAND = "touch /tmp/seamark-was-here"
ARGUMENTS = (
    (),
    (COMMAND,),
    (COMMAND.encode(),),
    (10**12,),
    ((10**6, 10**6), "f8"),
    ("O", b"\1" * 8),
    ("os", "system", [COMMAND]),
    ([COMMAND], {"copy": True}, (COMMAND,)),
    ({"__reduce__": COMMAND}, COMMAND, COMMAND, COMMAND),
)


def call(name, arguments):
    """Return a pickle that calls what a name stands for."""
    module, _, attribute = name.partition(" ")
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode() + plain(arguments) + pickle.REDUCE + pickle.STOP


def build(name, state):
    """Return a pickle that makes an object of a class without calling it, and gives it a state."""
    module, _, attribute = name.partition(" ")
    new = plain(()) + pickle.NEWOBJ
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode() + new + plain(state) + pickle.BUILD + pickle.STOP


def plain(value):
    """Return the opcodes that make a value of nothing but Python's own types."""
    return pickle.dumps(value, 2)[2:-1]


def trusted():
    """Return what a pickle may ask for: by name, as one of NumPy's numbers and functions of them, as an estimator."""
    numbers = [f"numpy {name}" for name in vars(numpy) if is_number("numpy", name)]
    estimators = [f"{kind.__module__} {name}" for name, kind in all_estimators()]
    boosted = [f"xgboost.sklearn {name}" for name in vars(xgboost.sklearn) if is_estimator("xgboost.sklearn", name)]
    found = sorted({*EXACT, *numbers, *estimators, *boosted, "xgboost.core Booster", "functools partial"})
    assert 400 < len(found)
    return found


@pytest.mark.long
def test_nothing_that_is_trusted_does_anything(tmp_path):
    """Whatever it is called with, and whatever state it is given: no program, no file, no connection, no code.

    One that runs a program, which an operator would have to trust by name, shows that such a thing is heard.
    """
    (tmp_path / "a program").write_bytes(b"\x80\x02" + call("posix system", ("true",)))
    for number, name in enumerate(trusted()):
        for which, arguments in enumerate(ARGUMENTS):
            (tmp_path / f"{number:03} {name} called {which}").write_bytes(b"\x80\x02" + call(name, arguments))
            (tmp_path / f"{number:03} {name} built {which}").write_bytes(b"\x80\x02" + build(name, arguments))

    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr[-2000:]
    assert [["a program", "os.system"]] == [one[:2] for one in json.loads(done.stdout.splitlines()[-1])], done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "os system",
        "posix system",
        "builtins eval",
        "builtins getattr",
        "builtins print",
        "importlib import_module",
        "subprocess Popen",
        "operator attrgetter",
        "functools partial",
        "numpy load",
        "numpy.testing measure",
        "numpy.f2py.crackfortran myeval",
        "joblib load",
        "joblib.parallel Parallel",
        "sklearn.utils.fixes _object_dtype_isnan",
        "sklearn.datasets load_files",
        "sklearn.externals.joblib load",
        "sklearn.preprocessing FunctionTransformer.transform",
        "pandas read_pickle",
        "scipy.io loadmat",
        "xgboost.core ctypes",
        "handlers.settings Settings",
    ],
)
def test_a_name_that_is_not_known_is_not_looked_up(tmp_path, name):
    """However harmless it looks: what is refused is named."""
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02" + call(name, (COMMAND,)))

    with pytest.raises(CannotLoad, match=name.replace(" ", ".")):
        read_pickle(file, frozenset())
