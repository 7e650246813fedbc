"""Clients of the APIs in other languages, generated from the documents that the specs, or a running server, give."""
