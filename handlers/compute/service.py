"""Compute-to-data: start, restart, find, stop and delete jobs; each is its owner's alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from handlers.assets.params import wrong
from handlers.compute.doors import Door, Payments, start_texts_of, texts_of
from handlers.compute.plan import Plan, Planner, Wish, wish_of
from handlers.compute.records import BRIZO, ComputeJob, Records, Which
from handlers.compute.statuses import Stage
from handlers.errors import AlreadyFinished, JobNotFound, Problem, SignatureInvalid, TooManyRequests
from handlers.jobs.service import Jobs
from handlers.storage.sql import now
from handlers.wire import Caller

KIND: Final = "compute"
OWNERS: Final = 20  # against whose signatures one is held that does not say whose it is
ACTIVE: Final = frozenset({Stage.STARTED, Stage.CONFIGURING, Stage.RUNNING, Stage.FILTERING, Stage.PUBLISHING})


class Compute:
    """Computes where the data is."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        records: Records,
        planner: Planner,
        door: Door,
        payments: Payments,
        jobs_per_order: int,
    ) -> None:
        """Let in through one door.

        Args:
            jobs: Where jobs are queued.
            records: Where it is kept whose they are.
            planner: Looks up what is to be computed.
            door: Which one.
            payments: Looks whether what takes part was ordered.
            jobs_per_order: Most jobs under one agreement, or one order.
        """
        self._jobs = jobs
        self._records = records
        self._planner = planner
        self._door = door
        self._payments = payments
        self._most = jobs_per_order

    def start(self, which: Which, wish: Wish, caller: Caller) -> ComputeJob:
        """Start a job, or a stopped one again.

        Raises:
            InputInvalid, NotFound, Forbidden: It cannot be computed, or not for this consumer.
            SignatureInvalid: The consumer has not signed it.
            PaymentMissing: Something is not paid for.
            Conflict: The job that is named is not stopped.
        """
        if which.job:
            return self._restart(which, self._door.prove(wish.consumer, which, *start_texts_of(which)), caller)
        wish = self._door.complete(which, wish)
        plan = self._planner.plan(wish)
        signer = self._door.prove(wish.consumer, which, *start_texts_of(which))
        self._entitle(plan, which, signer, caller)
        return self._submit(which, wish, plan, signer)

    def find(self, which: Which) -> tuple[Sequence[ComputeJob], bool]:
        """Return the jobs that a request means, and whether it comes from their owner.

        Raises:
            InputInvalid: It does not say which.
            SignatureInvalid: It is not signed by who it says.
        """
        demand_some(which)
        if which.signature:
            return self._records.find(which, self._door.sees, owner=self._signer(which)), True
        if not which.owner:
            raise wrong("signature", "It is needed where `consumerAddress` is not named.")
        return self._records.find(which, self._door.sees, owner=which.owner), False

    def stop(self, which: Which) -> Sequence[ComputeJob]:
        """Stop the running jobs that a request means, and return them; one that is named is returned in any case.

        Raises:
            As for `find`; JobNotFound: The job that is named is not the signer's, or not there.
        """
        return self._each(which, "stop", self._stop)

    def delete(self, which: Which) -> Sequence[ComputeJob]:
        """Delete the jobs that a request means, with all that belongs to them; stop those that run.

        Raises:
            As for `stop`.
        """
        return self._each(which, "delete", self._delete)

    def _each(self, which: Which, verb: str, act: Callable[[ComputeJob], None]) -> Sequence[ComputeJob]:
        """Do something to the jobs of the signer that a request means."""
        demand_some(which)
        if not which.signature:
            raise SignatureInvalid("Only the owner may do this: `signature` is needed.")
        signer = self._signer(which)
        meant = self._records.find(which, self._door.sees, owner=signer)
        if which.job and not meant:
            raise JobNotFound(f"There is no job {which.job[:64]} of {signer}.")
        done = [one for one in meant if self._may_act(one, which, verb)]
        for one in done:
            act(one)
        return [self._again(one) for one in (meant if which.job else done)]

    def _may_act(self, one: ComputeJob, which: Which, verb: str) -> bool:
        """Tell whether there is something to be done, and this signature has not done it before."""
        if one.stage is Stage.DELETED or (verb == "stop" and one.stage not in ACTIVE):
            return False
        return self._door.may_act(one.id, verb, which)

    def _stop(self, one: ComputeJob) -> None:
        """Stop a job; that it has just ended by itself is no error."""
        try:
            self._jobs.cancel(one.id, all_owners=True)
        except AlreadyFinished:
            return

    def _delete(self, one: ComputeJob) -> None:
        """Delete a job with its files; what was published is its owner's, and stays."""
        self._stop(one)
        self._records.delete(one.id)
        self._jobs.remove(one.id, all_owners=True)

    def _again(self, one: ComputeJob) -> ComputeJob:
        """Return a job as it stands now."""
        found = self._records.find(Which(job=one.id), owner=one.owner)
        return found[0] if found else one

    def _signer(self, which: Which) -> str:
        """Return the address of who has signed a request about jobs; without a name, that of one of their owners.

        Raises:
            SignatureInvalid: Nobody whom it could be has signed it.
        """
        if which.owner:
            return self._door.prove(which.owner, which, *texts_of(which, owner=which.owner))
        refusal: Problem = SignatureInvalid("It is signed by nobody who owns such a job.")
        for owner in self._records.owners(which, self._door.sees, OWNERS):
            try:
                return self._door.prove(owner, which, *texts_of(which, owner=""))
            except SignatureInvalid as problem:
                refusal = problem
        raise refusal

    def _restart(self, which: Which, signer: str, caller: Caller) -> ComputeJob:
        """Start a stopped job again; what paid for it has to be good still."""
        meant = Which(job=which.job, subject=which.subject)
        found = next(iter(self._records.find(meant, self._door.sees, owner=signer)), None)
        if found is None or found.stage is Stage.DELETED:
            raise JobNotFound(f"There is no job {which.job[:64]} of {signer}.")
        if found.stage is Stage.STOPPED:
            self._entitle(self._planner.plan(wish_of(found.job.inputs, signer)), which, signer, caller)
        self._jobs.restart(found.id, all_owners=True)
        return self._again(found)

    def _entitle(self, plan: Plan, which: Which, signer: str, caller: Caller) -> None:
        """See that the signer may have all that takes part.

        Raises:
            Forbidden: It is not for them.
            PaymentMissing: It is not paid for.
        """
        self._door.entitle(plan.data, which, signer, caller)
        for part in plan.further:
            self._payments.entitle(part, signer, caller)

    def _submit(self, which: Which, wish: Wish, plan: Plan, signer: str) -> ComputeJob:
        """Queue a job, and keep whose it is."""
        agreement = which.subject if self._door.name == BRIZO else wish.data.order
        if agreement and self._records.count(agreement, self._most) >= self._most:
            raise TooManyRequests(f"There were {self._most} jobs under this agreement or order, which is the most.")
        job_id, owner = secrets.token_hex(16), signer.lower()
        values = {
            "id": job_id,
            "door": self._door.name,
            "owner": owner,
            "shown": signer,
            "did": plan.data.asset.did,
            "document": wish.data.did,
            "agreement": agreement,
            "created": now(),
        }
        self._jobs.submit(
            KIND,
            KIND,
            plan.as_inputs(),
            owner=owner,
            job_id=job_id,
            beside=lambda connection, _: self._records.add(connection, values),
        )
        return self._records.find(Which(job=job_id), owner=owner)[0]


def demand_some(which: Which) -> None:
    """Refuse a request that does not say which jobs it means.

    Raises:
        InputInvalid: It does not.
    """
    if not (which.job or which.subject or which.owner):
        raise wrong("jobId", "At least one of documentId (or serviceAgreementId), jobId and consumerAddress is needed.")
