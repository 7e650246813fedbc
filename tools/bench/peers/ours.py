"""Our gateway."""

from __future__ import annotations

from handlers.app import create_app
from handlers.settings import Settings
from handlers.spec.documents import Api
from tools.bench.peers.thing import DOCUMENT

app = create_app(Settings(), apis=[Api("things", DOCUMENT, "")])
