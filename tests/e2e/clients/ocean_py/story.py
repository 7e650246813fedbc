"""Publish, order and download as ocean-lib's users do.

    PYTHONPATH=. python story.py CHAIN SEAMARK FILE FOLDER

CHAIN is the file that `seamark devchain --write` has written, SEAMARK and FILE are addresses, and FOLDER is where the
downloads go. Runs in an environment that has ocean-lib and nothing of ours; prints what it got as JSON.
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

import requests
from ocean_lib.assets.asset import V3Asset
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.currency import from_wei, to_wei
from ocean_lib.web3_internal.wallet import Wallet

PRICE = 2.5
MAIN = {
    "type": "dataset",
    "name": "Tides",
    "author": "Harbour office",
    "license": "CC0",
    "dateCreated": "2026-11-20T12:00:00Z",
}


def configured(chain: dict, seamark: str, folder: Path) -> Ocean:
    """Return the client, for a chain and a server of the test's own."""
    addresses = folder / "addresses.json"
    addresses.write_text(json.dumps({"development": chain["contracts"]}))
    network = {"network": chain["url"], "address.file": str(addresses), "block_confirmations": 0}
    resources = {"metadata_cache_uri": seamark, "provider.url": seamark}
    return Ocean(Config(options_dict={"eth-network": network, "resources": resources}))


def wallet(ocean: Ocean, chain: dict, number: int) -> Wallet:
    """Return the wallet of an account of the chain."""
    return Wallet(ocean.web3, chain["accounts"][number]["key"], 0, 10)


def publish(ocean: Ocean, seller: Wallet, seamark: str, file: str) -> V3Asset:
    """Publish an asset that is paid for: on the chain, as the client does, and in the store as well."""
    metadata = {"main": MAIN | {"files": [{"url": file, "index": 0, "contentType": "text/csv"}]}}
    access = ocean.assets.build_access_service(f"{seamark}/api/v1/services/download", "", PRICE, seller.address)
    asset = ocean.assets.create(metadata, seller, services=[access])
    signature = DataServiceProvider.sign_message(seller, f"POST{asset.did}", provider_uri=seamark)
    requests.post(
        f"{seamark}/api/v1/aquarius/assets/ddo",
        params={"publisherAddress": seller.address, "signature": signature},
        json=asset.as_dictionary(),
        timeout=30,
    ).raise_for_status()
    return asset


def tell(chain: dict, seamark: str, file: str, folder: Path) -> dict:
    """Publish, look, order, download."""
    ocean = configured(chain, seamark, folder)
    seller, buyer = wallet(ocean, chain, 0), wallet(ocean, chain, 1)
    asset = publish(ocean, seller, seamark, file)
    ocean.get_data_token(asset.data_token_address).mint(buyer.address, to_wei(10), from_wallet=seller)

    story = {
        "seller": seller.address,
        "resolved": ocean.assets.resolve(asset.did).as_dictionary() == asset.as_dictionary(),
        "refused metadata": ocean.assets.validate({"main": {"type": "dataset"}})[0],
        "valid files": [
            DataServiceProvider.check_single_file_info(file, seamark),
            DataServiceProvider.check_asset_file_info(asset.did, seamark),
            DataServiceProvider.check_single_file_info(file.replace("tides", "ebbs"), seamark),
        ],
    }
    service = asset.get_service("access")
    terms = ocean.assets.order(asset.did, buyer.address, service_type=service.type)
    story["terms"] = [str(from_wei(terms.amount).normalize()), terms.receiver_address, terms.nonce]
    story["without an order"] = download(ocean, asset, buyer, "0x" + "00" * 32, folder)

    paid = (ocean.web3, terms.amount, terms.data_token_address, asset.did, service.index, ZERO_ADDRESS)
    order = ocean.assets.pay_for_service(*paid, buyer, buyer.address)
    for _ in range(2):
        story["downloaded"] = download(ocean, asset, buyer, order, folder)
    story["nonces"] = [DataServiceProvider.get_nonce(who.address, seamark) for who in (seller, buyer)]
    return story


def download(ocean: Ocean, asset: V3Asset, buyer: Wallet, order: str, folder: Path) -> list[str]:
    """Download an asset, and return where its files are in the folder."""
    where = ocean.assets.download(asset.did, asset.get_service("access").index, buyer, order, str(folder))
    return [str(path.relative_to(folder)) for path in Path(where).iterdir()]


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):  # the client prints what it signs
        told = tell(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    sys.stdout.write(json.dumps(told))
