"""The one door to an asset's contents."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.assets import ddo
from handlers.assets.store import Asset
from handlers.errors import Forbidden, PaymentMissing
from handlers.wire import Caller


@dataclass(frozen=True)
class Grant:
    """Leave to read one asset."""

    asset: Asset
    caller: str | None  #: name of the caller; None for a stranger


def check(asset: Asset, caller: Caller) -> Grant:
    """Return leave to read *asset*, if the caller may.

    Raises:
        PaymentMissing: It has a price, and there is no order of the caller's.
        Forbidden: It is another's, or it is kept for named addresses.
    """
    if asset.owner is not None and not caller.may("manage"):
        if asset.owner == caller.name:
            return Grant(asset, caller.name)
        raise Forbidden(f"The asset {asset.did} belongs to somebody else.")
    if caller.may("manage"):
        return Grant(asset, caller.name)
    if ddo.is_priced(asset.ddo):
        raise PaymentMissing(f"The asset {asset.did} has a price, so an operation may not read it.")
    if ddo.is_restricted(asset.ddo):
        raise Forbidden(f"The asset {asset.did} is kept for named addresses.")
    return Grant(asset, caller.name)
