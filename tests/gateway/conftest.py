"""Applications whose handlers echo their arguments."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from handlers.gateway.server import Gateway
from tests.gateway.echo import echo_app


@pytest.fixture(scope="session")
def app() -> Gateway:
    """Return the application of the document `styles.yaml`."""
    return echo_app()


@pytest.fixture
def client(app: Gateway) -> Client:
    """Return a client of that application."""
    return app.test_client()
