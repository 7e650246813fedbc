"""Machines that are network namespaces of this one, on a bridge of their own, whose cables can be pulled."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from tests.parts import missing

PREFIX: Final = "198.18"  # for benchmarks of networks (RFC 2544), so that no route of this machine leads there
BRIDGE: Final = "br0"
HUB: Final = "hub"  #: the machine that has the bridge
HERE: Final = "here"  #: this machine, as the others see it


class Network:
    """A hub with a bridge, this machine, and as many others as are added; `close` leaves nothing of it."""

    def __init__(self) -> None:
        """Make the hub and plug in this machine, so that the test can talk to the others."""
        self.tag = f"sm{os.getpid():x}"
        self.subnet = f"{PREFIX}.{os.getpid() % 256}"
        self.names: list[str] = []
        demand_rights(f"{self.tag}-try")
        remove_leftovers()
        try:
            self._make(HUB)
            self._ip(HUB, "link", "add", BRIDGE, "type", "bridge")
            self._ip(HUB, "address", "add", f"{self.address(HUB)}/24", "dev", BRIDGE)
            self._ip(HUB, "link", "set", BRIDGE, "up")
            self._plug_in_here()
        except BaseException:
            self.close()
            raise

    def add(self, name: str) -> None:
        """Make a machine and plug it in."""
        self._make(name)
        ip("link", "add", name, "netns", self._full(HUB), "type", "veth", "peer", "eth0", "netns", self._full(name))
        self._ip(name, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
        self._ip(name, "link", "set", "eth0", "up")
        self._ip(HUB, "link", "set", name, "master", BRIDGE, "up")

    def address(self, name: str) -> str:
        """Return the address of a machine: that of the hub ends in 1, that of this machine in 250."""
        return f"{self.subnet}.{250 if name == HERE else self.names.index(name) + 1}"

    def inside(self, name: str) -> list[str]:
        """Return what goes before a command that is to run on a machine.

        `ip netns exec` would hide the control groups, which the sandbox looks for.
        """
        return ["nsenter", f"--net=/run/netns/{self._full(name)}"]

    def cut(self, name: str) -> None:
        """Pull a machine's cable: no packet gets through, and nobody is told."""
        self._ip(HUB, "link", "set", name, "down")

    def mend(self, name: str) -> None:
        """Plug it in again."""
        self._ip(HUB, "link", "set", name, "up")

    def close(self) -> None:
        """Kill what still runs on the machines, and remove them; the cables go with them."""
        while self.names:
            remove(self._full(self.names.pop()))
        # A namespace goes only when the last of its processes is gone, and this cable must not stay until then.
        subprocess.run(["ip", "link", "delete", self.tag], capture_output=True, check=False)

    def _full(self, name: str) -> str:
        """Return the name of a machine's namespace, which two runs of the tests do not share."""
        return f"{self.tag}-{name}"

    def _make(self, name: str) -> None:
        """Make a namespace with a loopback."""
        ip("netns", "add", self._full(name))
        self.names.append(name)
        self._ip(name, "link", "set", "lo", "up")

    def _plug_in_here(self) -> None:
        """Give this machine a cable to the bridge."""
        ip("link", "add", self.tag, "type", "veth", "peer", HERE, "netns", self._full(HUB))
        ip("address", "add", f"{self.address(HERE)}/24", "dev", self.tag)
        ip("link", "set", self.tag, "up")
        self._ip(HUB, "link", "set", HERE, "master", BRIDGE, "up")

    def _ip(self, name: str, *arguments: str) -> None:
        """Run `ip` on a machine."""
        ip("-n", self._full(name), *arguments)


def ip(*arguments: str) -> str:
    """Run `ip` and return what it prints; fail with what it says."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def remove(namespace: str) -> None:
    """Remove a namespace with all that runs in it."""
    for pid in ip("netns", "pids", namespace).split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", namespace)


def remove_leftovers() -> None:
    """Remove what tests have left that were killed, and could not."""
    for pid, name in re.findall(r"^sm([0-9a-f]+)-(\w+)", ip("netns", "list"), re.MULTILINE):
        if not psutil.pid_exists(int(pid, 16)):
            remove(f"sm{pid}-{name}")


def demand_rights(name: str) -> None:
    """Skip the test where namespaces cannot be made: that takes iproute2 and the rights of root."""
    if not (shutil.which("ip") and shutil.which("nsenter")):
        missing("There is no iproute2, or no nsenter.")
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        missing(f"Network namespaces cannot be made here: {made.stderr.strip()}")
    ip("netns", "delete", name)
    assert not Path("/run/netns", name).exists()
