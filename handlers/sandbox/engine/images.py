"""Images: looked for where the engine is, pulled where they are not there, and seen to be what was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Self

import structlog

from handlers.errors import InsufficientStorage, SandboxUnavailable
from handlers.sandbox.engine.client import Engine, EngineError, Exchange, lines
from handlers.sandbox.engine.references import ImageRefused, Reference
from handlers.storage import room
from handlers.storage.room import in_words

MOST_VOLUMES: Final = 16
LOOK_S: Final = 1.0  # between two looks at how much room there is while an image is pulled
NOT_REACHED: Final = "the registry could not be reached, or gave no answer that is understood"
#: What engines and registries say, and what that means to whoever wants the image.
MEANINGS: Final[Mapping[str, str]] = {
    "no such host": NOT_REACHED,
    "unauthorized": "the registry does not give it to this server",
    "denied": "the registry does not give it to this server",
    "authentication required": "the registry does not give it to this server",
    "manifest unknown": "the registry has no such image",
    "name unknown": "the registry has no such image",
    "not found": "the registry has no such image",
    "no such image": "the registry has no such image",
    "toomanyrequests": "the registry has given out too many of late",
    "does not match": "what the registry gives out has another checksum",
    "mismatch": "what the registry gives out has another checksum",
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image that the engine has."""

    id: str
    volumes: tuple[str, ...] = ()  #: folders that it wants to be writable


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What getting an image may take."""

    bytes: int
    pull_s: float
    reserve_bytes: int


class Images:
    """The images of one engine."""

    def __init__(self, engine: Engine, bounds: Bounds) -> None:
        """Look for nothing yet."""
        self._engine = engine
        self._bounds = bounds

    def have(self, wanted: Reference) -> Image:
        """Return an image, pulled if need be.

        Raises:
            ImageRefused: It cannot be had.
            InsufficientStorage: There is no room for it.
            SandboxUnavailable: The engine does not answer.
        """
        found = self._find(wanted)
        if found is None:
            self._pull(wanted)
            found = self._find(wanted)
        if found is None:
            raise ImageRefused(f"The image {wanted} is not there after it was pulled.")
        size = int(found.get("Size") or 0)
        if size > self._bounds.bytes:
            most = in_words(self._bounds.bytes)
            raise ImageRefused(f"The image {wanted} has {in_words(size)}; the most is {most}.")
        return Image(id=found["Id"], volumes=volumes_of(found))

    def _find(self, wanted: Reference) -> Mapping[str, Any] | None:
        """Return what the engine knows of an image; None: it does not have it."""
        try:
            found: dict[str, Any] = self._engine.ask("GET", f"/images/{wanted}/json")
        except EngineError as error:
            if error.status != 404:
                raise SandboxUnavailable(f"The container engine cannot look for an image: {error}") from error
            return None
        digests = [str(name).rpartition("@")[2] for name in found.get("RepoDigests") or ()]
        return found if not wanted.digest or wanted.digest in digests else None

    def _pull(self, wanted: Reference) -> None:
        """Have the engine fetch an image.

        Raises:
            ImageRefused: It cannot be had.
            InsufficientStorage: There is no room for it.
        """
        query = {"fromImage": wanted.repository, "tag": wanted.version}
        try:
            root = self._root()
            with self._engine.stream("POST", "/images/create", query, timeout_s=self._bounds.pull_s) as exchange:
                self._follow(wanted, exchange, root)
        except TimeoutError as error:
            raise self._too_slow(wanted) from error
        except EngineError as error:
            raise refusal(wanted, str(error)) from error

    def _follow(self, wanted: Reference, exchange: Exchange, root: Path | None) -> None:
        """Follow a pull to its end, while it keeps its bounds."""
        with Guard(exchange, self._bounds, root, self._too_slow(wanted)) as guard:
            try:
                self._read(wanted, exchange)
            except (OSError, HTTPException, SandboxUnavailable):
                if guard.error is None:
                    raise
        if guard.error is not None:
            raise guard.error

    def _read(self, wanted: Reference, exchange: Exchange) -> None:
        """Read what the engine says while it pulls."""
        sizes: dict[str, int] = {}
        for line in lines(exchange.answer):
            if error := line.get("error"):
                raise refusal(wanted, str(error))
            total = (line.get("progressDetail") or {}).get("total")
            if isinstance(total, int):
                sizes[str(line.get("id"))] = total
            if sum(sizes.values()) > self._bounds.bytes:
                raise ImageRefused(f"The image {wanted} has more than {in_words(self._bounds.bytes)}.")

    def _too_slow(self, wanted: Reference) -> ImageRefused:
        """Return why an image was not waited for any longer."""
        return ImageRefused(f"The image {wanted} could not be pulled within {self._bounds.pull_s:g} s.")

    def _root(self) -> Path | None:
        """Return where the engine keeps its images, where that can be seen from here."""
        root = Path(str((self._engine.ask("GET", "/info") or {}).get("DockerRootDir") or "/nowhere"))
        return root if root.is_dir() else None


class Guard(threading.Thread):
    """Cuts a pull off that takes too long, or all the room."""

    def __init__(self, exchange: Exchange, bounds: Bounds, root: Path | None, too_slow: Exception) -> None:
        """Begin to look; *root* is where the image will lie."""
        super().__init__(name="pull-guard", daemon=True)
        self.error: Exception | None = None  #: why it was cut off
        self._exchange = exchange
        self._bounds = bounds
        self._root = root
        self._too_slow = too_slow
        self._done = threading.Event()

    def __enter__(self) -> Self:
        """Look."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no longer."""
        self._done.set()
        self.join()

    def run(self) -> None:
        """Look until it is done, or has to be."""
        end = time.monotonic() + self._bounds.pull_s
        try:
            while not self._done.wait(max(0.0, min(LOOK_S, end - time.monotonic()))):
                if self._root is not None:
                    room.demand(self._root, 0, self._bounds.reserve_bytes)
                if time.monotonic() >= end:
                    raise self._too_slow
        except Exception as error:  # noqa: BLE001 - whoever waits for the image is told
            self.error = error
            self._exchange.cut()


def refusal(wanted: Reference, said: str) -> Exception:
    """Return why an image was not pulled, from what the engine says; its own words may tell of this server."""
    log.warning("an image could not be pulled", image=str(wanted), said=said)
    lower = said.lower()
    if "no space left" in lower:
        return InsufficientStorage("The disk of this server has no room for the image.")
    meaning = next((words for sign, words in MEANINGS.items() if sign in lower), NOT_REACHED)
    return ImageRefused(f"The image {wanted} could not be pulled: {meaning}.")


def volumes_of(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the folders that an image wants to be writable.

    Raises:
        ImageRefused: There are too many, or one is no folder of its own.
    """
    volumes = tuple((found.get("Config") or {}).get("Volumes") or ())
    if len(volumes) > MOST_VOLUMES or not all(map(is_folder, volumes)):
        raise ImageRefused(f"The image has volumes that are no folders, or more than {MOST_VOLUMES} of them.")
    return volumes


def is_folder(path: str) -> bool:
    """Tell whether *path* names a folder below the root, in the shortest way."""
    parts = path.split("/")[1:]
    return path.startswith("/") and len(path) < 256 and not any(part in ("", ".", "..") for part in parts)
