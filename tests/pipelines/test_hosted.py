"""What code in a pipeline may do to a server: waste time and memory, end its process, look around; nothing of it."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.jobs.conftest import eventually
from tests.pipelines.made import python_step, write
from tests.pipelines.serving import Served, npy, started

pytestmark = pytest.mark.long

TIMEOUT_S = 3.0
#: Does what a row says.
CODE = """
import os, socket, subprocess, sys, time
print(what, flush=True)
print(what, file=sys.stderr, flush=True)
seen = ''
if what == 'raise':
    raise LookupError('nothing of the kind')
if what == 'interrupt':
    raise KeyboardInterrupt('of the code')
if what == 'page':
    import handlers.pipelines.answers
    handlers.pipelines.answers.write = lambda *given: ('text/html', b'<script>alert(1)</script>')
if what == 'loop':
    while True:
        pass
if what == 'sleep':
    time.sleep(60)
if what == 'eat':
    eaten = [bytearray(64 << 20) for _ in range(64)]
if what == 'exit':
    os._exit(3)
if what == 'leave':
    sys.exit(3)
if what == 'long':
    seen = 'x' * (65 << 20)
if what.startswith('open '):
    try:
        seen = open(what[5:]).read(10)
    except OSError as error:
        seen = type(error).__name__
if what.startswith('write '):
    try:
        open(what[6:], 'w').write('x')
        seen = 'written'
    except OSError as error:
        seen = type(error).__name__
if what.startswith('connect '):
    try:
        socket.create_connection(('127.0.0.1', int(what[8:])), timeout=1)
        seen = 'connected'
    except OSError as error:
        seen = 'refused'
if what == 'environment':
    seen = ' '.join(sorted(os.environ))
if what == 'number':
    seen = str(os.getpid())
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The services of this process, which wait for no pipeline for long."""
    with started(tmp_path_factory.mktemp("home"), predict_timeout_s=TIMEOUT_S) as services:
        yield services


@pytest.fixture(scope="module")
def mischief(here, tmp_path_factory):
    """A server whose pipeline does what it is told."""
    folder = tmp_path_factory.mktemp("mischief")
    step = python_step(CODE, {"what": "STR"}, {"seen": "STR"})
    return Served(here, write(folder, {"steps": [step]}))


def does(served, what, expect=200):
    """Return what is answered where a pipeline does something."""
    said = served.ask("/raw/json", {"what": what}, expect)
    return said["seen"] if expect == 200 else said["detail"]


def still_works(served):
    """See that the next request is answered; a host that was killed may have to be started first."""
    eventually(lambda: served.call("/raw/json", None, json={"what": ""}).status_code == 200, within_s=20)
    assert does(served, "") == ""


def test_what_code_raises_is_told(mischief):
    """Type, words and line, and nothing of the server; the next request is answered. It may print what it likes."""
    told = does(mischief, "raise", 400)

    assert "The code raised KeyboardInterrupt: of the code" in does(mischief, "interrupt", 400)
    assert "The code raised LookupError: nothing of the kind (line 7" in told
    assert "handlers" not in told
    assert "raised SystemExit" in does(mischief, "leave", 400)
    assert "" == does(mischief, "")


@pytest.mark.parametrize("what", ["loop", "sleep"])
def test_code_that_does_not_end_is_ended(mischief, what):
    """The caller hears so in time, and the next one is answered."""
    still_works(mischief)
    told = does(mischief, what, 503)

    assert "The pipeline has not answered within 3 s." == told
    still_works(mischief)


@pytest.mark.parametrize("what", ["exit", "eat"])
def test_code_that_ends_its_process_ends_no_other(mischief, what):
    """Whether it ends itself or takes more memory than a model may have: a 503, or a 400 where memory is refused."""
    still_works(mischief)
    answer = mischief.call("/raw/json", None, json={"what": what})

    assert answer.status_code == 503 or "MemoryError" in answer.json["detail"]
    assert "exit" != what or "has ended" in answer.json["detail"] or "died" in answer.json["detail"], answer.text
    still_works(mischief)


def test_code_sees_neither_the_server_nor_the_network(mischief, here):
    """Not its home, its settings or its files, nor whoever listens on this machine; and it writes nowhere."""
    still_works(mischief)
    home = here.settings.home
    (home / "token").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert "refused" == does(mischief, f"connect {listening.getsockname()[1]}")
    for path in (home / "token", home / "seamark.sqlite", mischief.settings.konduit, "/etc/shadow"):
        assert does(mischief, f"open {path}") in ("FileNotFoundError", "PermissionError")
    for path in (home / "token", "/run/model/file/configuration.json", "/usr/x"):
        assert does(mischief, f"write {path}") != "written"
    assert "SEAMARK" not in does(mischief, "environment")
    assert "secret" == (home / "token").read_text()


def test_a_host_cannot_answer_with_a_page(mischief):
    """Whoever has taken it over by what was sent must not have browsers run what it says."""
    assert "does not keep to what was agreed" in does(mischief, "page", 503)
    still_works(mischief)


def test_an_answer_that_is_too_long_is_refused(mischief):
    """The caller is told what to do about it."""
    still_works(mischief)
    assert "send fewer rows at once" in does(mischief, "long", 400)


def test_more_than_a_pipeline_is_given_is_refused(mischief):
    """Files beyond the bound are a 413, whoever would read them."""
    part = bytes(22 << 20)

    answer = mischief.send("/raw/numpy", [(f"default[{number}]", part) for number in range(3)], 413)

    assert "at once at most" in answer.json["detail"]


def test_a_host_that_is_killed_is_missed_by_one(mischief):
    """The request that it was at is a 503, and the next one finds another host."""
    still_works(mischief)
    before = host_processes(mischief)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(mischief.call, "/raw/json", 503, json={"what": "sleep"})
        time.sleep(0.3)
        for process in before:
            process.kill()
        answer = asked.result(20)

    assert "The process of the pipeline has ended; it is being started again." == answer.json["detail"]
    assert "Retry-After" in answer.headers
    still_works(mischief)


def test_many_are_answered_at_once(mischief):
    """Requests of several threads are not mixed up."""
    still_works(mischief)
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda number: mischief.call("/raw/json", json={"what": f"open /{number}"}).json, range(40))
        )

    assert [{"seen": "FileNotFoundError"}] * 40 == found


def test_a_pipeline_that_cannot_be_loaded_is_unavailable(here, tmp_path):
    """What only loading shows is told to whoever asks, with its place."""
    served = Served(here, write(tmp_path, {"steps": [python_step("a = (", {"a": "INT"}, {"a": "INT"})]}))

    told = served.ask("/raw/json", {"a": 1}, 503)["detail"]

    assert "The pipeline cannot be loaded: /steps/0/pythonConfigs/default/pythonCode: This is no Python" in told
    assert served.send("/raw/numpy", [("default", npy([1]))], 503).json["detail"] == told


def host_processes(served):
    """Return the processes that run a pipeline."""
    endpoint, found = served.services.pipelines.plan.endpoint, []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        if "handlers.pipelines.host" in words and endpoint in words[-1] and "python" in words[0]:
            found.append(process)
    return found
