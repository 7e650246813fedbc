"""Where state lives: SQL and blobs."""
