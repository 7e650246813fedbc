"""Strangers, where they may invoke, do not fill the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers import services
from handlers.app import create_app
from handlers.identities.limits import Limits
from tests.invoke.conftest import ELSEWHERE, LOCAL


@pytest.mark.parametrize("path", ["/invoke/hash/invokeasync", "/api/v1/invoke/async/hash"])
def test_so_many_jobs_a_minute_may_a_stranger_submit(here, settings, monkeypatch, path):
    """One more is a 429 that says when to go on; who is on this machine submits as before."""
    changed = settings.model_copy(update={"invoke_open": True, "calls_per_minute": 2})
    monkeypatch.setattr(services, "_services", replace(here, settings=changed, limits=Limits(changed)))
    client = create_app(changed).test_client()

    answers = [client.post(path, json={"to_hash": "a"}, environ_base=ELSEWHERE) for _ in range(3)]

    assert [201, 201, 429] == [answer.status_code for answer in answers]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert 201 == client.post(path, json={"to_hash": "a"}, environ_base=LOCAL).status_code
