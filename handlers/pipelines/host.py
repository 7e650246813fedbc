"""The host of a pipeline: loads it, and answers those who connect.

`python -m handlers.pipelines.host` with a plan (JSON) as its argument. It runs apart from the server, in the sandbox,
since a pipeline may hold Python, and since what strangers send is parsed here and nowhere else.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from handlers.models.frames import MOST_BYTES, framed
from handlers.models.host import words_of
from handlers.models.hosting import Host, Request, serve
from handlers.models.page import Page
from handlers.pipelines import answers, inputs, messages
from handlers.pipelines.config import read_configuration
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.pipeline import Pipeline, load_pipeline
from handlers.pipelines.places import place_in_request
from handlers.pipelines.steps.base import Notes
from handlers.pipelines.words import CONFIGURATION, Wish

Message = tuple[dict[str, Any], memoryview]


class PipelineHost(Host):
    """Answers with one pipeline."""

    def __init__(self, listener: socket.socket, page: Page, pipeline: Pipeline | Unusable) -> None:
        """Listen; where the pipeline cannot be used tell everybody why."""
        super().__init__(listener, page)
        self._pipeline = pipeline

    def read(self, message: bytes) -> Message:
        """Return head and bytes of a message."""
        return messages.unpack(message)

    def answer(self, waiting: list[Request]) -> None:
        """Answer requests, one by one."""
        for caller, (head, body) in waiting:
            self.send(caller, framed(self._answered(head, body)))

    def _answered(self, head: dict[str, Any], body: memoryview) -> bytes:
        """Return what is answered to one request."""
        if isinstance(self._pipeline, Unusable):
            return messages.pack({"unloaded": str(self._pipeline)})
        if head.pop("describe", False):
            return messages.pack({"known": self._pipeline.describe()})
        try:
            return bounded(run(self._pipeline, head, body))
        except Refused as refused:
            return messages.pack({"refused": str(refused), "place": refused.place})
        except Exception as error:  # noqa: BLE001 - a step may raise anything, and whoever asks is told
            return messages.pack({"refused": f"The pipeline does not take this input: {words_of(error)}", "place": ""})


def run(pipeline: Pipeline, head: dict[str, Any], body: memoryview) -> bytes:
    """Return the answer of a pipeline.

    Raises:
        Refused: It does not take what was sent.
    """
    parts = head.pop("parts")
    wish = Wish(**head)
    pieces = messages.split(body, [size for _, size in parts])
    named = [(name, piece) for (name, _), piece in zip(parts, pieces, strict=True)]
    notes = Notes()
    try:
        outputs = pipeline.run(inputs.read(pipeline.configuration, wish.comes, named), notes)
    except Refused as refused:
        refused.place = place_in_request(refused.place, wish.comes, pipeline.input_names, body)
        raise
    sizes = next(iter(notes.sizes.values()), [])
    said = answers.Said(labels=pipeline.labels, search=pipeline.search, sizes=sizes)
    content_type, found = answers.write(wish, outputs, said)
    return messages.pack({"type": content_type}, found)


def bounded(answer: bytes) -> bytes:
    """Return an answer that can be sent.

    Raises:
        Refused: It is too long.
    """
    if len(answer) > MOST_BYTES:
        raise Refused(f"The answer has more than {MOST_BYTES} bytes; send fewer rows at once.")
    return answer


def load(plan: dict[str, Any]) -> Pipeline | Unusable:
    """Load the pipeline whose configuration and files the folder of a plan holds."""
    folder = Path(plan["file"])
    try:
        return load_pipeline(read_configuration(folder / CONFIGURATION), folder)
    except Unusable as unusable:
        return unusable
    except MemoryError:
        return Unusable("It needs more memory than a pipeline may have.")
    except Exception as error:  # noqa: BLE001 - a file may make its library raise anything; its owner is told
        return Unusable(words_of(error))


if __name__ == "__main__":
    serve(load, PipelineHost)
