"""What a verdict is written out as: the fields that the document names, or else those that everybody expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.expressions import NAMES, expression_of
from handlers.models.formats.pmml.scope import Scope, cast, text_of
from handlers.models.formats.pmml.verdict import Verdict
from handlers.models.formats.pmml.xml import required

Output = tuple[str, bool, Callable[[Verdict, Scope], Any]]  #: name, whether it is shown, what gives its value


def outputs_of(element: Element, kind: str | None) -> Sequence[Output]:
    """Return the output fields of a model; *kind* is the type of what it predicts."""
    inner = element.find("Output")
    return [] if inner is None else [output(one, kind) for one in inner.findall("OutputField")]


def output(element: Element, kind: str | None) -> Output:
    """Return one output field.

    Raises:
        CannotLoad: It is of a kind that is not supported.
    """
    feature, wanted = element.get("feature", "predictedValue"), element.get("dataType")
    shown = element.get("isFinalResult", "true") != "false"
    name = required(element, "name")
    if feature in ("transformedValue", "decision") or (element.get("feature") is None and has_expression(element)):
        work = expression_of(element)
        return name, shown, lambda _, scope: cast(work(scope), wanted)
    if feature in ("predictedValue", "predictedDisplayValue"):
        return name, shown, lambda verdict, _: cast(verdict.value, wanted or kind)
    if feature == "probability":
        return name, shown, probability(element.get("value"))
    if feature == "confidence":
        return name, shown, lambda verdict, _: verdict.confidence
    if feature == "reasonCode":
        rank = int(element.get("rank", "1")) - 1
        return name, shown, lambda verdict, _: verdict.reasons[rank] if rank < len(verdict.reasons) else None
    raise CannotLoad(f"Output fields of the kind {feature[:50]!r} are not supported.")


def has_expression(element: Element) -> bool:
    """Tell whether an output field is worked out."""
    return any(inner.tag in NAMES for inner in element)


def probability(text: str | None) -> Callable[[Verdict, Scope], float | None]:
    """Return what gives the probability of a class; of the one that is predicted, where none is named."""

    def give(verdict: Verdict, _scope: Scope) -> float | None:
        wanted = text if text is not None else (None if verdict.value is None else text_of(verdict.value))
        if not verdict.probabilities or wanted is None:
            return None
        return verdict.probabilities.get(wanted, 0.0)

    return give


def usual(verdict: Verdict, target: str | None, kind: str | None) -> dict[str, Any]:
    """Return the fields of a model that names none."""
    found: dict[str, Any] = {f"predicted_{target}" if target else "predicted": cast(verdict.value, kind)}
    found |= {f"probability_{one}": value for one, value in verdict.probabilities.items()}
    if verdict.confidence is not None and not verdict.probabilities:
        found["confidence"] = verdict.confidence
    return found | {f"reason_code_{rank}": reason for rank, reason in enumerate(verdict.reasons, 1)}
