"""Real data for the operations."""

import csv
from pathlib import Path

import pytest

from handlers.operations.values import AssetFile


def as_asset(path: Path) -> AssetFile:
    """Return a file as an operation gets it."""
    return AssetFile(did=f"did:{path.name}", name=path.name, content_type="", path=path, size=path.stat().st_size)


def write_csv(path: Path, header: list[str], rows: list[list[object]]) -> AssetFile:
    """Write a table and return it as an asset."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return as_asset(path)


@pytest.fixture(scope="session")
def iris(tmp_path_factory):
    """Fisher's iris data, its labels as words."""
    from sklearn.datasets import load_iris

    data = load_iris()
    rows = [[*row, data.target_names[label]] for row, label in zip(data.data.tolist(), data.target, strict=True)]
    return write_csv(tmp_path_factory.mktemp("data") / "iris.csv", [*data.feature_names, "species"], rows)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """8 x 8 pixels of handwritten digits, a row each."""
    from sklearn.datasets import load_digits

    data = load_digits()
    rows = [[*row, int(label)] for row, label in zip(data.data.tolist(), data.target, strict=True)]
    return write_csv(tmp_path_factory.mktemp("data") / "digits.csv", [*data.feature_names, "digit"], rows)
