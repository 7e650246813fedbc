"""The services of one process, built once from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handlers.assets.access import Door
from handlers.assets.agent import Agent
from handlers.assets.delivery import Delivery
from handlers.assets.metadata import MetadataStore
from handlers.assets.publisher import Publisher
from handlers.assets.resolver import Resolver, resolver
from handlers.assets.shop import Shop
from handlers.assets.store import Assets
from handlers.chain.agreements import Agreements
from handlers.chain.till import Till
from handlers.compute import service as compute
from handlers.compute.desk import Desk, make_desk
from handlers.compute.runtimes import runtime_of
from handlers.files.sources import Sources
from handlers.identities.accounts import Accounts
from handlers.identities.limits import Limits
from handlers.identities.nonces import Nonces
from handlers.identities.proofs import Proofs
from handlers.identities.tokens import Tokens
from handlers.jobs.queue import Queue
from handlers.jobs.service import Jobs
from handlers.jobs.trials import Trials
from handlers.jobs.watch import Watch
from handlers.keys import Keys
from handlers.models import batches, deployment
from handlers.models.service import Models
from handlers.operations.catalogue import Catalogue, catalogue_of
from handlers.operations.runner import Runner
from handlers.operations.service import KIND, Operations
from handlers.pipelines.service import Pipelines
from handlers.seats import Seats
from handlers.settings import Settings
from handlers.spec.documents import read_apis
from handlers.storage.blobs import Blobs, open_blobs
from handlers.storage.sql import Database
from handlers.wire import request


@dataclass(frozen=True, kw_only=True)
class Services:
    """What controllers and workers ask to do things."""

    settings: Settings
    database: Database
    blobs: Blobs
    queue: Queue
    jobs: Jobs
    watch: Watch
    tokens: Tokens
    accounts: Accounts
    agent: Agent
    metadata: MetadataStore
    assets: Assets
    resolver: Resolver
    nonces: Nonces
    proofs: Proofs
    limits: Limits
    till: Till
    agreements: Agreements
    shop: Shop
    publisher: Publisher
    compute: Desk
    operations: Operations
    models: Models
    pipelines: Pipelines

    def close(self) -> None:
        """End the processes and connections that the services hold."""
        self.operations.pool.close()
        self.models.close()
        self.till.close()
        self.queue.close()
        self.database.close()


_services: Services | None = None


def start(settings: Settings | None = None, catalogue: Catalogue | None = None) -> Services:
    """Build the services of this process and make them the ones that `services` returns.

    Args:
        settings: From the environment by default.
        catalogue: The operations; by default those that the generated documents describe.
    """
    global _services  # noqa: PLW0603 - one composition root per process, set here and nowhere else
    settings = settings or Settings()
    database = Database(settings.sql_url)
    blobs = open_blobs(settings.store_url, settings.disk_reserve_bytes)
    queue = Queue(settings)
    jobs = Jobs(database, queue, blobs, settings)
    tokens = Tokens(database)
    assets = Assets(database, blobs, settings.asset_quota_bytes)
    found = resolver(settings, assets)
    nonces, till = Nonces(database), Till(database, settings)
    limits = Limits(settings)
    proofs = Proofs(nonces, limits, token_s=settings.auth_token_s, client=lambda: request().remote_address)
    keys = Keys(settings)
    delivery = Delivery(assets, Sources(settings), keys)
    door, agreements = Door(proofs, till, limits), Agreements(lambda: till.chain, settings)
    catalogue = catalogue or catalogue_of(read_apis(outside=settings.operations_dir))
    runner = Runner(catalogue, assets, settings.asset_limit_bytes)
    shop = Shop(
        assets=found,
        door=door,
        delivery=delivery,
        nonces=nonces,
        till=till,
        keys=keys,
        has_chain=bool(settings.chain_urls),
        checksum_bytes=settings.spool_limit_bytes,
        look_s=2 * settings.fetch_timeout_s,  # a server may be asked twice, by HEAD and by GET
    )
    seats = Seats(settings.web_threads, jobs=settings.event_streams)
    watch = Watch(jobs, seats)
    trials = Trials(jobs, watch, settings.upload_wait_s)
    models = Models(database, blobs, settings, trials=trials, keys=keys, seats=seats)
    _services = Services(
        settings=settings,
        database=database,
        blobs=blobs,
        queue=queue,
        jobs=jobs,
        watch=watch,
        tokens=tokens,
        accounts=Accounts(database, tokens, settings),
        agent=Agent(database),
        metadata=MetadataStore(database),
        assets=assets,
        resolver=found,
        nonces=nonces,
        proofs=proofs,
        limits=limits,
        till=till,
        agreements=agreements,
        shop=shop,
        publisher=Publisher(assets, delivery, keys, till, settings.chain_factory),
        compute=make_desk(
            settings,
            jobs=jobs,
            assets=found,
            kept=assets,
            delivery=delivery,
            provider=lambda: shop.address() or None,
            proofs=proofs,
            door=door,
            agreements=agreements,
            runtime=runtime_of(settings, database),
        ),
        operations=Operations(catalogue, runner, jobs, settings),
        models=models,
        pipelines=Pipelines(settings, models.hosts),
    )
    return _services


def services() -> Services:
    """Return the services of this process, started from the environment where nobody did."""
    return _services or start()


def bearer_info(token: str) -> dict[str, Any] | None:
    """Say whose token this is, as connexion asks for it; None when it opens nothing."""
    found = services().tokens.check(token)
    return {"sub": found.name, "scopes": list(found.scopes)} if found else None


def token_info(header: str) -> dict[str, Any] | None:
    """Say whose token an Authorization header holds, in the form of DEP 20, `token …`, or as a bearer token."""
    word, _, token = header.partition(" ")
    return bearer_info(token.strip()) if word.lower() in ("token", "bearer") else None


def unchecked_info(name: str, password: str) -> dict[str, Any]:  # noqa: ARG001 - connexion asks for both
    """Let a request through to an operation that checks name and password itself, as a stranger who may do nothing."""
    return {"scopes": []}


def job_kinds() -> dict[str, Any]:
    """Return what does the jobs of each kind, called by a worker with the job and its context."""
    here = services()
    return {
        KIND: here.operations.work,
        compute.KIND: here.compute.workflow.work,
        deployment.KIND: here.models.deployment.work,
        batches.KIND: here.models.batches.work,
    }
