"""What is large goes through the server without ever being in its memory."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

SIZE = 256 << 20  # bytes
ROOM_KB = 64 << 10  # what a web process may grow by while a file of SIZE goes through it


def peak_kb(process) -> int:
    """Return the most memory that a process has ever had, in kB."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[1])


def test_an_upload_streams_to_disk(server, tmp_path):
    """256 MB come in as a multipart body, and the web process grows by less than a quarter of that."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(SIZE)
    token = (server.home / "token").read_text().strip()
    web = max(server.processes("granian"), key=peak_kb)
    before = peak_kb(web)

    with path.open("rb") as file:
        answer = server.client.post(
            "/api/v1/manage/assets",
            files={"file": ("large", file)},
            headers={"Authorization": f"Bearer {token}"},
            timeout=120,
        )

    assert 201 == answer.status_code, answer.text
    assert peak_kb(web) - before < ROOM_KB
    assert f"{SIZE}" in server.run("asset", "list", "--json")
