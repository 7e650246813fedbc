"""What keeps the processes running: each test runs a supervisor in a process of its own."""

import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from tests.cli.conftest import alive, wait_for

HEAD = """
import os, sys, time
from handlers.cli import supervisor
from handlers.cli.supervisor import CrashLoop, Program, Supervisor
supervisor.BACKOFF_S = (0.01,)
supervisor.ORPHANS_S = 0.05

def python(name, code, **more):
    return Program(name=name, command=[sys.executable, "-u", "-c", code], **more)

keeper = Supervisor(drain_s=1.0)
"""


def keeper(code):
    """Start a process that does *code* with a supervisor."""
    text = HEAD + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-u", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def outcome(code):
    """Let *code* run to its end; return its exit code and what it wrote."""
    with keeper(code) as process:
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, out, err


def test_what_ends_is_started_again():
    """A program that ends is started again, and again."""
    code, _, err = outcome("""
        keeper.add(python("short", "print('here')"))
        begun = time.monotonic()
        keeper.run(until=lambda: keeper.children["short"].quick_ends > 4)
        keeper.stop()
    """)

    assert 0 == code
    assert err.count("here") >= 4
    assert "short ended with exit code 0; starting it again." in err


def test_a_loop_is_told_with_the_last_lines():
    """Whoever keeps ending is named, with how it ended and what it said last, even if it is a quiet one."""
    code, out, err = outcome("""
        keeper.add(python("bad", "import sys; sys.exit('no such thing')", quiet=True))
        try:
            keeper.run(patient=False)
        except CrashLoop as loop:
            print(loop)
        keeper.stop()
    """)

    assert 0 == code, err
    assert "bad keeps ending, last with exit code 1. Its last lines:\n  no such thing" in out
    assert "no such thing" not in err


def test_those_that_others_need_are_stopped_last():
    """The first stage has ended before the last is told."""
    log = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(print(time.monotonic()))); print('up'); "
    _, _, err = outcome(f"""
        keeper.add(python("store", {log + "time.sleep(60)"!r}, last=True))
        keeper.add(python("user", {log + "time.sleep(60)"!r}))
        keeper.run(until=lambda: all(child.lines for child in keeper.children.values()))
        keeper.stop()
        print("order", *[keeper.children[name].lines[-1] for name in ("user", "store")], file=sys.stderr)
    """)

    user, store = err.splitlines()[-1].split()[1:]
    assert float(user) < float(store)


def test_a_signal_is_heard_whenever_it_comes():
    """Wherever in its waiting the supervisor is: it looks so often here that each moment is met."""
    code, out, err = outcome("""
        import random, signal, threading
        supervisor.TICK_S = 0
        for _ in range(500):
            keeper.stopping = False
            threading.Timer(random.random() / 500, os.kill, (os.getpid(), signal.SIGTERM)).start()
            keeper.run()
        print("heard")
    """)

    assert (0, "heard\n") == (code, out), err


def test_who_does_not_stop_is_killed():
    """A process that ignores SIGTERM is killed when its time is over, with all that it started."""
    with keeper("""
        import subprocess
        stubborn = (
            "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True);"
            "print('up'); time.sleep(60)"
        )
        supervisor.GRACE_S = 0.2
        keeper.drain_s = 0.2
        keeper.add(python("stubborn", stubborn))
        keeper.run(until=lambda: keeper.children["stubborn"].lines)
        print("up")
        keeper.run()
        keeper.stop()
    """) as process:
        process.stdout.readline()
        below = psutil.Process(process.pid).children(recursive=True)
        assert 2 == len(below)

        process.send_signal(signal.SIGTERM)

        assert 0 == process.wait(60)
        assert [] == alive(below)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent has ended")
def test_children_end_with_their_supervisor():
    """SIGKILL of the supervisor ends its children."""
    with keeper("""
        keeper.add(python("long", "import time; print('up'); time.sleep(60)"))
        keeper.run(until=lambda: keeper.children["long"].lines)
        print("up")
        keeper.run()
    """) as process:
        process.stdout.readline()
        below = psutil.Process(process.pid).children(recursive=True)
        assert below

        process.kill()

        wait_for(lambda: not alive(below))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_orphans_are_killed():
    """What a killed child leaves behind in a session of its own is found and killed."""
    with keeper("""
        code = (
            "import subprocess, sys, time;"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True);"
            "print('up'); time.sleep(60)"
        )
        keeper.add(python("parent", code))
        keeper.run(until=lambda: keeper.children["parent"].lines)
        print("up")
        keeper.run()
        keeper.stop()
    """) as process:
        process.stdout.readline()
        (parent,) = psutil.Process(process.pid).children()
        (child,) = parent.children()

        parent.kill()

        wait_for(lambda: not alive([child]))
        process.terminate()
        assert 0 == process.wait(60)
