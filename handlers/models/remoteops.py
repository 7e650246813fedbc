"""Models of other servers of the Open Prediction Service: one question for each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from handlers.errors import Fault, InputInvalid, Unprocessable
from handlers.files.calls import Line
from handlers.files.remote import LONGEST
from handlers.models.remotewords import document_in, listed, member, question


class Ops:
    """How they are asked."""

    most_rows = 64  # each takes a way there and back

    def read(self, line: Line, url: str, model: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return what is known of a model, and its newest endpoint.

        Raises:
            BadGateway: The server has answered something else.
            Unprocessable: The model has no endpoint.
        """
        found = document_in(line.call(f"{url}/models/{quote(model, safe='')}"))
        inputs = sorted(listed(found, "input_schema"), key=order_of)
        known = {
            "name": found.get("name"),
            "named": bool(inputs),
            "features": [{"name": one.get("name"), "type": one.get("type")} for one in inputs] or None,
            "input_schema": inputs or None,
            "output_schema": found.get("output_schema"),
        }
        return known, {"url": f"{url}/predictions", "target": endpoint_of(found), "names": names_of(inputs)}

    def predict(self, line: Line, kept: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return what the model says of each row.

        Raises:
            BadGateway: The server has answered something else.
            InputInvalid: The model does not take a row.
        """
        target = [{"rel": "endpoint", "href": kept["target"]}]
        bodies = [{"target": target, "parameters": parameters(kept["names"], row)} for row in rows]
        answers = (document_in(line.call(kept["url"], question(body))) for body in bodies)
        return [member(answer, "result", dict) for answer in answers]


def order_of(feature: Any) -> int:
    """Return the place of an input.

    Raises:
        Unprocessable: It has none.
    """
    order = feature.get("order") if isinstance(feature, dict) else None
    if not isinstance(order, int):
        raise Unprocessable("The other server's input_schema is not understood.")
    return order


def names_of(inputs: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the names of inputs; None where nobody knows any."""
    return [str(one.get("name")) for one in inputs] or None


def endpoint_of(model: Mapping[str, Any]) -> str:
    """Return the address of the newest endpoint of a model, as its server knows it.

    Raises:
        Unprocessable: It has none.
    """
    links = member(model, "links", list)
    found = [link.get("href") for link in links if isinstance(link, dict) and link.get("rel") == "endpoint"]
    if not found or not isinstance(found[-1], str) or len(found[-1]) > LONGEST:
        raise Unprocessable("The model has no endpoint on the other server.")
    return found[-1]


def parameters(names: Sequence[str] | None, row: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a row as the parameters of a question; an input that is absent is left out.

    Raises:
        InputInvalid: A number is none that JSON has.
    """
    called = names if names is not None and len(names) == len(row) else [f"x{place}" for place in range(len(row))]
    for name, value in zip(called, row, strict=True):
        if isinstance(value, float) and not math.isfinite(value):
            words = f"The input {name[:100]!r} is {value}, which cannot be sent to another server."
            raise InputInvalid(faults=[Fault("body", "/parameters", words)])
    return [{"name": name, "value": value} for name, value in zip(called, row, strict=True) if value is not None]
