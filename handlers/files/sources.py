"""Where the files of assets may lie: on web servers, in IPFS, in object stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from handlers.errors import AddressRefused, BadGateway, NotFound, Unavailable
from handlers.files.content import Facts, Source, Stored
from handlers.files.fetch import Fetcher
from handlers.files.names import of_url
from handlers.files.remote import Remote
from handlers.files.web import Web

if TYPE_CHECKING:
    from handlers.settings import Settings

OBJECT_BLOCK_BYTES: Final = 8 << 20  # what is read of an object at a time

#: Returns an fsspec file system, for a bucket of ours or, anonymously, for another.
FileSystems = Callable[[str, bool], Any]


def s3(bucket: str, ours: bool) -> Any:  # noqa: ARG001 - the bucket is for other stores
    """Return the file system of S3; the server's own credentials are used for its own buckets only."""
    import fsspec

    try:
        return fsspec.filesystem("s3", anon=not ours)
    except ImportError as error:
        raise Unavailable("Files in S3 need the extra `s3` on this server.") from error


class Sources:
    """Finds files by their addresses."""

    def __init__(self, settings: Settings, *, fetcher: Fetcher | None = None, file_systems: FileSystems = s3) -> None:
        """Fetch as *settings* allow."""
        patience_s = settings.fetch_timeout_s
        self._fetcher = fetcher or Fetcher(Remote(settings.networks), patience_s=patience_s)
        self._file_systems = file_systems
        self._gateway = settings.ipfs_gateway.rstrip("/")
        self._buckets = {name.strip() for name in settings.s3_buckets.split(",")} - {""}
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
                return self._web(with_query(url, userdata or {}))
            case "ipfs":
                return self._web(with_query(self._of_ipfs(rest), userdata or {}))
            case "s3":
                return self._object(rest)
        raise AddressRefused("A file has to be at an address with http, https, ipfs or s3.")

    def _web(self, url: str) -> Web:
        return Web(url, self._fetcher, spool_bytes=self._spool_bytes)

    def _of_ipfs(self, path: str) -> str:
        """Return where the gateway has a file of IPFS."""
        if not self._gateway:
            raise Unavailable("This server has no IPFS gateway.")
        path = path.removeprefix("ipfs/")
        if not path or ".." in path.split("/"):
            raise AddressRefused("It is not an address of IPFS.")
        return f"{self._gateway}/ipfs/{quote(path, safe='/?=&%')}"

    def _object(self, path: str) -> Stored:
        """Return an object of a store."""
        bucket = path.partition("/")[0]
        files = self._file_systems(bucket, bucket in self._buckets)
        try:
            info = files.info(path)
        except FileNotFoundError as error:
            raise NotFound("The file is not where the asset says.") from error
        except OSError as error:
            raise BadGateway(f"The object store did not answer: {type(error).__name__}.") from error
        return Stored(facts_of_object(info, path), lambda: open_object(files, path))


def open_object(files: Any, path: str) -> BinaryIO:
    """Open an object for reading, a block at a time."""
    return cast("BinaryIO", files.open(path, "rb", block_size=OBJECT_BLOCK_BYTES, cache_type="readahead"))


def facts_of_object(info: Mapping[str, Any], path: str) -> Facts:
    """Return what a store says of an object."""
    modified = info.get("LastModified")
    return Facts(
        length=int(info["size"]),
        content_type=str(info.get("ContentType") or ""),
        etag=str(info.get("ETag") or ""),
        modified=format_datetime(modified, usegmt=True) if modified is not None else "",
        name=of_url(f"s3://{path}"),
    )


def with_query(url: str, members: Mapping[str, Any]) -> str:
    """Return *url* with further members in its query."""
    if not members:
        return url
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode({name: str(value) for name, value in members.items()})]))
    return urlunsplit(parts._replace(query=query))
