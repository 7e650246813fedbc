"""All that computes, put together: both doors over one store of jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handlers.assets.access import Door as AssetDoor
from handlers.assets.delivery import Delivery
from handlers.assets.resolver import Resolver
from handlers.assets.store import Assets
from handlers.chain.agreements import Agreements
from handlers.compute.documents import Dialect, Documents
from handlers.compute.doors import BrizoDoor, Door, Payments, ProviderDoor
from handlers.compute.elsewhere import Elsewhere
from handlers.compute.outputs import Bounds
from handlers.compute.plan import Planner
from handlers.compute.provision import Provision
from handlers.compute.publishing import Publishing
from handlers.compute.records import Records
from handlers.compute.results import Links, Results
from handlers.compute.running import Running, Runtime
from handlers.compute.service import Compute
from handlers.compute.workflow import Workflow
from handlers.identities.proofs import Proofs
from handlers.identities.throttle import Throttle
from handlers.jobs.service import Jobs
from handlers.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What controllers and workers ask to compute."""

    provider: Compute
    brizo: Compute
    either: Compute  #: jobs of both, by Provider's signatures
    provider_door: Door
    brizo_door: Door
    documents: Documents
    results: Results
    workflow: Workflow

    def meant(self, document: str | None, agreement: str | None) -> Compute:
        """Return whose jobs a request means, by what it names."""
        if document:
            return self.provider
        return self.brizo if agreement else self.either


def make_desk(
    settings: Settings,
    *,
    jobs: Jobs,
    assets: Resolver,
    kept: Assets,
    delivery: Delivery,
    provider: Callable[[], str | None],
    proofs: Proofs,
    door: AssetDoor,
    agreements: Agreements,
    runtime: Runtime,
) -> Desk:
    """Put it together, as *settings* say; *provider* returns the address to which orders may be paid, too."""
    records, links = Records(jobs.database), Links(jobs.database, valid_s=settings.result_link_s)
    payments = Payments(door, provider)
    provider_door = ProviderDoor(proofs, payments)
    brizo_door = BrizoDoor(proofs, agreements, records, Throttle(settings.calls_per_minute))

    def through(door: Door, *, lenient: bool) -> Compute:
        return Compute(
            jobs=jobs,
            records=records,
            planner=Planner(assets, lenient=lenient),
            door=door,
            payments=payments,
            jobs_per_order=settings.compute_jobs_per_order,
        )

    return Desk(
        provider=through(provider_door, lenient=False),
        brizo=through(brizo_door, lenient=True),
        either=through(ProviderDoor(proofs, payments, sees=None), lenient=False),
        provider_door=provider_door,
        brizo_door=brizo_door,
        documents=Documents(Dialect(settings.status_dialect == "operator", settings.dates == "unix"), links),
        results=Results(records, links, jobs.blobs),
        workflow=workflow(settings, assets, kept, delivery, runtime),
    )


def workflow(settings: Settings, assets: Resolver, kept: Assets, delivery: Delivery, runtime: Runtime) -> Workflow:
    """Return what does the jobs, as *settings* say."""
    return Workflow(
        provision=Provision(
            assets, delivery, most_bytes=settings.compute_input_bytes, reserve_bytes=settings.disk_reserve_bytes
        ),
        running=Running(runtime, time_s=settings.compute_time_s),
        publishing=Publishing(
            kept,
            Elsewhere(settings.result_stores, settings.networks, patience_s=settings.metadata_timeout_s),
            endpoint=(settings.public_url.rstrip("/") + settings.mount_points.get("provider", "").rstrip("/")),
        ),
        bounds=Bounds(bytes=settings.compute_output_bytes, files=settings.compute_output_files),
    )
