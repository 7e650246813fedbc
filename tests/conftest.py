"""What holds for all tests."""

import sys

LIMIT = sys.getrecursionlimit()


def pytest_collection_finish():
    """Take back what py_ecc has done to the limit of recursion: with 100,000, deep JSON ends the process."""
    sys.setrecursionlimit(LIMIT)
