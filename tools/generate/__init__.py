"""`seamark generate`: make `generated/` of `specs/`.

    python -m tools.generate [--check] [--specs DIR] [--out DIR]

A document goes one way: YAML, one bundled document, its schemas and operations, text. Nothing is written before all of
it is made.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
OUT = ROOT / "generated"
MEND = "Run `seamark generate` and commit what it writes."


def generate(specs: Path = SPECS, out: Path = OUT) -> list[str]:
    """Write what the specs say; return the paths in *out* that changed.

    Raises:
        SpecError: A spec is wrong; nothing was written.
    """
    from tools.generate.tree import make_tree, write_tree

    return write_tree(make_tree(specs), out)


def check(specs: Path = SPECS, out: Path = OUT) -> list[str]:
    """Return a sentence for each file in *out* that is not as the specs say; none if all is well.

    Raises:
        SpecError: A spec is wrong.
    """
    from tools.generate.tree import compare_tree, make_tree

    return compare_tree(make_tree(specs), out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    from handlers.spec.findings import SpecError

    parser = argparse.ArgumentParser(prog="seamark generate", description="Make generated/ of specs/.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what would change")
    parser.add_argument("--specs", type=Path, default=SPECS, metavar="DIR", help="folder of the YAML files")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="folder to write into")
    options = parser.parse_args(arguments)
    try:
        return run(options.specs, options.out, only_check=options.check)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1


def run(specs: Path, out: Path, *, only_check: bool) -> int:
    """Generate, or check; say what was found."""
    if not only_check:
        for path in generate(specs, out):
            print(f"wrote {path}" if (out / path).exists() else f"removed {path}")
        return 0
    findings = check(specs, out)
    print(*findings, *([MEND] if findings else []), sep="\n", end="\n" if findings else "", file=sys.stderr)
    return 1 if findings else 0
