"""What the README shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import running

README = Path(__file__).parents[2] / "README.md"
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def transcripts(mark: str) -> list[list[tuple[str, str]]]:
    """Return the console blocks of the section after *mark*: commands, each with what it prints."""
    section = README.read_text().partition(f"<!-- {mark}")[2].partition("\n## ")[0]
    return [commands(block.partition("```")[0]) for block in section.split("```console\n")[1:]]


def commands(block: str) -> list[tuple[str, str]]:
    """Return the commands of a block, each with what it prints."""
    steps: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        elif line == ">" or line.startswith("> "):
            steps[-1] = (f"{steps[-1][0]}\n{line[2:]}", "")
        else:
            steps[-1] = (steps[-1][0], steps[-1][1] + line + "\n")
    return steps


def printed(steps: list[tuple[str, str]], folder: Path, environment: dict[str, str], port: int) -> list[str]:
    """Run commands one after the other in one shell, and return what each printed."""
    marks = [f"echo '== {number} =='\n{command}" for number, (command, _) in enumerate(steps)]
    script = "set -e\n" + "\n".join(marks).replace("127.0.0.1:8030", f"127.0.0.1:{port}")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment | {"PATH": PATH},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.split(r"== \d+ ==\n", done.stdout)[1:]


def shape(text: str) -> str:
    """Return a text without what differs from run to run: ids, times, how far a job has come, digits of measures."""
    text = re.sub(r"[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]+"|"started":null', "<time>", text)
    text = re.sub(r'"started":<time>|<time>(?=,"finished")', '"started":<time>', text)
    text = re.sub(r'"status":"(scheduled|running)","progress":\d+,"message":"[^"]*"', "<going on>", text)
    return re.sub(r"(\d\.\d\d)\d+", r"\1", text)


def test_the_quick_start_prints_what_the_readme_shows(shared, tmp_path):
    """Each command succeeds and prints what stands below it, but for ids, times and the last digits of measures."""
    [steps] = transcripts("quick start")

    texts = printed(steps, tmp_path, shared.environment, shared.port)

    assert [shape(shown) for _, shown in steps] == [shape(text) for text in texts]


def test_a_file_is_offered_as_the_readme_shows(shared, tmp_path):
    """Published by the command, and quoted by the server."""
    [steps] = transcripts("offer")

    texts = printed(steps, tmp_path, shared.environment, shared.port)

    assert [shape(shown) for _, shown in steps] == [shape(text) for text in texts]


def test_a_model_is_asked_as_the_readme_shows(shared, tmp_path):
    """Trained, put into service, and asked by the command, by another protocol and with a table."""
    steps = [step for block in transcripts("models")[:2] for step in block]

    texts = printed(steps, tmp_path, shared.environment, shared.port)

    assert [shape(shown) for _, shown in steps] == [shape(text) for text in texts]


def test_a_new_operation_is_written_and_served_as_the_readme_shows(tmp_path):
    """From `seamark new operation` to its answers, sync and async: what is printed is what the README shows."""
    written, called = transcripts("new operation")

    texts = printed(written, tmp_path, dict(os.environ), 0)
    with running(tmp_path / "home", "--operations", str(tmp_path / "ops")) as server:
        answers = printed(called, tmp_path, server.environment, server.port)

    assert [shown for _, shown in written] == [text.replace(str(tmp_path), "/home/ada") for text in texts]
    assert [shown for _, shown in called] == answers


def test_a_pipeline_is_served_as_the_readme_shows(tmp_path, monkeypatch):
    """The configuration of the README is run, and what it does not take is told with its place."""
    written, called = transcripts("pipelines")

    printed(written, tmp_path, dict(os.environ), 0)
    monkeypatch.setenv("SEAMARK_KONDUIT", str(tmp_path / "pipeline.yaml"))
    with running(tmp_path / "home") as server:
        answers = printed(called, tmp_path, server.environment, server.port)

    assert [shown for _, shown in called] == answers
