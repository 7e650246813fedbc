"""Clients are made as the README shows."""

from __future__ import annotations

import os
from pathlib import Path

import numpy
import pytest

from tests.e2e.conftest import running
from tests.e2e.test_readme import printed, transcripts

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


def test_the_readmes_clients_are_made_and_called(arrays, tmp_path, monkeypatch):
    """The command prints the folders that are shown; the file for arrays gets the speeds of the README's pipeline."""
    written, _ = transcripts("pipelines")
    [shown] = transcripts("clients")
    for name in ("tools", "generated"):
        (tmp_path / name).symlink_to(ROOT / name)
    printed(written, tmp_path, dict(os.environ), 0)
    monkeypatch.setenv("SEAMARK_KONDUIT", str(tmp_path / "pipeline.yaml"))

    with running(tmp_path / "home") as server:
        texts = printed(shown, tmp_path, server.environment, server.port)
        client = arrays.Client(f"{server.url}/konduit")
        metres, seconds = numpy.array([100.0, 60.0]), numpy.array([8.0, 5.0])
        rows = client.predict({"metres": metres, "seconds": seconds}, "json")

    assert [text for _, text in shown] == texts
    assert [{"speed": 12.5}, {"speed": 12.0}] == rows
