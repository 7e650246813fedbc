"""Arrow files for tests, as pyarrow writes them."""

from __future__ import annotations

from io import BytesIO

import pyarrow

NEW = {"file": pyarrow.ipc.new_file, "stream": pyarrow.ipc.new_stream}


def written(columns, kind="file", **options):
    """Return a table as bytes."""
    table = pyarrow.table(columns)
    sink = BytesIO()
    with NEW[kind](sink, table.schema, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()
