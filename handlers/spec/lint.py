"""Find what is wrong in a spec, with file and line, and say what to do about it.

A spec accepts a finding where it stands, or around it, by its rule and with a reason:

    x-lint-allow:
      media-types: Clients of the older release send either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator
from openapi_spec_validator.schemas import openapi_v30_schema_validator

from handlers.spec import examples, rules
from handlers.spec.bundle import Bundle, make_bundle
from handlers.spec.findings import Fault, Finding, Level, Rule, SpecError
from handlers.spec.shape import walk
from handlers.spec.source import escape

RULES = (*rules.RULES, *examples.RULES)
ALLOW = "x-lint-allow"


def lint(path: Path, root: Path | None = None) -> list[Finding]:
    """Return what is wrong in the spec *path*, in the order of the file; nothing if all is well.

    Args:
        path: The spec.
        root: Folder that references may not leave; by default `specs`.
    """
    try:
        spec = make_bundle(path, root)
    except SpecError as error:
        return [error.finding]
    return findings_in(spec)


def findings_in(spec: Bundle) -> list[Finding]:
    """Return what is wrong in a bundled spec, in the order of the file."""
    # Each step takes what the one before has found right for granted.
    found = [as_finding(spec, "openapi", "error", fault) for fault in openapi_faults(spec.document)]
    found = found or list(apply(RULES, spec))
    if not any(finding.level == "error" for finding in found):
        validator = OpenAPIV30SpecValidator(spec.document)
        found += [as_finding(spec, "openapi", "error", fault) for fault in as_faults(validator.iter_errors())]
    return sorted(set(found))


def openapi_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what the schema of OpenAPI itself refuses."""
    return as_faults(openapi_v30_schema_validator.iter_errors(document))


def as_faults(errors: Iterable[Any]) -> Iterator[Fault]:
    """Yield the errors of a validator as ours."""
    for error in errors:
        steps = [escape(str(step)) for step in error.absolute_path]
        words = error.message if len(error.message) <= 300 else f"{error.message[:300]}…"
        yield Fault("/".join(["", *steps]), f"OpenAPI 3.0 does not allow this: {words}.", "See its specification.")


def apply(wanted: Sequence[Rule], spec: Bundle) -> Iterator[Finding]:
    """Yield what the rules find and the spec does not accept, and what it accepts in vain."""
    allowed = set(accepted(spec.document))
    used: set[tuple[str, str]] = set()
    for rule in wanted:
        for fault in rule.check(spec.document):
            here = {(place, rule.name) for place in upwards(fault.pointer)} & allowed
            used |= here
            if not here:
                yield as_finding(spec, rule.name, rule.level, fault)
    for pointer, name in allowed - used:
        fault = Fault(f"{pointer}/{ALLOW}/{escape(name)}", f"Nothing here breaks the rule {name!r}.", "Remove this.")
        yield as_finding(spec, "lint-allow", "error", fault)


def accepted(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the places at which a rule may be broken; without a reason it may not."""
    for part in walk(document):
        given = part.value.get(ALLOW)
        for rule, reason in given.items() if isinstance(given, Mapping) else ():
            if str(reason or "").strip():
                yield part.pointer, rule


def upwards(pointer: str) -> Iterator[str]:
    """Yield *pointer* and those of all that it is inside of."""
    yield pointer
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def as_finding(spec: Bundle, rule: str, level: Level, fault: Fault) -> Finding:
    """Return *fault* with the file and the line that it was written in."""
    file, line = spec.place(fault.pointer)
    return Finding(file, line, rule, fault.message, fault.mend, level)
