"""What is told to the generator for each language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language that clients are written in."""

    generator: str
    """Its name in OpenAPI Generator."""
    options: Callable[[str], Mapping[str, str]]
    """Settings of the generator for a client of this name, such as `konduit` or `invoke_hash`."""
    wrapper: Path | None = None
    """File that is laid beside a client of Konduit and takes arrays."""


def python(name: str) -> Mapping[str, str]:
    """Return the settings for Python: pydantic and urllib3."""
    return {"packageName": f"seamark_{name}", "projectName": f"seamark-{name.replace('_', '-')}"}


def typescript(_: str) -> Mapping[str, str]:
    """Return the settings for TypeScript: fetch, nothing to install."""
    return {"importFileExtension": ".js"}


def java(name: str) -> Mapping[str, str]:
    """Return the settings for Java: its own HTTP client, and Jackson."""
    package = f"seamark.{name}"
    return {
        "library": "native",
        "openApiNullable": "false",
        "groupId": "seamark",
        "artifactId": f"seamark-{name.replace('_', '-')}",
        "invokerPackage": package,
        "apiPackage": f"{package}.api",
        "modelPackage": f"{package}.model",
    }


def csharp(name: str) -> Mapping[str, str]:
    """Return the settings for C#. Its projects have an id, which would be a new one at each run."""
    package = "Seamark." + "".join(word.capitalize() for word in name.split("_"))
    return {"packageName": package, "packageGuid": f"{{{uuid5(NAMESPACE_URL, package)}}}".upper()}


def go(name: str) -> Mapping[str, str]:
    """Return the settings for Go."""
    return {"packageName": name.replace("_", "")}


LANGUAGES: Final = {
    "python": Language(generator="python", options=python, wrapper=HERE / "python" / "konduit_arrays.py"),
    "typescript": Language(
        generator="typescript-fetch", options=typescript, wrapper=HERE / "typescript" / "konduitArrays.ts"
    ),
    "java": Language(generator="java", options=java),
    "csharp": Language(generator="csharp", options=csharp),
    "go": Language(generator="go", options=go),
}
