"""Which endpoint a request names, and where in the request a fault is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from handlers.errors import BadRequest, Fault

PARAMETER: Final = re.compile(r"/parameters/([0-9]+)/")
PLACE: Final = re.compile(r"/endpoints/([^/]+)")


def in_object(fault: Fault, names: Sequence[str]) -> Fault:
    """Return a fault of a list of parameters as one of an object whose members have these names."""
    number = PARAMETER.match(fault.place)
    place = "/" + names[int(number[1])].replace("~", "~0").replace("/", "~1") if number else ""
    return replace(fault, place=place)


def endpoint_in(target: Sequence[Mapping[str, str]], base: str, mount: str) -> str:
    """Return the id of the endpoint that a request is for.

    Args:
        target: Links, of which one is to the endpoint.
        base: Address of this server as clients see it; behind a proxy it may have a path, which our links have then.
        mount: Path of the API below that.

    Raises:
        BadRequest: There is not exactly one, or its address is none.
    """
    wanted = [link for link in target if link.get("rel") == "endpoint"]
    if len(wanted) != 1:
        raise BadRequest("Predict accept one and only one endpoint", faults=[Fault("body", "/target", "has not one")])
    href = wanted[0].get("href", "")
    try:
        path = urlsplit(href).path
    except ValueError:
        path = ""
    found = (
        PLACE.fullmatch(path.removeprefix(urlsplit(base).path).removeprefix(mount))
        if "?" not in href and "#" not in href
        else None
    )
    if found is None:
        words = f"{href[:200]!r} is not the address of an endpoint."
        raise BadRequest(words, faults=[Fault("body", f"/target/{target.index(wanted[0])}/href", words)])
    return found[1]
