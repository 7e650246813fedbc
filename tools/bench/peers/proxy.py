"""nginx before an origin: what a program in C that hands on what it reads makes of the same two cores."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOUND: Final = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

CONFIGURATION: Final = """
worker_processes 2;
daemon off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {origin};
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""


@contextlib.contextmanager
def proxy(origin: str) -> Iterator[str]:
    """Run nginx before *origin*, and give its address once it takes connections."""
    assert FOUND is not None, "nginx is needed for this comparison"
    folder = Path(tempfile.mkdtemp(prefix="seamark-bench-nginx-"))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder, port=port, origin=origin))
    with subprocess.Popen([FOUND, "-c", str(folder / "conf")]) as process:
        while not listening(port):
            assert process.poll() is None, "nginx ended by itself"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
    shutil.rmtree(folder)


def listening(port: int) -> bool:
    """Tell whether somebody takes connections."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
