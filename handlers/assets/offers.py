"""What an asset offers: its services, what they cost, and who may have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from handlers.assets import ddo as ddos
from handlers.assets.did import PREFIX
from handlers.assets.params import wrong
from handlers.assets.store import Asset
from handlers.chain.orders import TOKEN_WEI, Terms, wei
from handlers.errors import Forbidden, NotFound, Unprocessable

TOKEN_DIGITS: Final = 40  # of a DID that is the address of its datatoken
DISABLED, OUTSIDE, DENIED = 1, 3, 4  # the codes of refusals


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A service of an asset."""

    did: str
    index: int
    kind: str  #: access or compute
    amount: int  #: price in wei of the datatoken; 0 is free
    timeout_s: int  #: how long an order is good; 0: for ever
    token: str  #: address of the datatoken; empty: there is none

    @property
    def tokens(self) -> float:
        """The price in whole datatokens."""
        return float(Decimal(self.amount) / TOKEN_WEI)

    def terms(self, provider: str | None) -> Terms:
        """Return what an order has to meet; a plain transfer may go to *provider*, too."""
        return Terms(
            token=self.token,
            service=self.index,
            price_wei=self.amount,
            valid_for_s=self.timeout_s,
            provider=provider,
        )


def find(asset: Asset, *, index: int | None, kind: str = "", default: str = "access") -> Offer:
    """Return a service of an asset.

    Args:
        asset: Whose.
        index: Which one; None: the only one of its kind.
        kind: Of which kind it has to be; any if empty.
        default: The kind that is looked for where neither is given.

    Raises:
        NotFound: There is none.
        InputInvalid: It is of another kind, or there are several.
        Unprocessable: The DDO does not say what it costs.
    """
    sold = [service for service in ddos.services(asset.ddo) if service.get("type") in ("access", "compute")]
    if index is None:
        found = [service for service in sold if service["type"] == (kind or default)]
        if len(found) > 1:
            raise wrong("serviceId", f"The asset has {len(found)} services of this type: name one.")
    else:
        found = [service for service in sold if service.get("index") == index]
    if not found:
        raise NotFound(f"The asset {asset.did} has no such service.")
    if kind and found[0]["type"] != kind:
        raise wrong("serviceType", f"The service {index} is one of type {found[0]['type']}.")
    return offer_of(asset, found[0])


def offer_of(asset: Asset, service: Mapping[str, Any]) -> Offer:
    """Return what a service of a DDO says.

    Raises:
        Unprocessable: It cannot be read, so that nobody gets for nothing what has a price.
    """
    attributes = service.get("attributes")
    main = attributes.get("main") if isinstance(attributes, Mapping) else None
    terms = main if isinstance(main, Mapping) else {}
    try:
        return Offer(
            did=asset.did,
            index=int(service["index"]),
            kind=str(service["type"]),
            amount=wei(str(terms.get("cost", 0)).strip() or "0"),
            timeout_s=int(terms.get("timeout") or 0),
            token=token_of(asset),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Unprocessable(f"A service of {asset.did} has no price or timeout that can be read.") from error


def token_of(asset: Asset) -> str:
    """Return the address of an asset's datatoken; empty where it has none."""
    digits = asset.did.removeprefix(PREFIX)
    named = asset.ddo.get("dataToken")
    return str(named) if named else f"0x{digits}" if len(digits) == TOKEN_DIGITS else ""


def check_token(offer: Offer, sent: str) -> None:
    """Compare the datatoken that a request names with the asset's.

    Raises:
        InputInvalid: It is another one.
    """
    if sent and sent.lower() != offer.token.lower():
        raise wrong("dataToken", "It is not the datatoken of the asset.")


def check_credentials(asset: Asset, address: str) -> None:
    """Let an address have an asset, unless it is withdrawn or kept for others; a list of those allowed goes first.

    Raises:
        Forbidden: It may not.
    """
    check_state(asset)
    credentials = asset.ddo.get("credentials")
    if not credentials:
        return
    rules = credentials if isinstance(credentials, Mapping) else {"allow": ["unreadable"]}
    if rules.get("allow"):
        if address.lower() not in listed(rules["allow"]):
            raise denied(asset, OUTSIDE, "it is kept for others")
    elif rules.get("deny") and address.lower() in listed(rules["deny"]):
        raise denied(asset, DENIED, "this address is shut out")


def check_state(asset: Asset) -> None:
    """Let an asset be had, unless it is withdrawn for good or for now.

    Raises:
        Forbidden: It is.
    """
    status = (ddos.metadata_of(asset.ddo) or {}).get("status")
    if isinstance(status, Mapping) and (status.get("isOrderDisabled") or status.get("isRetired")):
        raise denied(asset, DISABLED, "it is withdrawn")


def listed(rules: Any) -> set[str]:
    """Return the addresses, in lower case, that a list of credentials names."""
    entries = rules if isinstance(rules, list) else []
    values = [entry.get("values") for entry in entries if isinstance(entry, Mapping) and entry.get("type") == "address"]
    return {str(value).lower() for found in values if isinstance(found, list) for value in found}


def denied(asset: Asset, code: int, why: str) -> Forbidden:
    """Return the refusal that clients know, by its code."""
    words = f"Error: Access to asset {asset.did} was denied with code: {code}."
    return Forbidden(f"Access to {asset.did} was denied: {why}.", members={"error": words, "code": code})
