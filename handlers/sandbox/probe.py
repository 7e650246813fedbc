"""Whether programs can be run apart on this machine, what keeps which bound, and what is to be done where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.errors import SandboxUnavailable
from handlers.sandbox import seccomp
from handlers.sandbox.runner import Sandbox
from handlers.sandbox.values import Outcome, Program
from handlers.settings import Settings

WALL_S: Final = 20.0
INTERFACES: Final = "cat /proc/net/dev"
KERNEL: Final = Path("/proc/sys")
#: What a kernel may say about user namespaces of people who are not root: file, the value that forbids them, the mend.
FORBIDS: Final = (
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "Give bwrap an AppArmor profile with `userns,`, or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
#: What to do about what bubblewrap says.
MENDS: Final[Mapping[str, str]] = {
    "on Linux only": "Run workers on Linux.",
    "not installed": "Install bubblewrap, 0.8 or newer, and util-linux: apt install bubblewrap",
    "nknown option": "Install bubblewrap 0.8 or newer.",
    "mount proc": "The container hides parts of /proc: start it with --security-opt systempaths=unconfined",
    "SEAMARK_SANDBOX_UID": "Set SEAMARK_SANDBOX_UID.",
    "source path": "Let everybody look into the folders above it (chmod o+x), or choose another SEAMARK_HOME.",
    "SEAMARK_HOME lies in": "Choose another SEAMARK_HOME.",
    "without a cgroup": "Unset SEAMARK_SANDBOX_OFF, or run as an ordinary user, or where cgroups can be made.",
    "programs already": "Wait until some have ended.",
}
IN_A_CONTAINER: Final = (
    "Allow user namespaces; in a container with --security-opt seccomp=unconfined, or as root with --cap-add SYS_ADMIN"
)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was found."""

    works: bool
    detail: str
    mend: str = ""


def probe(settings: Settings) -> Probe:
    """Run a tiny program apart, and tell how that went."""
    if settings.sandbox_off:
        words = "Programs of others run without a sandbox, and can read all that this server can."
        return Probe(works=False, detail=words, mend="Unset SEAMARK_SANDBOX_OFF.")
    sandbox = Sandbox(settings)
    said: list[bytes] = []
    program = Program(argv=["/bin/sh", "-c", INTERFACES])
    try:
        outcome = sandbox.start(program, sandbox.limits(WALL_S), said.append).wait()
    except SandboxUnavailable as error:
        return Probe(works=False, detail=error.detail, mend=mend_for(error.detail))
    return judge(outcome, b"".join(said).decode(errors="replace"), sandbox)


def judge(outcome: Outcome, said: str, sandbox: Sandbox) -> Probe:
    """Tell whether the tiny program ran, and saw no network."""
    if outcome.exit_code != 0:
        return Probe(
            works=False, detail=f"A program in a sandbox ended: {outcome.reason} {said}".strip(), mend=IN_A_CONTAINER
        )
    others = [name for line in said.splitlines() if (name := line.partition(":")[0].strip()) != "lo" and ":" in line]
    if others:
        words = f"A program in a sandbox sees the network ({', '.join(others)})."
        return Probe(works=False, detail=words, mend=IN_A_CONTAINER)
    return Probe(works=True, detail=in_words(sandbox))


def in_words(sandbox: Sandbox) -> str:
    """Say what keeps which bound."""
    keeper = f"cgroup v{sandbox.cgroups.version}" if sandbox.cgroups else "watchdog"
    calls = "filtered" if seccomp.program(counted=True) else "not filtered on this processor"
    network = "this machine's where an asset allows it" if sandbox.settings.sandbox_network else "off"
    return f"bubblewrap; memory, processes: {keeper}; disk, time: watchdog; network: {network}; system calls: {calls}"


def advised(problem: SandboxUnavailable) -> SandboxUnavailable:
    """Return an error with what is to be done about it."""
    mend = mend_for(problem.detail).rstrip(".")
    return SandboxUnavailable(f"{problem.detail} To mend it: {mend}. On the server, `seamark check` says more.")


def mend_for(detail: str) -> str:
    """Return what to do about what went wrong."""
    for words, mend in MENDS.items():
        if words in detail:
            return mend
    for name, forbidding, mend in FORBIDS:
        file = KERNEL / name
        if file.exists() and file.read_text().strip() == forbidding:
            return mend
    return IN_A_CONTAINER
