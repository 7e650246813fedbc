"""Where the files of assets may lie: on web servers, in IPFS, in object stores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from handlers.errors import AddressRefused, BadGateway, NotFound, Unavailable
from handlers.files.content import Facts, Source, Stored
from handlers.files.fetch import Fetcher
from handlers.files.names import of_url
from handlers.files.remote import Remote
from handlers.files.web import Web

if TYPE_CHECKING:
    from handlers.settings import Settings

OBJECT_BLOCK_BYTES: Final = 8 << 20  # what is read of an object at a time

#: What a bucket of S3 may be called; no other text becomes a part of the address that is asked.
BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

#: Returns an fsspec file system with the server's own credentials or, anonymously, with none; bounds in seconds.
FileSystems = Callable[[bool, float], Any]


def s3(ours: bool, patience_s: float) -> Any:
    """Return the file system of S3, or of the store like it that AWS_ENDPOINT_URL names."""
    import fsspec

    bounds = {"connect_timeout": patience_s, "read_timeout": patience_s, "retries": {"total_max_attempts": 1}}
    try:
        files = fsspec.filesystem("s3", anon=not ours, config_kwargs=bounds)
    except ImportError as error:
        raise Unavailable("Files in S3 need the extra `s3` on this server.") from error
    files.retries = 1
    return files


def endpoint_of(files: Any) -> str:
    """Return the URL of the store that a file system asks.

    Raises:
        BadGateway: It cannot be told.
    """
    with answering():
        files.connect()
        return str(files.s3.meta.endpoint_url)


class Sources:
    """Finds files by their addresses."""

    def __init__(self, settings: Settings, *, fetcher: Fetcher | None = None, file_systems: FileSystems = s3) -> None:
        """Fetch as *settings* allow."""
        self._patience_s = settings.fetch_timeout_s
        self._remote = Remote(settings.networks)
        self._fetcher = fetcher or Fetcher(self._remote, patience_s=self._patience_s)
        self._file_systems = file_systems
        self._gateway = settings.ipfs_gateway.rstrip("/")
        # Only what is asked for as a file of IPFS may reach the gateway wherever it is, and not any address on it.
        gateway = Remote(settings.networks, trusted=self._gateway)
        self._gateway_fetcher = fetcher or Fetcher(gateway, patience_s=self._patience_s)
        self._buckets = {name.strip() for name in settings.s3_buckets.split(",")} - {""}
        self._blobs_url = settings.store_url.rstrip("/") + "/"
        self._spool_bytes = settings.spool_limit_bytes

    def find(self, url: str, userdata: Mapping[str, Any] | None = None) -> Source:
        """Return where a file is had from.

        Args:
            url: http, https, ipfs or s3.
            userdata: Members that are added to the query of its address.

        Raises:
            AddressRefused: No file may be had from there.
        """
        scheme, _, rest = url.partition("://")
        match scheme.lower():
            case "http" | "https":
                return self._web(self._fetcher, with_query(url, userdata or {}))
            case "ipfs":
                return self._web(self._gateway_fetcher, with_query(self._of_ipfs(rest), userdata or {}))
            case "s3":
                return self._object(rest)
        raise AddressRefused("A file has to be at an address with http, https, ipfs or s3.")

    def _web(self, fetcher: Fetcher, url: str) -> Web:
        return Web(url, fetcher, spool_bytes=self._spool_bytes)

    def _of_ipfs(self, path: str) -> str:
        """Return where the gateway has a file of IPFS."""
        if not self._gateway:
            raise Unavailable("This server has no IPFS gateway.")
        path = path.removeprefix("ipfs/")
        if not path.strip("/") or ".." in unquote(path).split("/"):
            raise AddressRefused("It is not an address of IPFS.")
        return f"{self._gateway}/ipfs/{quote(path, safe='/?=&%')}"

    def _object(self, path: str) -> Stored:
        """Return an object of a store; the server's own credentials are used for the buckets that it names as its own.

        Raises:
            AddressRefused: It is no bucket, or is what this server keeps, or in a store that strangers may not call.
            NotFound: There is no such object, or it is not for us.
            BadGateway: The store does not answer.
        """
        bucket, _, key = path.partition("/")
        if not BUCKET.fullmatch(bucket) or not key:
            raise AddressRefused("It is not an address of S3: s3://BUCKET/KEY.")
        if f"s3://{path}".startswith(self._blobs_url):
            raise AddressRefused("What this server keeps is had as an asset, by those who may have it.")
        ours = bucket in self._buckets
        files = self._file_systems(ours, self._patience_s)
        if not ours:
            # The store of an operator may be inside, and show to all who are inside what strangers must not see.
            self._remote.pinned(self._remote.check(endpoint_of(files)))
        with answering():
            info = files.info(path)
        if info.get("type") != "file":
            raise missing()
        return Stored(facts_of_object(info, path), lambda: open_object(files, path))


@contextmanager
def answering() -> Iterator[None]:
    """Turn what an object store says, or does not say, into a problem.

    Raises:
        NotFound: There is no such object, or it is not for us.
        BadGateway: The store does not answer.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError) as error:
        raise missing() from error
    except Exception as error:  # botocore's errors have no base in common with those of the system
        raise BadGateway(f"The object store did not answer: {type(error).__name__}.") from error


def missing() -> NotFound:
    """Return the problem of a file that is not there."""
    return NotFound("The file is not where the asset says.")


def open_object(files: Any, path: str) -> BinaryIO:
    """Open an object for reading, a block at a time.

    Raises:
        BadGateway: The store does not answer any more.
    """
    with answering():
        return cast("BinaryIO", files.open(path, "rb", block_size=OBJECT_BLOCK_BYTES, cache_type="readahead"))


def facts_of_object(info: Mapping[str, Any], path: str) -> Facts:
    """Return what a store says of an object."""
    modified = info.get("LastModified")
    return Facts(
        length=int(info["size"]),
        content_type=str(info.get("ContentType") or ""),
        etag=str(info.get("ETag") or ""),
        modified=format_datetime(modified.astimezone(UTC), usegmt=True) if modified is not None else "",
        name=of_url(f"s3://{path}"),
    )


def with_query(url: str, members: Mapping[str, Any]) -> str:
    """Return *url* with further members in its query."""
    if not members:
        return url
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode({name: str(value) for name, value in members.items()})]))
    return urlunsplit(parts._replace(query=query))
