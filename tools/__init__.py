"""Tools of those who work on Seamark; not in the wheel."""
