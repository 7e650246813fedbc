"""A stand-in for Redis, where a machine has none: `python -m handlers.cli.fake_redis SOCKET`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from fakeredis import TcpFakeServer


class FakeRedis(TcpFakeServer):
    """fakeredis' server on a unix socket."""

    address_family = socket.AF_UNIX

    def get_request(self) -> tuple[socket.socket, Any]:
        """Return a new connection with an address of its own: the server tells its clients apart by that."""
        connection, _ = super().get_request()
        return connection, ("unix", next(self.client_ids))


def main(path: Path) -> None:
    """Serve until killed."""
    path.unlink(missing_ok=True)
    with FakeRedis(str(path)) as server:  # type: ignore[arg-type]  # it is annotated for TCP alone
        path.chmod(0o700)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
