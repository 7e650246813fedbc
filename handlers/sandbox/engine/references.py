"""The names of images: which registry an image comes from, and whether it may.

Source:
    The grammar of `distribution/reference`: a first part with a dot or a colon, or `localhost`, is a registry; what has
    none is Docker Hub's, and there of `library` where it has no owner.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HUB: Final = "docker.io"
HUB_NAMES: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
LONGEST: Final = 255
HOST: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?", re.ASCII)
PART: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)


class ImageRefused(Exception):
    """An image cannot be had; the text says why, to whoever wants to run it."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Which image is meant, by its whole name."""

    registry: str
    path: str
    tag: str
    digest: str = ""  #: `sha256:` and 64 digits; goes before the tag

    @property
    def repository(self) -> str:
        """Registry and path."""
        return f"{self.registry}/{self.path}"

    @property
    def version(self) -> str:
        """What says which image of the repository it is."""
        return self.digest or self.tag

    def __str__(self) -> str:
        """Return the name by which an engine knows the image."""
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"


def reference(image: str, tag: str, checksum: str = "") -> Reference:
    """Return which image is meant.

    Raises:
        ImageRefused: The name is none, or the tag, or the checksum.
    """
    registry, path = split(image)
    parts = path.split("/")
    if len(image) > LONGEST or not HOST.fullmatch(registry) or not all(map(PART.fullmatch, parts)):
        raise ImageRefused(f"{image[:200]!r} is not the name of an image.")
    if not TAG.fullmatch(tag):
        raise ImageRefused(f"{tag[:200]!r} is not the tag of an image.")
    return Reference(registry=registry, path=path, tag=tag, digest=digest(checksum) if checksum else "")


def digest(checksum: str) -> str:
    """Return the checksum of an image as registries write it.

    Raises:
        ImageRefused: It is none.
    """
    digits = DIGEST.fullmatch(checksum)
    if digits is None:
        raise ImageRefused(f"The checksum {checksum[:200]!r} is not `sha256:` with 64 hexadecimal digits.")
    return f"sha256:{digits[1]}"


def split(image: str) -> tuple[str, str]:
    """Return registry and path of an image."""
    first, slash, rest = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = HUB, image
    registry = first.lower()
    if registry not in HUB_NAMES:
        return registry, rest
    return HUB, rest if "/" in rest else f"library/{rest}"


def check(wanted: Reference, allowed: Sequence[str]) -> None:
    """Refuse an image of a registry that is not *allowed*; an entry may name a part of one, such as `ghcr.io/ocean`.

    Raises:
        ImageRefused: It is refused.
    """
    if not any(f"{wanted.repository}/".startswith(f"{entry}/") for entry in allowed):
        known = ", ".join(allowed) or "none"
        raise ImageRefused(f"This server takes no images of {wanted.repository!r}; it takes those of: {known}.")


def allowed_in(text: str) -> tuple[str, ...]:
    """Return the registries that a setting lists, with commas.

    Raises:
        ValueError: One is none.
    """
    entries = tuple(entry.strip().strip("/") for entry in text.split(",") if entry.strip())
    for entry in entries:
        host, _, path = entry.partition("/")
        named = "." in host or ":" in host or host == "localhost"
        if not (named and HOST.fullmatch(host)) or not all(map(PART.fullmatch, path.split("/") if path else ())):
            raise ValueError(f"{entry!r} is not a registry, such as docker.io or ghcr.io/ocean")
    return entries
