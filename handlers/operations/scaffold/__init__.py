"""The first text of a new operation: its spec, its function and a test. After that they are written by hand."""
