"""`seamark generate --watch` regenerates on save."""

from __future__ import annotations

import queue
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tools.generate import ROOT

LINE_S = 60


def test_a_save_is_generated_and_a_fault_is_told(tmp_path: Path) -> None:
    """What is saved is generated at once; what is wrong is told, and mended by the next save; Ctrl-C ends it."""
    specs = Path(shutil.copytree(ROOT / "tests" / "golden" / "specs", tmp_path / "specs"))
    spec = specs / "petshop.yaml"
    text = spec.read_text("utf-8")
    command = [sys.executable, "-u", "-m", "tools.generate", "--watch", "--specs", str(specs)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=lambda out: [lines.put(line) for line in out], args=(process.stdout,), daemon=True)
    reader.start()

    def said(words: str) -> list[str]:
        found = [lines.get(timeout=LINE_S)]
        while words not in found[-1]:
            found.append(lines.get(timeout=LINE_S))
        return found

    try:
        said("Right.")
        assert (tmp_path / "generated" / "petshop.py").is_file()

        spec.write_text(text.replace("      summary: Read one pet.\n", ""))
        assert any("petshop.yaml:57: error" in line for line in said("Not yet right."))

        spec.write_text(text.replace("Read one pet.", "Read a pet."))
        said("Right.")
        assert "Read a pet." in (tmp_path / "generated" / "petshop.py").read_text("utf-8")
    finally:
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(LINE_S)
        reader.join(LINE_S)
        process.stdout.close()
