"""Nodes of an Ethereum chain for the tests: ours and, where it is installed, anvil."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from handlers.demo.contracts import TOKEN, Contract, create_datatoken, deploy_all
from tests.parts import missing

SEAMARK = str(Path(sys.executable).with_name("seamark"))
START_S = 60
NOBODY = "0x" + "0" * 40


class Node:
    """A node that runs, asked over HTTP."""

    def __init__(self, url):
        """Ask the node at *url*."""
        self.url = url
        self.client = httpx.Client(timeout=30)
        self.numbers = itertools.count()

    def ask(self, method, *params):
        """Return the result of a method, or fail."""
        body = {"jsonrpc": "2.0", "id": next(self.numbers), "method": method, "params": list(params)}
        answer = self.client.post(self.url, json=body).json()
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def mine(self, blocks=1):
        """Add empty blocks."""
        for _ in range(blocks):
            self.ask("evm_mine")

    @contextmanager
    def undone(self):
        """Replace what happens inside by blocks in which it did not, as if another branch had won."""
        before = self.ask("evm_snapshot")
        yield
        self.ask("evm_revert", before)
        self.mine(3)


class Shop:
    """A datatoken with its seller and two buyers."""

    def __init__(self, node):
        """Put the contracts on the chain, once for a node."""
        self.node = node
        self.seller, self.buyer, self.other, self.provider = node.ask("eth_accounts")[:4]
        self.factory = deploy_all(node.ask, self.seller)["DTFactory"]
        self.token = self.new_token()

    def token_at(self, address):
        """Return the datatoken at an address."""
        return Contract(self.node.ask, "DataTokenTemplate", address)

    def new_token(self):
        """Return another datatoken of the same seller's, of which both buyers have plenty."""
        token = create_datatoken(self.node.ask, self.factory, self.seller, "Shells", "SHELL")
        for account in (self.buyer, self.other):
            token.transact(self.seller, "mint", account, 1000 * TOKEN)
        return token

    def order(self, tokens=10, service=3, *, payer=None, consumer=None, token=None, market=NOBODY):
        """Order a service and return the transaction's hash."""
        payer = payer or self.buyer
        arguments = (consumer or payer, int(tokens * TOKEN), service, market)
        return (token or self.token).transact(payer, "startOrder", *arguments)["transactionHash"]

    def transfer(self, to, tokens=10, *, payer=None, token=None):
        """Send datatokens and return the transaction's hash."""
        token = token or self.token
        return token.transact(payer or self.buyer, "transfer", to, int(tokens * TOKEN))["transactionHash"]


@contextmanager
def devchain(directory):
    """Run `seamark devchain` and give its node."""
    described = directory / "devchain.json"
    with (directory / "devchain.log").open("w") as log:
        command = [SEAMARK, "devchain", "--port", "0", "--write", str(described)]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(described.exists, process)
        for node in asked(json.loads(described.read_text())["url"]):
            node.file = described
            yield node
    finally:
        stop(process)


@contextmanager
def anvil(directory):
    """Run anvil and give its node; skip where it is not installed."""
    program = os.environ.get("SEAMARK_TEST_ANVIL") or shutil.which("anvil")
    if not program:
        missing("anvil is not installed: npm install @foundry-rs/anvil, then SEAMARK_TEST_ANVIL=…/.bin/anvil.")
    log = directory / "anvil.log"
    with log.open("w") as output:
        command = [program, "--host", "127.0.0.1", "--port", "0", "--chain-id", "1337"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: re.search(r"Listening on \S+\s", log.read_text()), process)
        yield from asked("http://" + log.read_text().partition("Listening on ")[2].split()[0])
    finally:
        stop(process)


def asked(url):
    """Yield the node at *url*, and hang up in the end."""
    node = Node(url)
    try:
        yield node
    finally:
        node.client.close()


NODES = {"devchain": devchain, "anvil": anvil}


def wait_until(condition, process):
    """Wait for a node to be there."""
    end = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > end or process.poll() is not None:
            pytest.fail(f"The node did not start: {process.args}")
        time.sleep(0.05)


def stop(process):
    """End a node."""
    process.terminate()
    process.wait(30)
