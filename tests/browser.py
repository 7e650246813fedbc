"""A real browser, driven over its own pipe (Chrome DevTools Protocol): what a page does is seen there alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")
ONTO_3_AND_4 = 'exec "$@" 3<&{} 4>&{}'  #: where the browser reads commands, and writes answers


class Browser:
    """A browser with one page."""

    def __init__(self, folder):
        """Start it; what it stores goes into *folder*."""
        (theirs, self._commands), (self._answers, answers) = os.pipe(), os.pipe()
        command = [PROGRAM, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        shell = ["bash", "-c", ONTO_3_AND_4.format(theirs, answers), "browser", *command]
        self._process = subprocess.Popen(shell, pass_fds=(theirs, answers), stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(answers)
        self._buffer, self._count, self._session = b"", 0, None
        page = next(one for one in self._call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]

    def open(self, url):
        """Go to a page."""
        self._call("Page.navigate", url=url)

    def run(self, script):
        """Return the value of a script in the page."""
        found = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script, seconds=20):
        """Return the value of a script as soon as that is true."""
        end = time.monotonic() + seconds
        while not (found := self.run(script)):
            assert time.monotonic() < end, (script, self.run("document.body.innerText"))
            time.sleep(0.1)
        return found

    def close(self):
        """End it."""
        os.close(self._commands)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._answers)

    def _call(self, method, **params):
        """Return the result of a command; what the browser tells meanwhile is of no interest."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self):
        """Return the next message."""
        while b"\0" not in self._buffer:
            data = os.read(self._answers, 1 << 16)
            assert data, "the browser has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
