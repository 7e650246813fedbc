"""Endpoints that do not do as they should."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's *answer* says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Count the question and answer it."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(request["method"])
        try:
            self.server.answer(self, request)
        except OSError:
            self.close_connection = True  # the other side has hung up, as it should

    def send(self, status, body):
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def endpoint(answer):
    """Serve *answer*; give the URL, with what looks like a key in it, and the list of what was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    server.answer, server.asked = answer, []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v3/secretapikey", server.asked
    finally:
        server.shutdown()
        server.server_close()


def result(value, chain=1337):
    """Answer every question with *value*, and that for the chain's id with *chain*."""

    def answer(handler, request):
        found = hex(chain) if request["method"] == "eth_chainId" else value
        handler.send(200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": found}).encode())

    return answer


def relayed(url, wait_s):
    """Answer every question as the node at *url* does, some seconds later."""

    def answer(handler, request):
        time.sleep(wait_s)
        handler.send(200, httpx.post(url, json=request, timeout=30).content)

    return answer


def refusal(code, message):
    """Answer every question with an error."""

    def answer(handler, request):
        error = {"code": code, "message": message}
        handler.send(200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode())

    return answer


def raw(status, body):
    """Answer every question with these bytes."""
    return lambda handler, request: handler.send(status, body)


def silent(handler, request):
    """Say nothing for a long time."""
    time.sleep(30)


def trickle(handler, request):
    """Send a byte now and then, so that no timeout between two of them ends it."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(300):
        handler.wfile.write(b"X")
        handler.wfile.flush()
        time.sleep(0.1)


def flood(handler, request):
    """Send without end."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * (1 << 20))


def hang_up(handler, request):
    """Break the connection."""
    handler.connection.shutdown(socket.SHUT_RDWR)


FAULTS = {
    "silent": silent,
    "trickle": trickle,
    "flood": flood,
    "hang_up": hang_up,
    "error page": raw(502, b"<html>bad gateway</html>"),
    "not found": raw(404, b'{"message": "no project secretapikey"}'),
    "no JSON": raw(200, b"{"),
    "deep JSON": raw(200, b"[" * 1_000_000),
    "no JSON-RPC": raw(200, b'{"jsonrpc": "2.0", "id": 1}'),
    "over its limit": refusal(-32005, "project secretapikey has exceeded its rate limit"),
    "internal error": refusal(-32603, "secretapikey"),
}
