"""Stock connexion: an ASGI application around Flask, and the same behind a2wsgi for WSGI servers."""

from __future__ import annotations

import connexion
from a2wsgi import ASGIMiddleware

from tools.bench.peers.thing import DOCUMENT

app = connexion.FlaskApp(__name__)
app.add_api(DOCUMENT)
wsgi = ASGIMiddleware(app)
