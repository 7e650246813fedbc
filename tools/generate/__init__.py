"""`seamark generate`: make `generated/` of `specs/`.

    python -m tools.generate [--check] [--specs DIR] [--out DIR]

A document goes one way: YAML, one bundled document, its schemas and operations, text. Nothing is written before all of
it is made.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.spec.findings import Finding

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


def findings(specs: Path = SPECS) -> list[Finding]:
    """Return what is wrong in the specs, the shared parts among them."""
    from handlers.spec.lint import lint

    paths = [*specs.glob("*.yaml"), *specs.glob("invoke/*.yaml")]
    return sorted({finding for path in paths for finding in lint(path, specs)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="seamark generate", description="Make generated/ of specs/.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what would change")
    parser.add_argument("--specs", type=Path, default=SPECS, metavar="DIR", help="folder of the YAML files")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="folder to write into")
    options = parser.parse_args(arguments)
    if missing := what_is_missing(options.specs):
        report([missing])
        return 1
    found = findings(options.specs)
    report(found)
    if any(finding.level == "error" for finding in found):
        return 1
    return run_check(options.specs, options.out) if options.check else run_generate(options.specs, options.out)


def what_is_missing(specs: Path) -> str:
    """Return a sentence on what the command cannot do without; nothing if all is there."""
    if not specs.is_dir():
        return f"There is no folder {specs}. Run this in a checkout that was installed with `pip install -e '.[dev]'`."
    if importlib.util.find_spec("datamodel_code_generator") is None:
        return "datamodel-code-generator is not installed. Run `pip install -e '.[dev]'`."
    return ""


def run_generate(specs: Path, out: Path) -> int:
    """Write, and say what changed."""
    for path in generate(specs, out):
        print(f"wrote {path}" if (out / path).exists() else f"removed {path}")
    return 0


def run_check(specs: Path, out: Path) -> int:
    """Say what is not as it should be, and how to mend it."""
    sentences = check(specs, out)
    report([*sentences, *([MEND] if sentences else [])])
    return 1 if sentences else 0


def report(lines: Sequence[object]) -> None:
    """Write *lines* where people look for errors."""
    for line in lines:
        print(line, file=sys.stderr)
