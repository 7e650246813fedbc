"""The operation `filter-rows`: a CSV asset in, the same without the rows that are mostly empty out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlers.operations.csvfile import new_table, open_table
from handlers.operations.progress import Progress
from handlers.operations.values import SILENCE, AssetFile, NewAsset, Report


def run(
    dataset: AssetFile, max_empty_columns: int = 10, *, directory: Path, report: Report = SILENCE
) -> dict[str, Any]:
    """Leave out the rows of a CSV file that have too many empty cells.

    Args:
        dataset: CSV with a header line, UTF-8.
        max_empty_columns: A row with more empty cells than this is left out.
        directory: Where the file is written.
        report: Told how far it has come.

    Raises:
        OperationFailed: It is no such CSV; the detail names the line.

    Source:
        The operation `filter-rows` of the public Koi server; there a cell of blanks is not empty, here it is.
    """
    progress, kept, dropped = Progress(report, dataset.size), 0, 0
    path = directory / "filtered.csv"
    with open_table(dataset) as table, new_table(path, table.header) as write:
        for cells in table:
            if empty(cells) > max_empty_columns:
                dropped += 1
            else:
                kept += 1
                write(cells)
            progress(table.read_bytes, f"{kept} rows kept, {dropped} dropped")
    report(100, f"{kept} rows kept, {dropped} dropped")
    name = f"{Path(dataset.name).stem}-filtered.csv"
    made = NewAsset(path=path, name=name, content_type="text/csv")
    return {"filtered_dataset": made, "rows": kept, "dropped": dropped}


def empty(cells: Sequence[str]) -> int:
    """Return how many cells hold nothing, or nothing but blanks."""
    return sum(not cell or cell.isspace() for cell in cells)
