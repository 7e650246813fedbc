"""Make datatokens, through the factory that the ecosystem has on each of its chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.chain.orders import address_in
from handlers.errors import BadGateway
from handlers.keys import Key

if TYPE_CHECKING:
    from handlers.chain.client import Chain

TOKEN_CREATED: Final = "0xb51c8cbe199ffe8b0d1d39b62d473569750653cb18b165f77ae423b3900180ad"  # noqa: S105 - a topic
CAP_WEI: Final = 10**27  #: a thousand million tokens, the ecosystem's custom


def create(chain: Chain, factory: str, key: Key, *, name: str, symbol: str, cap_wei: int = CAP_WEI) -> str:
    """Make a datatoken and return its address, in lower case.

    Args:
        chain: Where.
        factory: Address of the DTFactory contract.
        key: Whose it is: the minter, to whom orders are paid, and who pays for the gas.
        name: What people call it.
        symbol: What it is called in lists.
        cap_wei: Most that may ever be minted.

    Raises:
        Unprocessable: The factory refuses.
        BadGateway: What is at the address is no factory.
        ChainUnavailable: The chain cannot be asked.
    """
    receipt = chain.transact(key, factory, "factory", "createToken", "", name, symbol, cap_wei)
    for log in receipt.logs:
        if log.address == factory.lower() and log.topics[:1] == (TOKEN_CREATED,):
            return address_in(log.topics[1])
    raise BadGateway("What is at the factory's address has made no datatoken.")


def mint(chain: Chain, token: str, key: Key, *, to: str, amount_wei: int) -> None:
    """Mint datatokens for an address.

    Raises:
        Unprocessable: *key* is not the minter's, or the cap is reached.
        ChainUnavailable: The chain cannot be asked.
    """
    chain.transact(key, token, "datatoken", "mint", to, amount_wei)
