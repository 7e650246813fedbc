"""A real nginx on loopback, with the configuration that the README shows."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from handlers.errors import Problem
from tests.e2e.conftest import free_port, wait_for
from tests.parts import missing

README: Final = Path(__file__).parents[2] / "README.md"
PUBLIC: Final = "https://sea.example"
HERE: Final = "127.0.0.1"
AROUND: Final = """\
daemon off;
user {user};
pid {folder}/pid;
error_log {folder}/warnings warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""


def shown() -> tuple[str, str]:
    """Return the configuration of the README, and the location that stands in it for a prefix."""
    section = README.read_text().partition("<!-- proxy:")[2].partition("\n## ")[0]
    site, prefix = (block.partition("```")[0] for block in section.split("```nginx\n")[1:])
    return site, prefix


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return a text with changes, each of which has to be one."""
    for old, new in changes.items():
        assert old in text, f"The README's configuration has no {old!r}."
        text = text.replace(old, new)
    return text


class Proxy:
    """An nginx in front of the server at a port; `close` stops it."""

    def __init__(self, folder: Path, upstream: int, changes: Mapping[str, str] | None = None) -> None:
        """Start it and wait until it listens; *changes* are made to the README's configuration."""
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            missing("nginx is not installed.")
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.certificate = certify(folder)
        here = {
            "listen 443 ssl;": f"listen {HERE}:{self.port} ssl;",
            "127.0.0.1:8030": f"{HERE}:{upstream}",
            "/etc/ssl/sea.example.pem": str(self.certificate),
            "/etc/ssl/sea.example.key": str(folder / "key"),
        }
        site = replaced(shown()[0], here | dict(changes or {}))
        file = folder / "nginx.conf"
        file.write_text(AROUND.format(folder=folder, site=site, user=folder.owner()))
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen([program, "-p", str(folder), "-c", str(file)], stdout=self.log, stderr=self.log)
        self.trust = ssl.create_default_context(cafile=str(self.certificate))
        try:
            wait_for(self.listens)
        except BaseException:
            self.close()
            raise

    def listens(self) -> bool:
        """Tell whether it does."""
        assert self.process.poll() is None, Path(self.log.name).read_text()
        with socket.socket() as probe:
            return probe.connect_ex((HERE, self.port)) == 0

    def close(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def warnings(self) -> str:
        """Return what it has complained of so far."""
        return (self.folder / "warnings").read_text()

    def client(self, address: str = HERE) -> httpx.Client:
        """Return a client that calls from an address of this machine."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=address)
        return httpx.Client(base_url=f"https://{HERE}:{self.port}", transport=transport, timeout=30)

    def dial(self, address: str = HERE, receive_bytes: int | None = None) -> ssl.SSLSocket:
        """Return a connection from an address, with a small buffer for what is not read where that is wanted."""
        plain = socket.socket()
        if receive_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.settimeout(30)
        plain.bind((address, 0))
        plain.connect((HERE, self.port))
        return self.trust.wrap_socket(plain, server_hostname=HERE)

    def told(self, request: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the answer to the bytes of a request."""
        with self.dial() as connection:
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer, answer.read()


def certify(folder: Path) -> Path:
    """Write a certificate for the README's name and for loopback, and its key; return the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sea.example")])
    names: list[Any] = [x509.DNSName("sea.example"), x509.IPAddress(ipaddress.ip_address(HERE))]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    (folder / "certificate").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "certificate"


@contextmanager
def fronted(folder: Path, port: int, changes: Mapping[str, str] | None = None) -> Iterator[httpx.Client]:
    """Give a client of a proxy of the test's own, in front of what listens at a port."""
    with closing(Proxy(folder / "nginx", port, changes)) as proxy, proxy.client() as client:
        yield client


def is_problem(answer: httpx.Response, problem: type[Problem]) -> bool:
    """Tell whether nginx answered exactly as Seamark would have."""
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert problem().as_document() == answer.json()
    return problem.status == answer.status_code
