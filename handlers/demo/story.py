"""The whole story on one screen: data are sold, downloaded and computed on, and three things are refused.

`python -m handlers.demo.story URL CHAIN` plays it against a server at URL that uses the chain which the file CHAIN
describes (`seamark devchain --write CHAIN`), in the environment of that server: the publisher works on its stores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from handlers.chain.agreements import Kind
from handlers.demo.keeper import Keeper
from handlers.demo.market import COMPUTE_API, SERVICES, Market
from handlers.demo.player import Player, Surprised, asker, short, show

BRIZO: Final = "/api/v1/brizo/services/compute"
ACCESS, COMPUTE = 3, 4  # the services of an asset, by their index
PRICE: Final = 2.5

TIDES: Final = "hour,metres\n" + "".join(f"{hour},{0.5 + 0.11 * (hour * 29 % 25):.2f}\n" for hour in range(48))
ALGORITHM: Final = """\
import csv, json, os, pathlib

inputs = pathlib.Path(os.environ["INPUTS"])
rows = [row for path in inputs.glob("*/*") for row in csv.DictReader(path.open())]
metres = [float(row["metres"]) for row in rows]
found = {"highest": max(metres), "mean": round(sum(metres) / len(metres), 3)}
pathlib.Path(os.environ["OUTPUTS"], "tides.json").write_text(json.dumps(found))
print("read", len(rows), "rows")
"""
CONTAINER: Final = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}
THEFT: Final = "import os, shutil; shutil.copytree(os.environ['INPUTS'], os.environ['OUTPUTS'] + '/all')"


class Story:
    """What happens, step by step; every step depends on those before it."""

    def __init__(self, url: str, chain: Mapping[str, Any], folder: Path) -> None:
        """Play against the server at *url* and its *chain*, with files in *folder*."""
        ask, accounts = asker(chain["url"]), chain["accounts"]
        self._provider, minter = accounts[3]["address"], accounts[-1]["address"]
        self._keeper = Keeper(ask, chain["contracts"], minter)
        self._buyer, self._stranger = (Player(accounts[number]["key"], url) for number in (1, 2))
        self._market = Market(ask, self._buyer, folder)
        self._folder = folder

    def tell(self) -> None:
        """Play all of it.

        Raises:
            Surprised: Something happened that should not.
        """
        algorithm, data, older = self.publish()
        paid, downloaded = self.buy(data)
        self.compute(data, algorithm)
        self.compute_under_agreement(older, algorithm)
        self.refuse(data, paid, downloaded)

    def publish(self) -> tuple[str, str, str]:
        """Offer an algorithm, data at a price, and data under agreements; return their DIDs."""
        (self._folder / "tides.csv").write_text(TIDES)
        (self._folder / "tides.py").write_text(ALGORITHM)
        market, kept = self._market, ("--service", "compute", "--trusted-algorithm")
        market.step("A harbour office offers an algorithm, for nothing")
        container = [word for name, value in CONTAINER.items() for word in (f"--{name}", value)]
        algorithm = market.publish("tides.py", "--name", "Tides in short", *container)
        market.step("and readings for datatokens, to be downloaded, or to be computed on by that algorithm alone")
        tokens = ("--price", str(PRICE), "--mint", f"{self._buyer.address}=10")
        data = market.publish("tides.csv", "--name", "Tides", "--service", "access", *kept, algorithm, *tokens)
        market.step("Older readings are only computed on, under agreements as Brizo knows them")
        return algorithm, data, market.publish("tides.csv", "--name", "Older tides", *kept, algorithm)

    def buy(self, data: str) -> tuple[str, dict[str, Any]]:
        """Order and download; return the transaction that paid, and the request that was sent."""
        market, buyer = self._market, self._buyer
        market.step("A buyer asks for the price")
        quote = market.quote(data, ACCESS)
        market.step("pays on the chain")
        paid = market.order(quote, ACCESS)
        market.step("and downloads the file with a signature")
        request = buyer.signed(data) | {"documentId": data, "fileIndex": 0, "serviceId": ACCESS, "transferTxId": paid}
        file = buyer.call("GET", f"{SERVICES}/download", query=request)
        if file != TIDES:
            raise Surprised("The file that was downloaded is not the one that was offered.")
        return paid, request

    def compute(self, data: str, algorithm: str) -> None:
        """Run the algorithm next to the data."""
        market, buyer = self._market, self._buyer
        market.step("The buyer orders a computation")
        paid = market.order(market.quote(data, COMPUTE), COMPUTE)
        market.step("and has the algorithm run next to the data")
        body = buyer.signed(f"{buyer.address}{data}") | {"documentId": data, "serviceId": COMPUTE}
        body |= {"transferTxId": paid, "algorithmDid": algorithm, "output": {}}
        job = buyer.call("POST", COMPUTE_API, body=body)[0]["jobId"]
        market.step("waits, and fetches the result and the algorithm's log")
        market.results(COMPUTE_API, lambda: buyer.signed(f"{buyer.address}{job}") | {"jobId": job})

    def compute_under_agreement(self, data: str, algorithm: str) -> None:
        """Run the algorithm by Brizo's API."""
        market, buyer = self._market, self._buyer
        market.step("The buyer agrees with the provider on the older readings, and pays, on the chain")
        self._keeper.register(self._provider, self._provider, data)
        deal = self._keeper.agree(Kind.COMPUTE, data, buyer.address, self._provider)
        self._keeper.pay(deal)
        self._keeper.grant(deal)
        show(f"agreement {deal.id}: made, paid, granted")
        market.step("and has the same algorithm run under the agreement")
        body = {"serviceAgreementId": deal.id, "algorithmDID": algorithm, "output": {}}
        body |= buyer.signed_plainly(f"{buyer.address}{deal.id}")
        job = buyer.call("POST", BRIZO, body=body)[0]["jobId"]
        about = {"jobId": job, "serviceAgreementId": deal.id}
        market.results(BRIZO, lambda: buyer.signed_plainly(f"{buyer.address}{job}{deal.id}") | about)

    def refuse(self, data: str, paid: str, downloaded: dict[str, Any]) -> None:
        """Try what must not be."""
        market, buyer, stranger = self._market, self._buyer, self._stranger
        market.step("Forbidden: the download's request once more, by whoever has seen it")
        stranger.call("GET", f"{SERVICES}/download", query=downloaded, expect=401)
        market.step("Forbidden: a stranger who shows the order that the buyer has paid")
        stolen = {"documentId": data, "fileIndex": 0, "serviceId": ACCESS, "transferTxId": paid}
        stranger.call("GET", f"{SERVICES}/download", query=stranger.signed(data) | stolen, expect=403)
        market.step("Forbidden: code of the buyer's own, which would carry the data away")
        meta = {"rawcode": THEFT, "language": "python", "container": CONTAINER}
        body = buyer.signed(f"{buyer.address}{data}") | {"documentId": data, "serviceId": COMPUTE}
        buyer.call("POST", COMPUTE_API, body=body | {"algorithmMeta": meta, "output": {}}, expect=403)


def main() -> None:
    """Play the story that the command line names."""
    url, chain = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="seamark-demo-") as folder:
        try:
            Story(url, json.loads(Path(chain).read_text()), Path(folder)).tell()
        except Surprised as surprise:
            click.echo(f"\nThe story ends here: {short(str(surprise))}")
            raise SystemExit(1) from None
    click.echo(f"\nThat was all of it. The server at {url} goes on; its documentation is at {url}/docs.")


if __name__ == "__main__":
    main()
