"""`handlers.wsgi:app`, for any WSGI server."""

from __future__ import annotations

from handlers import observability
from handlers.app import create_app
from handlers.settings import Settings

settings = Settings()
observability.start(settings, "web")
app = create_app(settings)
