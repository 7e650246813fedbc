"""A web server on this machine that answers as badly as a test wants."""

from __future__ import annotations

import socket
import threading
import time


class Upstream:
    """Answers each request with the bytes, or what the function, of its path."""

    def __init__(self):
        self.requests = []
        self.paths = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        """Answer nobody any more."""
        self._listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(65536)
                if not received:
                    return
                head += received
            lines = head.decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            self.requests.append((method, target, headers))
            answer = self.paths.get(target.partition("?")[0], lambda *_: whole(b"", status="404 Not Found"))
            for piece in answer(method, headers):
                if isinstance(piece, float):
                    time.sleep(piece)
                    continue
                try:
                    connection.sendall(piece)
                except OSError:
                    return


def whole(body, *, status="200 OK", length=None, **headers):
    """Return an answer with a length, that of *body* by default."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Content-Length": str(len(body) if length is None else length)} | named
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value is not None)
    return [f"HTTP/1.1 {status}\r\n{lines}\r\n".encode(), body]


def ranging(body, **more):
    """Return what serves *body* as servers do that know ranges."""

    def answer(method, headers):
        first, _, last = headers.get("range", "").removeprefix("bytes=").partition("-")
        if "range" not in headers or headers.get("if-range", more.get("ETag")) != more.get("ETag"):
            return whole(b"" if method == "HEAD" else body, length=len(body), Accept_Ranges="bytes", **more)
        start, stop = (
            (int(first), int(last) + 1 if last else len(body)) if first else (len(body) - int(last), len(body))
        )
        if start >= len(body):
            return whole(b"", status="416 Range Not Satisfiable", Content_Range=f"bytes */{len(body)}")
        part = body[start:stop]
        span = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        return whole(part, status="206 Partial Content", Content_Range=span, **more)

    return answer


def always(*pieces):
    """Return what always sends these pieces; a float is a wait in seconds."""
    return lambda method, headers: pieces
