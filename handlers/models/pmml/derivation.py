"""In which order derived fields are computed. Source: PMML 4.4, Transformations, "DerivedField"."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.expressions import derived
from handlers.models.pmml.scope import Scope, Step


def derivations(element: Element, scope: Scope) -> list[Step]:
    """Return what computes the fields derived in an element, each after those that it needs.

    Raises:
        Unreadable: A field is derived from itself, or by what is not evaluated.
    """
    fields = {one.text_of("name"): one for one in element.all("DerivedField")}
    graph = {name: (used(one) & fields.keys()) - {name} for name, one in fields.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise wrong(fields[error.args[1][0]], "The field is derived from itself.") from error
    return [derived(fields[name], scope) for name in order]


def used(element: Element) -> set[str]:
    """Return the names of the fields that an expression uses."""
    return {one.get("field") for one in inside(element) if "field" in one.attributes}


def inside(element: Element) -> Iterator[Element]:
    """Give all elements in an element."""
    for child in element.children:
        yield child
        yield from inside(child)
