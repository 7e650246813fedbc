"""What a request wants to have computed, looked up and held against what the data's publishers allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from handlers.assets import ddo as ddos
from handlers.assets import offers
from handlers.assets.access import Claim
from handlers.assets.offers import Offer
from handlers.assets.params import wrong
from handlers.assets.resolver import Resolver
from handlers.assets.store import Asset
from handlers.compute import words
from handlers.compute.privacy import Privacy, check_published, check_raw, main_of, privacy_of
from handlers.compute.words import Container, Input, Output, RawAlgorithm
from handlers.errors import Problem

ALGORITHM: Final = "algorithm"
EVERYTHING: Final = Privacy(raw=True, network=True, all_published=True, algorithms={}, publishers=frozenset())


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a request wants to have computed, as it was sent."""

    consumer: str  #: address
    data: Input
    more: Sequence[Input] = ()
    algorithm: str = ""  #: DID; goes before the one that is brought along
    algorithm_token: str = ""
    algorithm_order: str = ""
    algorithm_userdata: Mapping[str, Any] = field(default_factory=dict)
    raw: RawAlgorithm | None = None
    output: Output = field(default_factory=Output)
    kind: str = ""
    token: str = ""
    client: str = ""  #: network address of who asks


@dataclass(frozen=True, kw_only=True)
class Part:
    """An asset that takes part in a job: data, or the algorithm."""

    asset: Asset
    offer: Offer
    claim: Claim
    userdata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be computed, if the consumer has paid for it."""

    data: Part
    more: tuple[Part, ...]
    algorithm: Part | None  #: None: `raw` is run
    raw: RawAlgorithm | None
    container: Container
    network: bool  #: whether all publishers let the algorithm use the network
    output: Output

    @property
    def further(self) -> Iterator[Part]:
        """All that has to be ordered, but for the data that the request is about."""
        yield from self.more
        if self.algorithm is not None:
            yield self.algorithm

    def as_inputs(self) -> dict[str, Any]:
        """Return what the worker needs to know, as a JSON value; where files lie is not in it."""
        return {
            "data": as_reference(self.data),
            "more": [as_reference(part) for part in self.more],
            "algorithm": None if self.algorithm is None else as_reference(self.algorithm),
            "raw": None if self.raw is None else asdict(self.raw),
            "container": asdict(self.container),
            "network": self.network,
            "output": asdict(self.output),
        }


def as_reference(part: Part) -> dict[str, Any]:
    """Return a part as a JSON value."""
    claim = part.claim
    return {"did": claim.document_id, "service": claim.service, "order": claim.order, "userdata": dict(part.userdata)}


def wish_of(inputs: Mapping[str, Any], consumer: str) -> Wish:
    """Return what was wanted when a job was started, from what `as_inputs` made of it."""
    algorithm, raw = inputs["algorithm"], inputs["raw"]
    return Wish(
        consumer=consumer,
        data=Input(**inputs["data"]),
        more=[Input(**entry) for entry in inputs["more"]],
        algorithm="" if algorithm is None else algorithm["did"],
        algorithm_order="" if algorithm is None else algorithm["order"],
        algorithm_userdata={} if algorithm is None else algorithm["userdata"],
        raw=None if raw is None else RawAlgorithm(**raw | {"container": Container(**raw["container"])}),
        output=Output(**inputs["output"]),
    )


class Planner:
    """Makes plans of wishes."""

    def __init__(self, assets: Resolver, *, lenient: bool) -> None:
        """Look assets up in *assets*; with *lenient*, what a publisher does not say is allowed, as in Brizo."""
        self._assets = assets
        self._lenient = lenient

    def plan(self, wish: Wish) -> Plan:
        """Return what will be computed.

        Raises:
            NotFound: There is no such asset or service.
            InputInvalid: There is no algorithm, or what is named cannot take part.
            Forbidden: A publisher of the data does not let this algorithm run on them.
        """
        data = self._data(wish)
        more = tuple(self._more(wish, entry, place) for place, entry in enumerate(wish.more))
        algorithm = self._algorithm(wish) if wish.algorithm else None
        raw = None if algorithm is not None else wish.raw
        if algorithm is None and raw is None:
            raise wrong("algorithmDid", "One of `algorithmDid` and `algorithmMeta` is needed.")
        rules = [self._checked(part, algorithm) for part in (data, *more)]
        return Plan(
            data=data,
            more=more,
            algorithm=algorithm,
            raw=raw,
            container=container_of(algorithm, raw),
            network=all(rule.network for rule in rules),
            output=wish.output,
        )

    def _data(self, wish: Wish) -> Part:
        """Return the asset that the request is about, by its compute service."""
        if wish.kind not in ("", "compute"):
            raise wrong("serviceType", "The service has to be of type compute.")
        part = self._part(wish, wish.data, "compute", "compute")
        if part.offer.kind != "compute":
            raise wrong("serviceId", "Service for main asset must be compute.")
        offers.check_token(part.offer, wish.token)
        return part

    def _more(self, wish: Wish, entry: Input, place: int) -> Part:
        """Return a further asset; a refusal tells which."""
        try:
            return self._part(wish, entry, "compute", "access")
        except Problem as problem:
            problem.detail = f"Error in input at index {place}: {problem.detail}"
            raise

    def _algorithm(self, wish: Wish) -> Part:
        """Return the published algorithm."""
        entry = Input(did=wish.algorithm, order=wish.algorithm_order, userdata=wish.algorithm_userdata)
        part = self._part(wish, entry, "access", "compute")
        if main_of(ddos.metadata_of(part.asset.ddo) or {}).get("type") != ALGORITHM:
            raise wrong("algorithmDid", f"DID {entry.did} is not a valid algorithm.")
        offers.check_token(part.offer, wish.algorithm_token)
        return part

    def _part(self, wish: Wish, entry: Input, first: str, second: str) -> Part:
        """Return an asset with the service that is named, or one of the *first* type, or of the *second*."""
        asset = self._assets.read(entry.did)
        offer = offers.find(asset, index=entry.service, default=kind_of(asset, first, second))
        claim = Claim(
            asset=asset,
            document_id=entry.did,
            consumer=wish.consumer,
            client=wish.client,
            service=offer.index,
            kind=offer.kind,
            order=entry.order,
        )
        return Part(asset=asset, offer=offer, claim=claim, userdata=entry.userdata)

    def _checked(self, part: Part, algorithm: Part | None) -> Privacy:
        """Return what the publisher of data allows, once it is seen that it allows this algorithm."""
        rules = self._rules(part)
        if algorithm is None:
            check_raw(rules, part.asset.did)
        else:
            check_published(rules, part.asset.did, algorithm.asset)
        return rules

    def _rules(self, part: Part) -> Privacy:
        """Return what the service allows; who may download the files may do anything with them."""
        if part.offer.kind == "access":
            return EVERYTHING
        service = next(one for one in ddos.services(part.asset.ddo) if one.get("index") == part.offer.index)
        return privacy_of(service, lenient=self._lenient)


def kind_of(asset: Asset, first: str, second: str) -> str:
    """Return the type of the service that is meant where none is named: *first*, where the asset has one."""
    kinds = [service.get("type") for service in ddos.services(asset.ddo)]
    return second if first not in kinds and second in kinds else first


def container_of(algorithm: Part | None, raw: RawAlgorithm | None) -> Container:
    """Return in what an algorithm runs.

    Raises:
        InputInvalid: It does not say.
    """
    if algorithm is None:
        assert raw is not None, "one of the two is there"
        return raw.container
    section = main_of(ddos.metadata_of(algorithm.asset.ddo) or {}).get(ALGORITHM)
    return words.container_of(section.get("container") if isinstance(section, Mapping) else None, "algorithmDid")
