"""Parameters of compute requests, as both APIs send them, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.assets.params import members, needed, number
from handlers.compute import words
from handlers.compute.plan import Wish
from handlers.compute.records import Which
from handlers.compute.words import Input
from handlers.wire import request

Section = Mapping[str, Any] | str | None


def which(
    *,
    job: str | None,
    subject: str | None,
    owners: Sequence[str | None],
    signature: str | None,
    orders: Sequence[str | None] = (),
) -> Which:
    """Return which jobs a request means; of several names of one parameter the first that is sent counts."""
    return Which(
        job=job or "",
        subject=subject or "",
        owner=first(owners),
        order=first(orders),
        signature=signature or "",
    )


def wish(  # noqa: PLR0913 - the APIs have so many
    *,
    consumer: str | None,
    output: Section,
    algorithms: Sequence[str | None],
    meta: Section,
    document: str | None = "",
    service: int | str | None = None,
    kind: str | None = None,
    token: str | None = None,
    orders: Sequence[str | None] = (),
    userdata: Section = None,
    algorithm_token: str | None = None,
    algorithm_order: str | None = None,
    algorithm_userdata: Section = None,
    more: Sequence[Any] | Section = None,
) -> Wish:
    """Return what a request wants to have computed.

    Raises:
        InputInvalid: Something that was sent cannot be read.
    """
    data = Input(
        did=document or "",
        service=number("serviceId", service),
        order=first(orders),
        userdata=members("userdata", userdata),
    )
    algorithm = first(algorithms)
    return Wish(
        consumer=needed("consumerAddress", consumer),
        data=data,
        more=words.additional_inputs(more),
        algorithm=algorithm,
        algorithm_token=algorithm_token or "",
        algorithm_order=algorithm_order or "",
        algorithm_userdata=members("algouserdata", algorithm_userdata),
        raw=None if algorithm else words.raw_algorithm(meta),
        output=words.output(output),
        kind=kind or "",
        token=token or "",
        client=request().remote_address,
    )


def first(values: Sequence[str | None]) -> str:
    """Return the first value that is there; empty where none is."""
    return next((value for value in values if value), "")
