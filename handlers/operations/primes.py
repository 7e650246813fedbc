"""The operation `primes`: all prime numbers below a bound, as an asset."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import Any, Final

from handlers.errors import Fault, InputInvalid
from handlers.operations.values import SILENCE, NewAsset, Report

MOST: Final = 1_000_000


def run(first_n: int | str, *, directory: Path, report: Report = SILENCE) -> dict[str, Any]:
    """Write the prime numbers below a bound, a line each.

    Args:
        first_n: The bound, 0 to `MOST`; a text is read as a decimal number, since that is how some clients send it.
        directory: Where the file is written.
        report: Told how far it has come.

    Raises:
        InputInvalid: It is no such number.

    Source:
        The operation `primes` of the public Koi server: the numbers with line feeds between them, none at the end.
    """
    bound = int(first_n)
    if not 0 <= bound <= MOST:
        raise InputInvalid(faults=[Fault("body", "/first_n", f"It is not between 0 and {MOST}.")])
    report(0, "sieving")
    found = primes_below(bound)
    report(90, f"{len(found)} primes below {bound}")
    path = directory / "primes.txt"
    path.write_text("\n".join(map(str, found)))
    report(100, "done")
    return {"primes": NewAsset(path=path, name=f"primes-below-{bound}.txt"), "count": len(found)}


def primes_below(bound: int) -> list[int]:
    """Return the primes below *bound*, ascending; the sieve of Eratosthenes, a byte a number."""
    is_prime = bytearray(b"\0\0") + bytearray(b"\1") * (bound - 2)
    for number in range(2, int(bound**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, bound, number)))
    return list(compress(range(bound), is_prime))
