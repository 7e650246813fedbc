"""What the tests of pipelines share."""

from __future__ import annotations

import sys

import pytest

from tests.pipelines.serving import started


@pytest.fixture(autouse=True)
def own_imports(monkeypatch, tmp_path):
    """Forget after each test what code of its folder has been imported from."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The services of this process, over a real Redis server; hosts may take little memory."""
    with started(tmp_path_factory.mktemp("home"), predict_timeout_s=20) as services:
        yield services
