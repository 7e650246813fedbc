"""Where the files are that a job has left: addresses that its owner is given, good for a while, and what they open."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from functools import cached_property
from io import BytesIO
from typing import Any, BinaryIO, Final
from urllib.parse import urlencode

from handlers.assets.params import needed
from handlers.compute.doors import Door
from handlers.compute.records import ComputeJob, Records, Which
from handlers.compute.statuses import Stage
from handlers.errors import JobNotFound, NotFinished, NotFound, SignatureInvalid
from handlers.files.content import Facts, Stored, described
from handlers.files.ranges import wanted
from handlers.storage import facts
from handlers.storage.blobs import Blobs
from handlers.storage.sql import Database
from handlers.wire import Reply, Request

KEY_FACT: Final = "results-key"


class Links:
    """Addresses of results that nobody can guess, and that end."""

    def __init__(self, database: Database, *, valid_s: int, clock: Callable[[], float] = time.time) -> None:
        """Sign with a key of this installation's own.

        Args:
            database: Where the key is kept.
            valid_s: How long an address is good, in seconds.
            clock: Returns the present time, Unix seconds.
        """
        self._database = database
        self._valid_s = valid_s
        self._clock = clock

    def query(self, one: ComputeJob, index: int) -> str:
        """Return the query of the address of a file."""
        expires = int(self._clock()) + self._valid_s
        token = self._token(one.id, one.job.attempt, index, expires)
        return urlencode({"jobId": one.id, "index": index, "expires": expires, "token": token})

    def opens(self, one: ComputeJob, index: int, expires: int, token: str) -> bool:
        """Tell whether an address opens a file now."""
        right = self._token(one.id, one.job.attempt, index, expires)
        return expires > self._clock() and hmac.compare_digest(right.encode(), token.encode())

    def _token(self, job_id: str, attempt: int, index: int, expires: int) -> str:
        """Return what shows that this server gave an address out."""
        text = f"{job_id}\n{attempt}\n{index}\n{expires}"
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()

    @cached_property
    def _key(self) -> bytes:
        """The key, which never changes; a list has many addresses, and one read is enough."""
        return bytes.fromhex(facts.settled(self._database, KEY_FACT, lambda: secrets.token_hex(32)))


class Results:
    """Gives the files of jobs to their owners."""

    def __init__(self, records: Records, links: Links, blobs: Blobs) -> None:
        """Find jobs in *records*, and their files in *blobs*."""
        self._records = records
        self._links = links
        self._blobs = blobs

    def fetch(self, door: Door, which: Which, index: int, link: tuple[int | None, str | None], at: Request) -> Reply:
        """Return a file, by the end and the token of an address that was given out, or else by a signature.

        Raises:
            InputInvalid: The request has neither.
            SignatureInvalid: It is not one of ours, or the owner has not signed it.
            NotFound: There is no such job of theirs, or no such file.
        """
        expires, token = link
        if expires is not None and token is not None:
            return self._by_link(which.job, index, expires, token, at)
        needed("consumerAddress", which.owner)
        needed("signature", which.signature)
        return self._by_signature(door, which, index, at)

    def _by_link(self, job_id: str, index: int, expires: int, token: str, at: Request) -> Reply:
        """Return a file to who has its address.

        Raises:
            SignatureInvalid: It is none of ours, or too old.
            NotFound: There is no such file.
        """
        found = self._records.find(Which(job=job_id), owner=None)
        if not found or not self._links.opens(found[0], index, expires, token):
            raise SignatureInvalid(
                "The address is not one of this server's, or its time is over; ask for the job again."
            )
        return self._reply(found[0], index, at)

    def _by_signature(self, door: Door, which: Which, index: int, at: Request) -> Reply:
        """Return a file to the owner of the job, who signs `consumerAddress`, `jobId` and `index`.

        Raises:
            SignatureInvalid: They have not.
            JobNotFound: The job is not theirs.
            NotFound: There is no such file.
        """
        signer = door.prove(which.owner, which, f"{which.owner}{which.job}{index}")
        found = self._records.find(which, door.sees, owner=signer)
        if not found:
            raise JobNotFound(f"There is no job {which.job[:64]} of {signer}.")
        return self._reply(found[0], index, at)

    def _reply(self, one: ComputeJob, index: int, at: Request) -> Reply:
        """Return a file of a job, or the part of it that is asked for; HEAD tells what it is."""
        if one.stage is Stage.DELETED or not one.job.ended:
            raise NotFinished(f"The job has no results: {one.stage.name.lower()}.")
        files = one.files
        if index >= len(files):
            raise NotFound(f"The job has {len(files)} files, and none with the index {index}.")
        file = files[index]
        return self._sent(one, file, at) if file["blob"] else self._sent_lines(one, file, at)

    def _sent(self, one: ComputeJob, file: Mapping[str, Any], at: Request) -> Reply:
        """Return a file that the job has left."""
        return reply(facts_of(one, file, file["blob"].encode()), lambda: self._blobs.open(file["blob"]), at)

    def _sent_lines(self, one: ComputeJob, file: Mapping[str, Any], at: Request) -> Reply:
        """Return the lines that a job has logged."""
        # The worker may have written the last ones down only after the job was looked up.
        data = self._records.log(one.id)
        return reply(facts_of(one, {**file, "size": len(data)}, data), lambda: BytesIO(data), at)


def reply(known: Facts, open: Callable[[], BinaryIO], at: Request) -> Reply:
    """Return a file, or the part of it that is asked for; HEAD tells what it is."""
    if at.method == "HEAD":
        return described(known)
    content = Stored(known, open).open(wanted(at.headers.get("range", "")), at.headers.get("if-range", ""))
    return content.as_reply(known)


def facts_of(one: ComputeJob, file: Mapping[str, Any], identity: bytes) -> Facts:
    """Return what is known of a file of a job; another *identity* is another file."""
    facts = Facts(
        length=file["size"],
        etag=f'"{hashlib.sha256(identity).hexdigest()[:32]}"',
        modified=format_datetime(one.job.finished, usegmt=True) if one.job.finished else "",
        content_type=file["type"],
        name=file["name"],
    )
    return facts.or_else()
