"""What a web process loads at its start."""

import subprocess
import sys

PROGRAM = """
import sys
from handlers.app import create_app
from handlers.settings import Settings
create_app(Settings(apis="ops"))
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""


def test_a_web_process_loads_no_library_of_models():
    """Models live in hosts: what serves them starts without scikit-learn, pandas and the like."""
    heavy = ["sklearn", "pandas", "xgboost", "onnxruntime", "skops", "joblib", "numpy", "scipy"]

    found = subprocess.run([sys.executable, "-c", PROGRAM, *heavy], capture_output=True, text=True, check=True)

    assert "" == found.stdout.strip()
