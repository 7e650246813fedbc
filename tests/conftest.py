"""What holds for all tests."""

from hypothesis import settings

from handlers.keys import recursion_limit_kept

# py_ecc, which eth_account imports, raises Python's limit of recursion for the whole process; no process of ours runs
# with that limit, so that no test may either. What is imported here is not imported again.
with recursion_limit_kept():
    import eth_account  # noqa: F401

# The same examples in each run: what fails then is new. `--hypothesis-profile default` draws others.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")
