"""Every spec of ours is valid, clean and served."""

from __future__ import annotations

from pathlib import Path

import pytest
from openapi_spec_validator import validate

from handlers.spec.bundle import bundle
from handlers.spec.documents import read_generated
from handlers.spec.lint import lint
from tools.generate import SPECS
from tools.generate.apis import find_specs

FOUND = find_specs(SPECS)


@pytest.mark.parametrize("name", FOUND)
def test_it_is_openapi(name: str) -> None:
    """The bundled document passes openapi-spec-validator."""
    validate(bundle(FOUND[name]))


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.yaml")), ids=lambda path: path.name)
def test_it_is_clean(path: Path) -> None:
    """The lint finds nothing, so each example and each default is valid too."""
    assert [] == [str(finding) for finding in lint(path, SPECS)]


def test_each_is_served() -> None:
    """There is a document in generated/ for each spec, and no other."""
    assert list(FOUND) == [api.name for api in read_generated()]
