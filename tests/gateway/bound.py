"""A controller with the functions of `handlers.invoke`."""

from __future__ import annotations

from typing import Any


def invoke_sync(operation: str, body: Any) -> Any:
    """Run at once."""


def invoke_async(operation: str, body: Any) -> Any:
    """Run as a job."""


def get_status(operation: str, jobid: str) -> Any:
    """Tell how far a job has come."""


def get_result(operation: str, jobid: str) -> Any:
    """Give the results of a job."""


def get_events(operation: str, jobid: str) -> Any:
    """Tell how far a job has come, again and again."""


def cancel_job(operation: str, jobid: str) -> Any:
    """End a job."""
