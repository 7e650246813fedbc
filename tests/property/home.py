"""This machine, and nobody else."""

from __future__ import annotations

import ipaddress

from handlers.errors import Unavailable
from handlers.files.fetch import Fetcher, connect
from handlers.files.remote import Remote
from handlers.models.remote import Remotes


def only_home(host: str, port: int) -> list[str]:
    """Return the address of this machine under its own number, and no other's."""
    if host != "127.0.0.1":
        raise OSError("There is nobody else.")
    return [host]


def keep_at_home(here):
    """Let this machine alone be asked for files and models: whatever URL is made up, nobody else is called."""
    sources = here.shop._delivery._sources
    remote = Remote([ipaddress.ip_network("127.0.0.0/8")], resolve=only_home)
    sources._fetcher = Fetcher(remote, patience_s=2, connect=connect_home)
    sources._file_systems = no_object_store
    safe = here.models.proxies._remotes._safe
    remotes = Remotes(remote, safe, here.settings.predict_timeout_s, connect_home)
    here.models.proxies._remotes = here.models.predictor.remotes = remotes


def connect_home(where, wait_s):
    """Return a connection to this machine."""
    return connect(only_home_at(where), wait_s)


def only_home_at(where):
    """Refuse a connection to anybody else."""
    only_home(*where)
    return where


def no_object_store(ours, patience_s):
    """Have no object store."""
    raise Unavailable("There is no object store.")
