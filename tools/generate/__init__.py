"""`seamark generate`: make `generated/` of `specs/`, and append to `handlers/` what it lacks.

    python -m tools.generate [--check] [--diff] [--dry-run] [--force] [--watch] [--against REV [--json]]

A document goes one way: YAML, one bundled document, its schemas and operations, text. Nothing is written before all of
it is made.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from handlers.spec.findings import Finding
    from tools.generate.plan import Places, Plan

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
MEND = "Run `seamark generate` and commit what it writes."
DISAGREE = "Mend the functions above; then `seamark generate --check` passes."
UNTRACKED = "Run `git add` on what is new, so that others get it too."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = read_options(arguments)
    if missing := what_is_missing(options.specs):
        report([missing])
        return 1
    if options.against:
        from tools.generate.against import show_breaking

        return show_breaking(options.specs, options.against, as_json=options.json)
    if options.watch:
        from tools.generate.watch import watch

        return watch(options.specs, lambda: run(options))
    return run(options)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="seamark generate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail where something would change")
    parser.add_argument("--diff", action="store_true", help="change nothing; show what would change")
    parser.add_argument("--dry-run", action="store_true", help="change nothing; list what would change")
    parser.add_argument("--force", action="store_true", help="overwrite what was edited by hand in generated/")
    parser.add_argument("--watch", action="store_true", help="run again whenever a spec changes, until stopped")
    parser.add_argument("--against", metavar="REV", help="list what breaks clients since a git revision, or last-tag")
    parser.add_argument("--json", action="store_true", help="list it as JSON")
    parser.add_argument("--specs", type=Path, default=SPECS, metavar="DIR", help="folder of the YAML files")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write into; generated/ beside the specs")
    parser.add_argument("--handlers", type=Path, metavar="DIR", help="controllers; handlers/ beside the specs")
    options = parser.parse_args(arguments)
    if options.json and not options.against:
        parser.error("--json goes with --against")
    return options


def what_is_missing(specs: Path) -> str:
    """Return a sentence on what the command cannot do without; nothing if all is there."""
    if not specs.is_dir():
        return f"There is no folder {specs}. Run this in a checkout that was installed with `pip install -e '.[dev]'`."
    if importlib.util.find_spec("datamodel_code_generator") is None:
        return "datamodel-code-generator is not installed. Run `pip install -e '.[dev]'`."
    return ""


def run(options: argparse.Namespace) -> int:
    """Lint, and do once what the options say; return the exit status."""
    from handlers.spec.findings import SpecError
    from tools.generate.plan import make_plan

    found = findings(options.specs)
    report(found)
    if any(finding.level == "error" for finding in found):
        return 1
    places = places_of(options)
    with one_at_a_time(places.out):
        try:
            plan = make_plan(places)
        except SpecError as error:
            report([error.finding])
            return 1
        return carry_out(plan, options)


def findings(specs: Path = SPECS) -> list[Finding]:
    """Return what is wrong in the specs, the shared parts among them."""
    from handlers.spec.lint import lint

    paths = [*specs.glob("*.yaml"), *specs.glob("invoke/*.yaml")]
    return sorted({finding for path in paths for finding in lint(path, specs)})


def places_of(options: argparse.Namespace) -> Places:
    """Return the folders that the options name."""
    from tools.generate.plan import Places

    beside = options.specs.resolve().parent
    return Places(options.specs, options.out or beside / "generated", options.handlers or beside / "handlers")


def carry_out(plan: Plan, options: argparse.Namespace) -> int:
    """Do with the plan what the options say; return the exit status."""
    if options.diff:
        sys.stdout.writelines(line for change in plan.changes for line in change.diff())
    if options.check:
        return run_check(plan)
    if options.dry_run or options.diff:
        report(plan.findings)
        if options.dry_run:
            print("".join(f"would {change.line(done=False)}\n" for change in plan.changes), end="")
        return 0
    return run_generate(plan, force=options.force)


def run_generate(plan: Plan, *, force: bool) -> int:
    """Write, and say what changed."""
    if plan.edited and not force:
        report(f"{plan.places.out / path} was edited by hand, or merged by git." for path in plan.edited)
        report(["See `seamark generate --diff`; what you need belongs into specs/. `--force` makes them anew."])
        return 1
    plan.apply()
    report(plan.findings)
    for change in plan.changes:
        print(change.line(done=True))
    return 0


def run_check(plan: Plan) -> int:
    """Say what is not as it should be, and how to mend it."""
    from tools.generate.git import untracked

    faults = plan.faults()
    disagree = any(finding.level == "error" for finding in plan.findings)
    new = [] if faults else untracked([plan.places.out, plan.places.specs])
    report([*plan.findings, *faults, *(f"{path} is not in git." for path in new)])
    report([MEND] * bool(faults) + [DISAGREE] * disagree + [UNTRACKED] * bool(new))
    return 1 if faults or disagree or new else 0


def report(lines: Iterable[object]) -> None:
    """Write *lines* where people look for errors."""
    for line in lines:
        print(line, file=sys.stderr)


@contextmanager
def one_at_a_time(out: Path) -> Iterator[None]:
    """Wait until no other run writes into the same folder: `--watch` and `up --dev` see the same change."""
    name = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir()) / f"seamark-generate-{os.getuid()}-{name}.lock"):
        yield
