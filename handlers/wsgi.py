"""`handlers.wsgi:app`, for any WSGI server."""

from __future__ import annotations

from handlers.app import create_app
from handlers.settings import Settings

app = create_app(Settings())
