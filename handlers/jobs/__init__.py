"""Jobs: rows own the state, RQ runs the work."""
