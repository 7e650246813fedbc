"""How far an operation has come through its files, told once for each percent."""

from __future__ import annotations

from handlers.operations.values import Report


class Progress:
    """Tells a report how much of something is done."""

    def __init__(self, report: Report, total: int, *, begin: float = 0, end: float = 100) -> None:
        """Tell *report* of *total* steps (or bytes), which are the work from *begin* to *end* percent."""
        self._report = report
        self._total = max(total, 1)
        self._begin = begin
        self._end = end
        self._told = -1

    def __call__(self, done: int, message: str = "") -> None:
        """Say that *done* of the steps are done, if that is news."""
        percent = int(self._begin + (self._end - self._begin) * min(done / self._total, 1))
        if percent > self._told:
            self._told = percent
            self._report(percent, message)
