"""Where a worker gets the processes of jobs. Each test is a process of its own, since what is below it is killed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

HEAD = """
import sys
import psutil
from handlers.jobs import stable
from handlers.settings import Settings

settings = Settings(home=sys.argv[1])
"""


def outcome(code: str, folder: Path) -> str:
    """Run *code*, and return what it prints."""
    command = [sys.executable, "-c", HEAD + textwrap.dedent(code), str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_forker_that_does_not_become_ready_is_ended(tmp_path: Path) -> None:
    """Whatever holds up its imports: nothing of it is left, and whoever wanted it is told."""
    told = outcome(
        """
        stable.START_S = 0.2
        try:
            stable.Stable(settings, "tests.jobs.workshop:never")
        except stable.StableClosedError:
            print(psutil.Process().children())
        """,
        tmp_path,
    )

    assert "[]\n" == told


def test_what_belongs_to_another_stable_stays(tmp_path: Path) -> None:
    """Of two, each ends its own forker and what nobody has."""
    told = outcome(
        """
        first, second = (stable.Stable(settings, "tests.jobs.workshop:kinds") for _ in range(2))
        psutil.Popen(["sleep", "60"])
        first.close()
        print([child.pid for child in psutil.Process().children()] == [second.process.pid])
        second.close()
        print(psutil.Process().children())
        """,
        tmp_path,
    )

    assert "True\n[]\n" == told
