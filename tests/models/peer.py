"""Another server on this machine: an app of ours, or one that answers as badly as a test wants."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from werkzeug.serving import WSGIRequestHandler, make_server

COLUMN = {"name": "a", "datatype": "INT64", "shape": [-1, 1]}
METADATA = {"name": "m", "inputs": [COLUMN], "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1]}]}
LINKS = [{"rel": "endpoint", "href": "/endpoints/old"}, {"rel": "endpoint", "href": "/endpoints/new"}]
SCHEMA = [{"name": "b", "order": 2, "type": "int"}, {"name": "a", "order": 1, "type": "float"}]


class Quiet(WSGIRequestHandler):
    """Keeps connections, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, *_):
        """Log nothing."""


class App:
    """Serves an app over HTTP."""

    def __init__(self, app):
        self.server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self.server.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """Answer nobody any more."""
        self.server.shutdown()
        self.server.server_close()


class Peer:
    """Answers each path with a status and bytes, or what JSON is made of; counts connections."""

    def __init__(self):
        self.paths, self.requests, self.headers, self.connections = {}, [], [], 0
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                peer.connections += 1
                super().setup()

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except ConnectionError:  # whoever asked has hung up
                    self.close_connection = True

            def do_GET(self):
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                peer.requests.append((self.command, self.path, sent and json.loads(sent)))
                peer.headers.append(dict(self.headers))
                status, body, *headers = peer.paths.get(self.path, (404, {"detail": "no such thing"}))
                body = body() if callable(body) else body
                if isinstance(body, float):
                    time.sleep(body)
                    body = b""
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers or [("Content-Length", len(data))]:
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                self.do_GET()

            def log_message(self, *_):
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """Answer nobody any more."""
        self.server.shutdown()
        self.server.server_close()


def ask_table(client, model, table, expect=200, **headers):
    """Return the answer to a whole table of CSV."""
    place = {"endpoint_id": client.endpoint_of(model)["id"]}
    more = {"data": table, "content_type": "text/csv", "headers": headers}
    return client.call("POST", "/predictions/batch", expect, query_string=place, **more)
