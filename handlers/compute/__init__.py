"""Compute-to-data: strangers' algorithms run where the data is, and only their results leave."""
