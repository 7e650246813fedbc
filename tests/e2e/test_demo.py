"""`seamark up --demo`, with real processes: the story that the README shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click import ClickException

from handlers.cli import demo
from handlers.sandbox import probe
from handlers.settings import Settings
from tests.e2e.test_readme import transcripts

SEAMARK = str(Path(sys.executable).with_name("seamark"))
LONGEST_S = 120
LAST = "That was all of it."


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the command prints, and what it leaves of its files."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEAMARK_")}
    command = [SEAMARK, "up", "--demo", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment | {"TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    alarm = threading.Timer(LONGEST_S, process.kill)
    alarm.start()
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if LAST in line or "The story ends" in line:
            process.send_signal(signal.SIGINT)
    alarm.cancel()
    process.stdout.close()
    assert 0 == process.wait(30), "\n".join(lines)
    return lines, [path.name for path in folder.iterdir()]


def unnumbered(line: str) -> str:
    """Return a line without what differs from run to run."""
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "<time>", re.sub(r"(0x)?[0-9a-fA-F]{6}…[0-9a-fA-F]{4}", "<hex>", line))


def test_the_whole_story_is_told(told):
    """Nothing in it is a surprise: what is due is given, what is forbidden is refused."""
    lines, _ = told
    statuses = [line.split()[0] for line in lines if re.match(r"   \d{3} ", line)]

    assert any(LAST in line for line in lines), "\n".join(lines)
    assert [str(number) for number in range(1, 15)] == re.findall(r"^(\d+)\. ", "\n".join(lines), re.MULTILINE)
    assert ["200"] * (len(statuses) - 3) + ["401", "403", "403"] == statuses
    assert 2 == lines.count('   200 {"highest": 3.14, "mean": 1.788}') == lines.count("   200 read 48 rows")


def test_it_prints_what_the_readme_shows(told):
    """Its lines stand in the output in the same order, but for numbers that are drawn and times."""
    [[(_, shown)]] = transcripts("demo")
    printed = iter([unnumbered(line) for line in told[0]])

    missing = [line for line in shown.splitlines() if unnumbered(line) not in printed]

    assert [] == missing


def test_nothing_is_left_of_it(told):
    """Neither its home nor the files of its people."""
    assert [] == [name for name in told[1] if name.startswith("seamark")]


def test_it_says_what_it_needs(monkeypatch):
    """Where no sandbox can be had, it does not begin, and says what to do about that."""
    found = probe.Probe(works=False, detail="bubblewrap is not installed.", mend="Install bubblewrap.")
    monkeypatch.setattr(probe, "probe", lambda settings: found)

    with pytest.raises(ClickException, match=r"bubblewrap is not installed\. Install bubblewrap\."):
        demo.check_sandbox(Settings())
