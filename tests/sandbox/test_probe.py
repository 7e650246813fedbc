"""What `seamark check` is told of the sandbox."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.cli.apart import look_at_sandbox
from handlers.cli.finding import Finding
from handlers.sandbox import bubblewrap, cgroups, probe, reach
from handlers.sandbox.runner import Sandbox
from handlers.sandbox.values import Outcome, Reason, Usage
from handlers.settings import Settings
from tests.parts import missing


def look(tmp_path: Path, **settings: object) -> Finding:
    """Return what is found with these settings."""
    (finding,) = look_at_sandbox(Settings(home=tmp_path, **settings))
    return finding


def test_where_it_works_the_keepers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One sees whether a cgroup or a watchdog keeps the bounds, and that the network is off."""
    where = cgroups.find()
    found = look(tmp_path)
    monkeypatch.setattr(cgroups, "find", lambda _: None)
    without = look(tmp_path)

    assert ("ok", "ok") == (found.state, without.state)
    assert f"memory, processes: {f'cgroup v{where.version}' if where else 'watchdog'};" in found.detail
    assert "memory, processes: watchdog;" in without.detail
    assert "network: off" in found.detail


def test_a_network_that_is_allowed_is_named(tmp_path: Path):
    """For the operator who has turned it on and forgotten."""
    assert "network: this machine's where an asset allows it" in look(tmp_path, sandbox_network=True).detail


def test_a_sandbox_that_is_off_is_named(tmp_path: Path):
    """It is a warning for as long as it is so."""
    found = look(tmp_path, sandbox_off=True)

    assert "warning" == found.state
    assert "Unset SEAMARK_SANDBOX_OFF." == found.mend


def test_elsewhere_than_on_linux_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Namespaces, cgroups and /proc are Linux's; nothing is tried without."""
    monkeypatch.setattr(sys, "platform", "darwin")

    found = look(tmp_path)

    assert ("warning", "Programs can be run apart on Linux only.") == (found.state, found.detail)
    assert "Run workers on Linux." == found.mend


def test_without_bubblewrap_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is a warning, since all else works without."""
    monkeypatch.setattr(bubblewrap, "FOUND_IN", str(tmp_path))

    found = look(tmp_path)

    assert "warning" == found.state
    assert "is not installed" in found.detail
    assert "apt install bubblewrap" in found.mend


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can look into."""
    path = Path(tempfile.mkdtemp(prefix="seamark-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_bubblewrap_that_fails_is_quoted(tmp_path: Path, public: Path, monkeypatch: pytest.MonkeyPatch):
    """As one does whose kernel or container forbids namespaces; the setting to change is named."""
    (public / "bwrap").write_text("#!/bin/sh\necho bwrap: setting up uid map: Permission denied >&2\nexit 1\n")
    (public / "bwrap").chmod(0o755)
    (public / "prlimit").symlink_to(shutil.which("prlimit") or missing("util-linux is not installed."))
    (public / "stage").mkdir()
    monkeypatch.setattr(reach, "STAGE", public / "stage")
    monkeypatch.setattr(bubblewrap, "FOUND_IN", str(public))
    monkeypatch.setattr(probe, "KERNEL", tmp_path / "kernel")
    plain = look(tmp_path / "home")
    (tmp_path / "kernel" / "kernel").mkdir(parents=True)
    (tmp_path / "kernel" / "kernel" / "apparmor_restrict_unprivileged_userns").write_text("1\n")
    hardened = look(tmp_path / "home")

    assert ("warning", "warning") == (plain.state, hardened.state)
    assert "setting up uid map: Permission denied" in plain.detail
    assert "container" in plain.mend
    assert "AppArmor" in hardened.mend


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
        ("bwrap: Unknown option --disable-userns", "0.8"),
        ("bwrap: Can't find source path /root/x: Permission denied", "chmod o+x"),
    ],
)
def test_each_failure_has_its_mend(said: str, mend: str):
    """What bubblewrap says is what to look for."""
    assert mend in probe.mend_for(f"bubblewrap could not build the sandbox. It said: {said}")


@pytest.mark.parametrize(
    ("code", "said", "detail"),
    [
        (0, "Inter-| Receive\n    lo: 0 0\n  eth0: 1 1\n", "sees the network (eth0)"),
        (1, "cat: /proc/net/dev: No such file", "No such file"),
    ],
)
def test_a_sandbox_that_does_not_hold_is_none(tmp_path: Path, code: int, said: str, detail: str):
    """A program that sees the network, or does not run, is a finding with a mend."""
    outcome = Outcome(reason=Reason.EXITED, exit_code=code, usage=Usage())

    found = probe.judge(outcome, said, Sandbox(Settings(home=tmp_path)))

    assert not found.works
    assert detail in found.detail
    assert found.mend
