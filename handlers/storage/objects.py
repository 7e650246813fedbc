"""File systems of fsspec, each process with connections of its own, and none of them waited for without end."""

from __future__ import annotations

import os
from typing import Any, Final

# Together longer than `job_stale_s` is by default: a host that is cut off loses its job to another, and does not end it
# as failed because it cannot reach its files.
CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0  # longest silence; finishing a large upload takes S3 some seconds
TRIES: Final = 3  # of botocore, for a request that is not answered, or with "slow down"
ROUNDS: Final = 2  # of s3fs, which begins anew also where an answer breaks off


class FileSystem:
    """The file system that a URL names, in whichever process it is asked for."""

    def __init__(self, url: str) -> None:
        """Import what speaks to it, so that forks of this process need not, and connect to nothing yet.

        Raises:
            ImportError: What speaks to it is not installed.
        """
        import fsspec

        self.url = url
        fsspec.get_filesystem_class(fsspec.utils.get_protocol(url))
        self._known: tuple[int, Any, str] = (0, None, "")

    @property
    def files(self) -> Any:
        """The file system itself."""
        return self._connected()[1]

    @property
    def root(self) -> str:
        """What the URL names in it."""
        return self._connected()[2]

    def _connected(self) -> tuple[int, Any, str]:
        """Return process, file system and root.

        A fork must not use the file system of its parent: the thread that does the work is not there.
        """
        if self._known[0] != os.getpid():
            self._known = (os.getpid(), *connect(self.url))
        return self._known


def connect(url: str) -> tuple[Any, str]:
    """Return the file system that a URL names, and what it names in it."""
    from fsspec.core import url_to_fs

    if not url.startswith(("s3://", "s3a://")):
        files, root = url_to_fs(url)
    else:
        files, root = url_to_fs(url, **options_of_s3())
        files.retries = ROUNDS
        expect_nothing(files)
    return files, root


def expect_nothing(files: Any) -> None:
    """Have s3fs send what it stores at once.

    It would ask first whether it may (`Expect: 100-continue`), and the wait for that answer has no bound in aiohttp.
    """
    from botocore.handlers import add_expect_header

    files.connect()  # makes the client, which does not talk to anybody yet
    files.s3.meta.events.unregister("before-call.s3", add_expect_header)


def options_of_s3() -> dict[str, Any]:
    """Return what s3fs needs to be told.

    Together with botocore it would wait for minutes for a store that is cut off; and a list that it remembers lacks
    what other processes have stored since.
    """
    from fsspec.config import conf

    bounds = {"connect_timeout": CONNECT_S, "read_timeout": ANSWER_S, "retries": {"total_max_attempts": TRIES}}
    theirs = conf.get("s3", {}).get("config_kwargs", {})
    return {"config_kwargs": bounds | theirs, "use_listings_cache": False}
