"""What a test does without a part of the system that it needs."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test for *reason*; fail it where everything has to be there (SEAMARK_REQUIRE_ALL=1)."""
    if os.environ.get("SEAMARK_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
