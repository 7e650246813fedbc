"""Publish an asset: seal where its files are, make its datatoken, and register its DDO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from handlers.assets import filelist, validation
from handlers.assets.ddo import Sale, cost, make_ddo
from handlers.assets.delivery import Delivery
from handlers.assets.did import PREFIX, new_did
from handlers.assets.store import Asset, Assets
from handlers.chain import datatokens
from handlers.chain.orders import TOKEN_WEI
from handlers.chain.till import Till
from handlers.errors import ChainUnavailable, Unprocessable
from handlers.files.sealed import seal
from handlers.keys import Keys
from handlers.storage.sql import now

SYMBOL_CHARACTERS: Final = 8


class Publisher:
    """Publishes assets of this server's own."""

    def __init__(self, assets: Assets, delivery: Delivery, keys: Keys, till: Till, factory: str) -> None:
        """Register in *assets*, look at files by *delivery*, and sign and seal with *keys*.

        Args:
            assets: The store.
            delivery: Finds files.
            keys: The provider's.
            till: Knows the chain.
            factory: Address of the contract that makes datatokens; empty: there is none.
        """
        self._assets = assets
        self._delivery = delivery
        self._keys = keys
        self._till = till
        self._factory = factory

    def publish(
        self, source: str, sale: Sale, described: Mapping[str, str], made: Callable[[str], object] = str
    ) -> Asset:
        """Publish a file, or what is at an address.

        The files are looked at first, and a datatoken is made last before the asset is registered, since it costs
        something.

        Args:
            source: Path of a file, which is copied; or a URL with http, https, ipfs or s3.
            sale: How it is offered.
            described: `name`, `author`, `license_name`, `description`, `kind` and `content_type`, if it has them.
            made: Told the address of a datatoken once it is made: should what follows fail, it is there all the same.

        Raises:
            ValueError: The price is none.
            InputInvalid: The DDO would not be one that can be offered.
            Unprocessable: There is no such file.
            BadGateway, NotFound, AddressRefused: There is nothing at the address.
            ChainUnavailable: It has a price, and there is no chain, or none that makes datatokens.
        """
        members: dict[str, Any] = {name: value for name, value in described.items() if value}
        if "://" in source:
            return self._publish_elsewhere(source, sale, members, made)
        path = Path(source)
        if not path.is_file():
            raise Unprocessable(f"There is no file {source}.")
        name = members.pop("name", path.name)
        validation.check_whole(make_ddo(new_did(), name=name, files=[], created=now(), sale=sale, **texts(members)))
        sale, did = self._with_token(sale, name, made)
        return self._assets.add(path, name=name, sale=sale, did=did, **members)

    def mint(self, asset: Asset, amounts: Mapping[str, Decimal]) -> None:
        """Give datatokens of an asset, in whole ones, to addresses.

        Raises:
            Unprocessable: The asset has no datatoken, or it is not ours to give.
            ChainUnavailable: The chain cannot be asked.
        """
        token = str(asset.ddo.get("dataToken") or "")
        if amounts and not token:
            raise Unprocessable("The asset is free, and so has no datatokens that could be given.")
        for address, tokens in amounts.items():
            amount_wei = int(tokens * TOKEN_WEI)
            datatokens.mint(self._till.chain, token, self._keys.current, to=address, amount_wei=amount_wei)

    def _publish_elsewhere(self, url: str, sale: Sale, members: dict[str, Any], made: Callable[[str], object]) -> Asset:
        """Publish what is at an address."""
        file = self._delivery.address(url)
        facts = file.described(file.source.probe())
        kind = members.pop("content_type", "") or facts.content_type
        listed = {"contentType": kind} | ({} if facts.length is None else {"contentLength": str(facts.length)})
        name = members.pop("name", facts.name)
        entry = {"index": 0, "url": url, "contentType": kind, "name": facts.name}

        def ddo(did: str, sale: Sale) -> dict[str, Any]:
            sealed = seal(filelist.bound([entry], did), self._keys.current)
            whole = replace(sale, sealed=sealed)
            return make_ddo(did, name=name, files=[listed], created=now(), sale=whole, **members)

        free = new_did()
        validation.check_whole(ddo(free, sale))
        sale, did = self._with_token(sale, name, made)
        return self._assets.register(ddo(did or free, sale))

    def _with_token(self, sale: Sale, name: str, made: Callable[[str], object]) -> tuple[Sale, str | None]:
        """Return how an asset is sold with its datatoken, and its DID; what is free needs none."""
        if Decimal(cost(sale.price)) == 0:
            return sale, None
        if not self._factory:
            raise ChainUnavailable("A price needs a chain and its factory: SEAMARK_CHAIN_URL, SEAMARK_CHAIN_FACTORY.")
        key = self._keys.current
        symbol = "".join(filter(str.isalnum, name.upper()))[:SYMBOL_CHARACTERS] or "DATA"
        token = datatokens.create(self._till.chain, self._factory, key, name=name, symbol=symbol)
        made(token)
        return replace(sale, token=token, publisher=key.address), PREFIX + token.removeprefix("0x")


def texts(members: Mapping[str, str]) -> dict[str, Any]:
    """Return what of a description stands in a DDO."""
    return {name: value for name, value in members.items() if name != "content_type"}
