"""How a program came out, in a sentence for whoever has it run."""

from __future__ import annotations

from handlers.sandbox.values import Limits, Outcome, Reason
from handlers.storage.room import in_words


def sentence(outcome: Outcome, limits: Limits) -> str:
    """Return why a program is at its end, and which bound it has met."""
    return {
        Reason.EXITED: f"The program ended with exit code {outcome.exit_code}.",
        Reason.TIME: f"The program took longer than {limits.wall_s:g} s.",
        Reason.MEMORY: f"The program needed more memory than {in_words(limits.memory_bytes)}.",
        Reason.PROCESSES: f"The program had more than {limits.processes} processes and threads.",
        Reason.DISK: f"The program wrote more than {in_words(limits.disk_bytes)}, or folders nested too deep.",
        Reason.ROOM: "The disk of this server is full up to its reserve.",
        Reason.STOPPED: "The program was stopped.",
        Reason.KILLED: "The program was killed from outside.",
    }[outcome.reason]
