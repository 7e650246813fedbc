"""Servers of one pipeline each, in this process, with real hosts beside it."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace

import numpy

from handlers import observability, services
from handlers.app import create_app
from handlers.pipelines.service import Pipelines
from handlers.settings import Settings
from tests.pipelines.made import write
from tests.served import serving


@contextmanager
def started(home, **more):
    """The services of this process, over a real Redis server; hosts may take little memory."""
    settings = Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        validate_responses=True,
        apis="konduit",
        model_memory_bytes=512 << 20,
        **more,
    )
    observability.start_metrics(settings)
    with serving(settings) as here:
        yield here


class Served:
    """A server of one pipeline; all of a module have one Redis and one keeper of hosts."""

    def __init__(self, here, path=None):
        """Serve what *path* configures; None: nothing."""
        self.settings = own = here.settings.model_copy(update={"konduit": path})
        self.services = replace(here, settings=own, pipelines=Pipelines(own, here.models.hosts))
        self.client = create_app(own).test_client()

    def call(self, path, expect=200, *, method="POST", prefix="/konduit", **more):
        """Return the answer to a request, whose status has to be *expect*; None: any."""
        services._services = self.services
        answer = self.client.open(f"{prefix}{path}", method=method, **more)
        answer.request.environ["wsgi.input"].close()  # the client keeps much in a file
        assert expect in (None, answer.status_code), answer.text
        return answer

    def get(self, path, expect=200, **more):
        """Return the answer to a GET."""
        return self.call(path, expect, method="GET", **more)

    def ask_raw(self, path, rows, expect=200, **more):
        """Return the answer to rows of JSON; None: there is nothing to be sent."""
        return self.call(path, expect, **({} if rows is None else {"json": rows}), **more)

    def ask(self, path, rows, expect=200, **more):
        """Return what is said, in JSON, to rows of JSON."""
        return self.ask_raw(path, rows, expect, **more).json

    def send(self, path, files, expect=200, **more):
        """Return the answer to files, which are bytes by the names of their parts; a text is a part without a file."""
        form = [(name, part if isinstance(part, str) else (io.BytesIO(part), name)) for name, part in files]
        data = {}
        for name, part in form:
            data.setdefault(name, []).append(part)
        return self.call(path, expect, data=data, content_type="multipart/form-data", **more)

    def fault(self, path, sent, expect=400, **more):
        """Return place and words of what is wrong with a request of files, or of rows."""
        if isinstance(sent, list) and sent and isinstance(sent[0], tuple):
            said = self.send(path, sent, expect, **more).json
        else:
            said = self.ask(path, sent, expect, **more)
        (one,) = said["errors"]
        return one["place"], one["detail"]


def serve(here, folder, *steps, document=None, **serving):
    """Return a server of steps; *serving* is its servingConfig."""
    return Served(here, write(folder, document or {"servingConfig": serving, "steps": list(steps)}))


def npy(values, dtype="f4"):
    """Return an array as an `.npy` file."""
    sink = io.BytesIO()
    numpy.save(sink, numpy.asarray(values, dtype))
    return sink.getvalue()


def from_npy(answer):
    """Return the array that an answer holds."""
    return numpy.load(io.BytesIO(answer.data), allow_pickle=False)
