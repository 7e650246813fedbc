"""Python's limit of recursion."""

import subprocess
import sys

PROGRAM = """
import json, sys
from pathlib import Path
from handlers.identities.signatures import signer_of
from handlers.keys import Keystore, new_key, read
from handlers.chain.till import Till
from handlers.settings import Settings

before = sys.getrecursionlimit()
folder = Path(sys.argv[1])
signer_of("text", "0x" + "11" * 64 + "1b")
store = Keystore(folder / "keys")
read(store.add(new_key(), None), store.password(None))
Till(None, Settings(home=folder, chain_url="http://127.0.0.1:9")).chain
assert "py_ecc" in sys.modules, "what raises the limit is there"
assert before == sys.getrecursionlimit()
try:
    json.loads("[" * 100_000)
except RecursionError:
    print("raised")
"""


def test_deep_json_ends_no_process(tmp_path):
    """After signatures, keys and the chain were used, a text that nests without end is an error and no crash."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False)

    assert (0, "raised\n") == (done.returncode, done.stdout), done.stderr
