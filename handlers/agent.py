"""Handlers of specs/agent.yaml: what the clients of DEP 6 need around an invoke."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, BinaryIO, Final

from generated import agent as api
from handlers.assets import access
from handlers.assets.did import PREFIX
from handlers.assets.uploads import store_contents
from handlers.errors import BodyMalformed, Fault, TooLarge
from handlers.identities.accounts import Login
from handlers.identities.passwords import credentials
from handlers.services import services
from handlers.storage.blobs import CHUNK_BYTES
from handlers.wire import Reply, request

TEXT_BYTES: Final = 100_000  # most that a text of metadata may have


def read_ddo() -> dict[str, Any]:
    """Say who this server is, and where its services are."""
    return services().agent.ddo(request().base_url + request().mount)


def list_tokens() -> Reply:
    """Tell the tokens that a password has opened."""
    return secret(services().accounts.live(logged_in()))


def open_token(body: api.SignedChallenge | None = None) -> Reply:
    """Open a token, for a password or for a signature."""
    at = services().accounts
    if body is None:
        return secret(at.issue(logged_in()))
    return secret(at.issue(at.sign_in(body["address"], body["nonce"], body["signature"], request().base_url)))


def make_challenge(body: api.Address) -> Reply:
    """Give a text to sign."""
    made = services().accounts.challenge(body["address"], request().base_url)
    expires = made.expires.isoformat().replace("+00:00", "Z")
    return secret({"nonce": made.nonce, "text": made.text, "expires": expires}, HTTPStatus.CREATED)


def list_metadata() -> dict[str, Any]:
    """Return the metadata of operations and assets by their ids."""
    at = services()
    found = {each.id: dict(each.value) for each in at.metadata.list(request().caller)}
    return found | {each.id: dict(each.metadata) for each in at.operations.descriptions.by_name.values()}


def register_metadata(body: BinaryIO) -> str:
    """Store a text of metadata and return its id."""
    data = body.read(TEXT_BYTES + 1)
    if len(data) > TEXT_BYTES:
        raise TooLarge(f"Metadata may have up to {TEXT_BYTES} bytes.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BodyMalformed(faults=[Fault("body", "", "It is not UTF-8.")]) from None
    return services().metadata.register(text, request().caller.name).id


def read_metadata(metadata_id: str) -> Reply:
    """Return a text of metadata, byte for byte as it was registered."""
    at, plain = services(), bare(metadata_id)
    operation = at.operations.descriptions.by_id.get(plain)
    text = operation.text if operation else at.metadata.read(plain, request().caller).text
    return Reply(body=text.encode(), content_type="text/plain; charset=utf-8", headers={"ETag": f'"{plain}"'})


def upload_asset(asset_id: str, body: api.AssetFile) -> Reply:
    """Store the contents of an asset whose metadata are registered."""
    at = services()
    asset, new = store_contents(at.assets, at.metadata, bare(asset_id), body["file"].file, request().caller)
    document = {"did": at.agent.did_of(asset.did), "size": asset.size}
    return Reply(body=document, status=HTTPStatus.CREATED if new else HTTPStatus.OK)


def download_asset(asset_id: str) -> Reply:
    """Return the contents of an asset."""
    at = services()
    asset = at.assets.read(PREFIX + bare(asset_id))
    access.check(asset, request().caller)
    # Whatever it is, a browser is not to show it as a page of this server's.
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    chunks = Chunks(at.assets.open(asset))
    return Reply(body=chunks, content_type="application/octet-stream", length=asset.size, headers=headers)


class Chunks(Iterator[bytes]):
    """A file, piece by piece."""

    def __init__(self, file: BinaryIO) -> None:
        """Read *file*, and close it in the end."""
        self._file = file

    def __next__(self) -> bytes:
        """Return the next piece."""
        if not self._file.closed and (chunk := self._file.read(CHUNK_BYTES)):
            return chunk
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def logged_in() -> Login:
    """Return who the Authorization header says they are, if they are.

    Raises:
        Unauthorized: They are not.
    """
    here = request()
    name, password = credentials(here.headers.get("authorization", ""))
    return services().accounts.log_in(name, password, here.remote_address)


def secret(value: Any, status: int = HTTPStatus.OK) -> Reply:
    """Return an answer that nobody on the way may keep."""
    return Reply(body=value, status=status, headers={"Cache-Control": "no-store"})


def bare(word: str) -> str:
    """Return an id as it is kept: 64 digits in lower case."""
    return word.lower().removeprefix("0x")
