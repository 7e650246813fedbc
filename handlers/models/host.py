"""A model host: loads one model and answers those who connect, what waits together as one batch.

`python -m handlers.models.host` with a plan (JSON) as its argument. It runs apart from the server, mostly in a sandbox;
it has a socket that listens already, a page that its keeper looks at, and the model's file.
"""

from __future__ import annotations

import socket
from typing import Any, Final

import orjson

from handlers.models.formats.base import CannotLoad, CannotPredict, Loaded
from handlers.models.frames import framed
from handlers.models.hosting import Caller, Host, Request, serve
from handlers.models.page import Page

GOOD: Final = b'{"result"'  #: how the answer to a row begins that the model takes


class ModelHost(Host):
    """Answers with one model."""

    def __init__(self, listener: socket.socket, page: Page, model: Loaded | CannotLoad) -> None:
        """Listen; of a model that could not be loaded tell everybody why."""
        super().__init__(listener, page)
        self._model = model

    def read(self, message: bytes) -> Any:
        """Return the row, or the question, in a message."""
        return orjson.loads(message)

    def answer(self, waiting: list[Request]) -> None:
        """Answer requests: single predictions together, each table by itself, other questions one by one."""
        rows: dict[Caller, list[list[Any]]] = {}
        for caller, message in waiting:
            if isinstance(message, list):
                rows.setdefault(caller, []).append(message)
            else:
                self.send(caller, framed(encode(self._other())))
        single = {caller: asked[0] for caller, asked in rows.items() if len(asked) == 1}
        for caller, answer in zip(single, self._predict(list(single.values())), strict=True):
            self.send(caller, framed(answer))
        for caller, asked in rows.items():
            if len(asked) > 1:
                for answer in self._table(asked):
                    self.send(caller, framed(answer))

    def _other(self) -> dict[str, Any]:
        """Return what there is to know of the model."""
        if isinstance(self._model, CannotLoad):
            return {"unloaded": str(self._model)}
        return {"known": self._model.describe()}

    def _predict(self, rows: list[list[Any]]) -> list[bytes]:
        """Return the answer to each row; of a batch that fails each half is tried, so that no row harms another."""
        if not rows:
            return []
        made = self._tried(rows)
        if isinstance(made, list):
            return made
        if len(rows) == 1:
            return [made]
        half = len(rows) // 2
        return self._predict(rows[:half]) + self._predict(rows[half:])

    def _table(self, rows: list[list[Any]]) -> list[bytes]:
        """Return the answer to each row of one caller; those that follow one that is refused get the same answer.

        Whoever sends a table hears of the first bad row only, so that one with nothing but bad rows costs no more.
        """
        made = self._tried(rows)
        if isinstance(made, list):
            return made
        if len(rows) == 1:
            return [made]
        half = len(rows) // 2
        answers = self._table(rows[:half])
        if answers[-1].startswith(GOOD):
            return answers + self._table(rows[half:])
        return answers + [answers[-1]] * (len(rows) - half)

    def _tried(self, rows: list[list[Any]]) -> list[bytes] | bytes:
        """Return the answer to each row, or, if the batch fails, why; the keeper sees that this is work of its own."""
        if isinstance(self._model, CannotLoad):
            return [encode({"unloaded": str(self._model)})] * len(rows)
        self._page.begin()
        self._page.count(len(rows))
        try:
            results = self._model.predict(rows)
            if len(results) != len(rows):
                raise CannotPredict(f"The model gives {len(results)} results for {len(rows)} rows.")
            return [encode({"result": result}) for result in results]
        except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything, and whoever asks is told
            return encode({"refused": words_of(error)})


def encode(answer: dict[str, Any]) -> bytes:
    """Return an answer as JSON; NaN becomes null."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def words_of(error: Exception) -> str:
    """Return in one line what a model says of an input that it does not take."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if isinstance(error, CannotPredict) else f"{type(error).__name__}: {words[:1000]}"


def load(plan: dict[str, Any]) -> Loaded | CannotLoad:
    """Load the model that a plan names."""
    from handlers.models.formats.loading import load_model

    try:
        return load_model(plan)
    except CannotLoad as error:
        return error
    except MemoryError:
        return CannotLoad("It needs more memory than a model may have.")
    except Exception as error:  # noqa: BLE001 - a file may make its library raise anything; its owner is told
        return CannotLoad(words_of(error))


if __name__ == "__main__":
    serve(load, ModelHost)
