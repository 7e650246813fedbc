"""A stranger's program, run apart: it sees what it is given, takes what it is allowed, and leaves nothing behind."""
