"""What a web process loads at start."""

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
from handlers.app import create_app
from handlers.settings import Settings

create_app(Settings(home=Path(sys.argv[1]), chain_url="http://127.0.0.1:9", provider_key="11" * 32))
print(*sys.modules)
"""
HEAVY = {"web3", "eth_account", "eth_keyfile", "py_ecc", "ecies", "eth_tester", "sklearn"}


def test_nothing_of_the_chain_is_loaded_at_start(tmp_path):
    """With a chain and a key configured, what they need is loaded by the first request that needs it."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert set() == HEAVY & set(done.stdout.split())
