"""What can go wrong, as RFC 9457 problem details.

    Problem (500)
    ├── BadRequest (400)
    │   ├── InputInvalid
    │   ├── BodyMalformed
    │   └── SealInvalid
    ├── Unauthorized (401)
    │   └── SignatureInvalid
    ├── Forbidden (403)
    │   ├── AddressRefused
    │   └── PaymentMissing
    ├── NotFound (404)
    │   ├── AssetNotFound
    │   ├── JobNotFound
    │   └── OperationNotFound
    ├── MethodNotAllowed (405)
    ├── Conflict (409)
    │   ├── NotFinished
    │   └── AlreadyFinished
    ├── Gone (410)
    │   └── JobExpired
    ├── LengthRequired (411)
    ├── TooLarge (413)
    ├── MediaTypeUnsupported (415)
    ├── RangeNotSatisfiable (416)
    ├── Unprocessable (422)
    │   ├── KeyReused
    │   └── OperationFailed
    ├── TooManyRequests (429)
    ├── InternalError (500)
    ├── NotBuilt (501)
    ├── BadGateway (502)
    ├── Unavailable (503)
    │   ├── ChainUnavailable
    │   ├── KeyUnavailable
    │   ├── MetadataUnavailable
    │   ├── QueueUnavailable
    │   ├── SandboxUnavailable
    │   └── StorageUnavailable
    ├── TimedOut (504)
    └── InsufficientStorage (507)

Raise the leaf. Only the gateway turns a problem into a response, and only a worker turns it into a job's reason for
failing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

TYPE_BASE = "https://seamark.example/problems/"


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input: the part of the request, the place in it, and what is wrong there."""

    part: str  #: path, query, header, cookie, body or form
    place: str  #: name of the parameter, or JSON Pointer (RFC 6901) into the body
    detail: str
    row: int | None = None  #: of several that were asked for together, from 0; it is told in the words

    def as_document(self) -> dict[str, str]:
        """Return the fault as a member of a problem's `errors`."""
        return {"in": self.part, "place": self.place, "detail": self.detail}

    def sentence(self) -> str:
        """Return the fault in one line."""
        return f"{self.part} {self.place}".rstrip() + f": {self.detail}"


class Problem(Exception):
    """Something went wrong."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """Say what went wrong.

        Args:
            detail: This occurrence, in a sentence; never a secret, never a URL with credentials.
            faults: Places of the input that are wrong.
            headers: Further headers of the answer, such as Retry-After.
            members: Further members of the document, such as the old keys of an API.
        """
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    @classmethod
    def title(cls) -> str:
        """Return the first line of the docstring: the same words at every occurrence."""
        return (cls.__doc__ or "").partition("\n")[0]

    def as_document(self) -> dict[str, Any]:
        """Return the members of an application/problem+json body, the old keys of the five APIs among them."""
        words = self.detail or next((fault.sentence() for fault in self.faults), "") or self.title()
        document: dict[str, Any] = {
            "type": TYPE_BASE + type(self).__name__,
            "title": self.title(),
            "status": self.status.value,
            "detail": words,
            "error": words,
            "message": words,
            "description": words,
        }
        if self.faults:
            document["errors"] = [fault.as_document() for fault in self.faults]
        return document | self.members


class BadRequest(Problem):
    """The request breaks the contract."""

    status = HTTPStatus.BAD_REQUEST


class InputInvalid(BadRequest):
    """The input breaks the contract."""


class BodyMalformed(BadRequest):
    """The body cannot be read."""


class SealInvalid(BadRequest):
    """The files are not sealed for this server."""


class Unauthorized(Problem):
    """A token or a valid signature is needed."""

    status = HTTPStatus.UNAUTHORIZED


class SignatureInvalid(Unauthorized):
    """The signature is not the address's, or its nonce is used up."""


class Forbidden(Problem):
    """The caller may not do this."""

    status = HTTPStatus.FORBIDDEN


class AddressRefused(Forbidden):
    """This server does not call that address."""


class PaymentMissing(Forbidden):
    """The asset has to be paid for first."""


class NotFound(Problem):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND


class AssetNotFound(NotFound):
    """There is no such asset."""


class JobNotFound(NotFound):
    """There is no such job."""


class OperationNotFound(NotFound):
    """There is no such operation."""


class MethodNotAllowed(Problem):
    """This address does not take this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Conflict(Problem):
    """The thing is in a state that does not allow this."""

    status = HTTPStatus.CONFLICT


class NotFinished(Conflict):
    """The job has not finished."""


class AlreadyFinished(Conflict):
    """The job has already finished."""


class Gone(Problem):
    """It was here, and its time is over."""

    status = HTTPStatus.GONE


class JobExpired(Gone):
    """The job was here, and its time is over."""


class LengthRequired(Problem):
    """The length of the body has to be announced."""

    status = HTTPStatus.LENGTH_REQUIRED


class TooLarge(Problem):
    """The request is larger than this server takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class MediaTypeUnsupported(Problem):
    """This address does not take this content type."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class RangeNotSatisfiable(Problem):
    """The file has no such part."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


class Unprocessable(Problem):
    """The input is well formed but cannot be worked with."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class KeyReused(Unprocessable):
    """The Idempotency-Key was used for another request."""


class OperationFailed(Unprocessable):
    """The operation could not do its work on this input."""


class TooManyRequests(Problem):
    """There are too many requests at the moment."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class InternalError(Problem):
    """Something went wrong on the server."""


class NotBuilt(Problem):
    """This operation is not built yet."""

    status = HTTPStatus.NOT_IMPLEMENTED


class BadGateway(Problem):
    """A service that this one depends on answered wrongly."""

    status = HTTPStatus.BAD_GATEWAY


class Unavailable(Problem):
    """The service cannot do this at the moment."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ChainUnavailable(Unavailable):
    """The chain cannot be asked."""


class KeyUnavailable(Unavailable):
    """The provider's key cannot be used."""


class MetadataUnavailable(Unavailable):
    """The metadata store cannot be asked."""


class QueueUnavailable(Unavailable):
    """The queue cannot be reached."""


class SandboxUnavailable(Unavailable):
    """Programs of others cannot be run apart on this machine."""


class StorageUnavailable(Unavailable):
    """The store cannot be reached."""


class TimedOut(Problem):
    """The work took longer than a request may wait."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class InsufficientStorage(Problem):
    """There is no room to store this."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
