"""`python -m handlers.cli`, where the command `seamark` is not on PATH."""

from handlers.cli import main

main(prog_name="seamark")
