"""What is read from a chain. Addresses and hashes are in lower case, with 0x."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Log:
    """What a contract noted while a transaction ran."""

    address: str  #: of the contract
    topics: tuple[str, ...]  #: 32 bytes each; the first names the event
    data: str  #: the arguments that are no topics, 32 bytes each


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of the chain as it stands."""

    number: int
    hash: str
    time_s: int  #: Unix seconds


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a transaction."""

    tx: str
    block: int
    block_hash: str
    time_s: int  #: of its block, Unix seconds
    succeeded: bool
    logs: tuple[Log, ...]

    def as_document(self) -> dict[str, Any]:
        """Return the receipt in JSON's types."""
        return asdict(self)


def receipt_of(document: Mapping[str, Any]) -> Receipt:
    """Return the receipt that `as_document` made a document of."""
    logs = tuple(Log(**(log | {"topics": tuple(log["topics"])})) for log in document["logs"])
    return Receipt(**{**document, "logs": logs})
