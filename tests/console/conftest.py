"""An application with a console, and a store behind it."""

import pytest

from handlers import observability, services
from handlers.app import create_app
from handlers.settings import Settings
from handlers.storage import migrate


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings with folders of their own and no Redis."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return Settings(home=tmp_path / "home")


@pytest.fixture
def client(settings, monkeypatch):
    """A client of an application that has its tables."""
    monkeypatch.setattr(services, "_services", None)
    here = services.start(settings)
    migrate.upgrade(here.database)
    observability.start_metrics(settings)
    yield create_app(settings).test_client()
    here.close()
