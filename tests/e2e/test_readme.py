"""The README's quick start does what the README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
MARK = "<!-- quick start"


def transcript() -> list[tuple[str, str]]:
    """Return the commands of the quick start, each with what it prints."""
    block = README.read_text().partition(MARK)[2].partition("```console\n")[2].partition("```")[0]
    steps: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        elif line.startswith("> "):
            steps[-1] = (f"{steps[-1][0]}\n{line[2:]}", "")
        else:
            steps[-1] = (steps[-1][0], steps[-1][1] + line + "\n")
    return steps


def shape(text: str) -> str:
    """Return a text without what differs from run to run: ids, times, how far a job has come, digits of measures."""
    text = re.sub(r"[0-9a-f]{64}|[0-9a-f]{32}", "<id>", text)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]+"|"started":null', "<time>", text)
    text = re.sub(r'"started":<time>|<time>(?=,"finished")', '"started":<time>', text)
    text = re.sub(r'"status":"(scheduled|running)","progress":\d+,"message":"[^"]*"', "<going on>", text)
    return re.sub(r"(\d\.\d\d)\d+", r"\1", text)


def test_the_quick_start_prints_what_the_readme_shows(shared, tmp_path):
    """Each command succeeds and prints what stands below it, but for ids, times and the last digits of measures."""
    steps = transcript()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    marks = [f"echo '== {number} =='\n{command}" for number, (command, _) in enumerate(steps)]
    script = "set -e\n" + "\n".join(marks).replace("127.0.0.1:8030", f"127.0.0.1:{shared.port}")

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=shared.environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    printed = re.split(r"== \d+ ==\n", done.stdout)[1:]
    assert [shape(shown) for _, shown in steps] == [shape(text) for text in printed]
