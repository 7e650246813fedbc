"""Somebody's Python: compiled once, run for each row; what it raises is told with the line of the code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType
from typing import Any, Final

from handlers.pipelines import paths
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.steptypes import PythonSettings

NAME: Final = "pythonCode"  #: what code is called that stands in the configuration
CODE_BYTES: Final = 1 << 20
WORDS: Final = 500  #: characters of what an exception says


class CodeFailed(Refused):
    """The code of a step has raised something, or not done what it is to do."""


class Code:
    """A piece of Python that makes variables of variables."""

    def __init__(self, settings: PythonSettings, folder: Path) -> None:
        """Compile the code, and let it set up what it sets up.

        The folders of its Python path, and that of its file, become known to this process for good.

        Raises:
            Unusable: It cannot be read or compiled, or fails while it sets up.
        """
        self.settings = settings
        self.name = Path(settings.code_path).name or NAME
        self.source = source_of(settings, folder)
        extend_path(settings, folder)
        self._code = compiled(self.source, self.name, settings)
        self._run = self._set_up() if settings.setup_and_run else None

    def _set_up(self) -> Callable[..., Any]:
        """Run the code and its function `setup`, where it has one; return its function `run`."""
        space = new_space()
        try:
            exec(self._code, space)  # noqa: S102 - running this code is what the step is for
            if callable(setup := space.get("setup")):
                setup()
        except BaseException as error:  # it may raise anything, asyncio.CancelledError, too; its owner is told
            raise Unusable(self._told(error), self.settings.place) from error
        run: Callable[..., Any] | None = space.get("run")
        if not callable(run):
            raise Unusable("'setupAndRun' is set, and the code has no function 'run'.", self.settings.place)
        return run

    def __call__(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return what there is after the code has run with some variables.

        Raises:
            CodeFailed: It raises something, or its `run` does not return its outputs.
        """
        try:
            if self._run is not None:
                return {**variables, **self._returned(self._run(**variables))}
            space = new_space() | dict(variables)
            exec(self._code, space)  # noqa: S102 - as above
        except CodeFailed:
            raise
        except BaseException as error:  # as above; whoever asks is told
            raise CodeFailed(self._told(error)) from error
        return space

    def _returned(self, found: Any) -> dict[str, Any]:
        """Return what `run` has returned: its outputs by name, or the only one as it is."""
        if isinstance(found, dict) and not (set(self.settings.outputs) - set(found)):
            return found
        if len(self.settings.outputs) == 1 and found is not None and not isinstance(found, dict):
            return {next(iter(self.settings.outputs)): found}
        if isinstance(found, dict):
            missing = sorted(set(self.settings.outputs) - set(found))
            raise CodeFailed(f"'run' does not return {missing[0]!r}, which 'pythonOutputs' names.")
        raise CodeFailed("'run' returns no dictionary of outputs.")

    def _told(self, error: BaseException) -> str:
        """Return the type and words of what was raised, and the line of the code, but nothing of this server."""
        words = f"The code raised {type(error).__name__}"
        if said := " ".join(str(error).split())[:WORDS]:
            words += f": {said}"
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.name]
        if not lines or lines[-1] is None:
            return f"{words}."
        text = self.source.splitlines()[lines[-1] - 1 : lines[-1]]
        return f"{words} (line {lines[-1]} of {self.name}: {''.join(text).strip()[:200]})"


def new_space() -> dict[str, Any]:
    """Return where code runs: each time with nothing left of the last time."""
    return {"__name__": "konduit_step"}


def source_of(settings: PythonSettings, folder: Path) -> str:
    """Return the text of the code."""
    if not settings.code_path:
        return settings.code
    place = f"{settings.place}/pythonCodePath"
    path = paths.existing(folder, settings.code_path, place)
    if path.stat().st_size > CODE_BYTES:
        raise Unusable(f"The code has more than {CODE_BYTES} bytes.", place)
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable("The code is no text in UTF-8.", place) from error


def extend_path(settings: PythonSettings, folder: Path) -> None:
    """Let code import what its folders hold; what is installed comes first."""
    wanted = [(name, f"{settings.place}/pythonPath") for name in settings.paths]
    if settings.code_path:
        wanted.append((str(Path(settings.code_path).parent), f"{settings.place}/pythonCodePath"))
    for name, place in wanted:
        try:
            found = paths.inside(folder, name)
        except Unusable as unusable:
            raise Unusable(str(unusable), place) from None
        if not found.exists():
            raise Unusable(f"There is no folder {name[:200]!r} with files beside the configuration.", place)
        if str(found.resolve()) not in sys.path:
            sys.path.append(str(found.resolve()))


def compiled(source: str, name: str, settings: PythonSettings) -> CodeType:
    """Return code that can run."""
    try:
        return compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" (line {error.lineno} of {name})" if isinstance(error, SyntaxError) and error.lineno else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        member = "pythonCodePath" if settings.code_path else "pythonCode"
        raise Unusable(f"This is no Python: {what}{where}.", f"{settings.place}/{member}") from error
