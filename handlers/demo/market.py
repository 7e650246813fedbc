"""What the people of the demo do on a market: publish, order, compute, and see what comes of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from handlers.demo.contracts import TOKEN, Contract
from handlers.demo.player import Player, Surprised, show

SERVICES: Final = "/api/v1/services"
COMPUTE_API: Final = f"{SERVICES}/compute"
NOBODY: Final = "0x" + "0" * 40
COMPLETED: Final = 6  # the first status of a job that has ended; all others of those mean that it has failed
LONGEST_S: Final = 60.0
POLL_S: Final = 0.1


class Market:
    """A publisher at this machine, and a buyer elsewhere."""

    def __init__(self, ask: Callable[..., Any], buyer: Player, folder: Path) -> None:
        """Ask the chain by *ask*; publish what lies in *folder*."""
        self._ask = ask
        self._buyer = buyer
        self._folder = folder
        self._steps = 0

    def step(self, words: str) -> None:
        """Begin a step."""
        self._steps += 1
        click.echo(f"\n{self._steps}. {words}")

    def publish(self, file: str, *options: str) -> str:
        """Publish a file by the command that publishers use, and return its DID."""
        quoted = (f"'{word}'" if " " in word else word for word in options)
        show(f"$ seamark asset publish {file} {' '.join(quoted)}")
        command = [sys.executable, "-P", "-m", "handlers.cli", "asset", "publish", file, *options]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Surprised(f"{file} could not be published: {done.stderr.strip()}")
        did = done.stdout.strip()
        show(did)
        return did

    def quote(self, data: str, service: int) -> Mapping[str, Any]:
        """Ask for the price of a service."""
        query = {"documentId": data, "serviceId": service, "consumerAddress": self._buyer.address}
        found: Mapping[str, Any] = self._buyer.call("GET", f"{SERVICES}/initialize", query=query)
        return found

    def order(self, quote: Mapping[str, Any], service: int) -> str:
        """Pay what was quoted on the chain, and return the transaction's hash."""
        contract = Contract(self._ask, "DataTokenTemplate", quote["dataToken"])
        arguments = (self._buyer.address, int(quote["numTokens"] * TOKEN), service, NOBODY)
        tx = str(contract.transact(self._buyer.address, "startOrder", *arguments)["transactionHash"])
        show(f"startOrder({', '.join(map(str, arguments))})")
        show(f"transaction {tx}")
        return tx

    def results(self, api: str, signed: Callable[[], Mapping[str, Any]]) -> None:
        """Wait for the end of a job, and fetch what it has left.

        Args:
            api: Path at which it is asked for.
            signed: Returns the parameters that ask for it, signed anew.
        """
        end = time.monotonic() + LONGEST_S
        while self._buyer.call("GET", api, query=signed(), shown=False)[0]["status"] < COMPLETED:
            if time.monotonic() > end:
                raise Surprised("The job does not end.")
            time.sleep(POLL_S)
        job = self._buyer.call("GET", api, query=signed())[0]
        if job["status"] != COMPLETED:
            raise Surprised(f"The job failed: {job['statusText']}")
        for address in (*job["resultsUrls"], job["algorithmLogUrl"]):
            self._buyer.call("GET", address)
