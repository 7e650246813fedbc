"""The published clients of Ocean Provider publish, order on a chain and download, with a server of ours."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from tests.e2e.conftest import Server, running
from tests.e2e.environments import node_with, python_with
from tests.files.upstream import Upstream, ranging
from tests.nodes import Node, devchain
from tests.provider.conftest import PROVIDER_KEY

pytestmark = pytest.mark.long

CLIENTS = Path(__file__).parent / "clients"
# What ocean-lib 0.8.5 needs of what it names; the rest of that cannot be installed any more.
NEEDED = (
    *("web3==5.31.4", "json-sempai==0.4.0", "setuptools<70", "PyYAML", "requests", "deprecated", "pycryptodomex"),
    *("tqdm", "pytz", "coloredlogs", "pyopenssl", "PyJWT", "cryptography", "numpy", "scipy"),
)
BODY = os.urandom(300_000)
WHERE = "/files/tides%20of%20may.csv"
NAME = "tides_of_may.csv"
STORY_S = 120


class Market:
    """A chain, a server, and a file elsewhere."""

    def __init__(self, node: Node, server: Server, origin: Upstream) -> None:
        self.node = node
        self.server = server
        self.file = f"{origin.url}{WHERE}?token=secret"

    def tell(self, folder: Path, *command: str, **environment: str) -> dict:
        """Return what a client has to tell."""
        folder.mkdir()
        arguments = [str(self.node.file), self.server.url, self.file, str(folder)]
        done = subprocess.run(
            [*command, *arguments],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=STORY_S,
            check=False,
        )
        assert 0 == done.returncode, done.stderr[-3000:]
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Iterator[Market]:
    """A market that the clients share."""
    origin = Upstream()
    origin.paths[WHERE] = ranging(BODY, Content_Type="text/csv")
    folder = tmp_path_factory.mktemp("market")
    settings = {"allowed_networks": "127.0.0.0/8", "provider_key": PROVIDER_KEY}
    with devchain(folder) as node, running(folder / "home", chain_url=node.url, **settings) as server:
        yield Market(node, server, origin)
    origin.close()


@pytest.fixture(scope="session")
def ocean_py() -> Path:
    """A Python that has the client; Python 3.11, as what the client needs has no wheels for newer ones."""
    program = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11") or sys.executable
    alone = ("--no-deps", "ocean-lib==0.8.5", "ocean-contracts==0.6.9")
    return python_with("ocean-lib", NEEDED, alone, program=program)


@pytest.fixture(scope="session")
def ocean_js() -> Path:
    """The folder of modules that has the client."""
    return node_with("oceanprotocol-lib", CLIENTS / "ocean_js")


def test_ocean_lib_for_python_publishes_orders_and_downloads(market, ocean_py, tmp_path):
    """Its own calls alone, from a new datatoken to the same bytes; without an order it gets none."""
    folder = tmp_path / "downloads"
    script = CLIENTS / "ocean_py" / "story.py"

    story = market.tell(folder, str(ocean_py), str(script), PYTHONPATH=str(script.parent))

    assert {"resolved": True, "refused metadata": False, "valid files": [True, True, False]}.items() <= story.items()
    assert ["2.5", story["seller"], 0] == story["terms"]
    assert [[], [NAME]] == [story["without an order"], [Path(file).name for file in story["downloaded"]]]
    assert BODY == (folder / story["downloaded"][0]).read_bytes()
    # The seller has signed the files and the DDO; the buyer a download that was refused, and two.
    assert [2, 3] == story["nonces"]


def test_ocean_lib_for_javascript_publishes_orders_and_downloads(market, ocean_js, tmp_path):
    """Its own calls alone, from a new datatoken to the same bytes; an order that is good is found again."""
    folder = tmp_path / "downloads"

    story = market.tell(folder, "node", str(CLIENTS / "ocean_js" / "story.js"), NODE_PATH=str(ocean_js))

    info = {"index": 0, "valid": True, "contentLength": str(len(BODY)), "contentType": "text/csv"}
    assert {"resolved": True, "info": [info], "consumable": True, "refused metadata": False}.items() <= story.items()
    terms = {
        "from": story["buyer"],
        "to": story["seller"],
        "numTokens": 2.5,
        "nonce": 1,
        "computeAddress": Account.from_key(PROVIDER_KEY).address,
    }
    assert terms.items() <= story["terms"].items()
    assert [403, [NAME]] == [story["without an order"], [Path(file).name for file in story["downloaded"]]]
    assert BODY == (folder / story["downloaded"][0]).read_bytes()
    assert story["same order"]
    assert ["1", "2"] == story["nonces"]
