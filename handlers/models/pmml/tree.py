"""TreeModel. Source: PMML 4.4, TreeModel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.outcome import NOTHING, Goal, Outcome, likeliest
from handlers.models.pmml.predicates import PREDICATES, Predicate, Split, always, compiled, split_of
from handlers.models.pmml.scope import Row, Scope

UNKNOWN: Final = ("none", "lastPrediction", "nullPrediction", "defaultChild", "weightedConfidence", "aggregateNodes")
UNTRUE: Final = ("returnNullPrediction", "returnLastPrediction")


@dataclass(slots=True, eq=False)
class Node:
    """A node: whether it is entered, and what it says where the way ends."""

    test: Predicate
    primary: Predicate | None  #: the part of the test that surrogates stand for
    split: Split | None
    outcome: Outcome
    records: float | None
    counts: Mapping[Any, float]
    children: list[Node] = field(default_factory=list)
    default: Node | None = None


@dataclass(frozen=True, eq=False)
class Tree:
    """A whole tree."""

    root: Node
    unknown: str
    untrue: str
    penalty: float

    @property
    def sure(self) -> bool:
        """Tell whether the root is always entered."""
        return self.root.test is always

    def __call__(self, row: Row) -> Outcome:
        """Walk from the root to where no child is entered."""
        if not self.root.test(row):
            return NOTHING
        return self.below(self.root, row)

    def below(self, node: Node, row: Row) -> Outcome:
        """Walk on from a node that was entered."""
        said, penalties = NOTHING, 0
        lenient = self.unknown == "none"
        while True:
            if node.outcome.value is not None:
                said = node.outcome
            child, verdict = entered(node, row, lenient)
            if child is None:
                break
            if verdict is None:
                if self.unknown != "defaultChild":
                    return self._unknown(node, said, row)
                child = node.default
                if child is None:
                    return NOTHING
            if verdict is None or (child.primary is not None and child.primary(row) is None):
                penalties += 1
            node = child
        if node.children and self.untrue == UNTRUE[0]:
            return NOTHING
        return penalised(said, self.penalty**penalties) if penalties and self.penalty != 1.0 else said

    def _unknown(self, node: Node, said: Outcome, row: Row) -> Outcome:
        """Return what is said where it is unknown whether a child is to be entered."""
        if self.unknown == "lastPrediction":
            return said
        if self.unknown == "nullPrediction":
            return NOTHING
        ways = [child for child in node.children if child.test(row) is not False]
        if self.unknown == "weightedConfidence":
            return weighted([(child, self.below(child, row)) for child in ways])
        return self._aggregated(ways, row)

    def _aggregated(self, ways: list[Node], row: Row) -> Outcome:
        """Add up the records of all leaves that may be reached."""
        total: dict[Any, float] = {}
        while ways:
            node = ways.pop()
            if node.children:
                ways += self._possible(node, row)
                continue
            for value, count in node.counts.items():
                total[value] = total.get(value, 0.0) + count
        return of_counts(total)

    @staticmethod
    def _possible(node: Node, row: Row) -> list[Node]:
        """Return the children that may be entered: the first that is, or all of which it is unknown."""
        found: list[Node] = []
        for child in node.children:
            verdict = child.test(row)
            if verdict and not found:
                return [child]
            if verdict is not False:
                found.append(child)
        return found


def entered(node: Node, row: Row, lenient: bool) -> tuple[Node | None, bool | None]:
    """Return the first child whose predicate is true, or unless *lenient* unknown; and which of both it is."""
    for child in node.children:
        verdict = child.test(row)
        if verdict or (verdict is None and not lenient):
            return child, verdict
    return None, None


def penalised(outcome: Outcome, factor: float) -> Outcome:
    """Return an outcome of which we are less confident, since values were missing on the way."""
    confidences = {value: one * factor for value, one in outcome.confidences.items()}
    return Outcome(outcome.value, outcome.probabilities, confidences, outcome.entity)


def weighted(found: list[tuple[Node, Outcome]]) -> Outcome:
    """Return the confidences of several children, each weighted with its records."""
    records = sum(node.records or 0.0 for node, _ in found)
    if not records:
        return NOTHING
    total: dict[Any, float] = {}
    for node, outcome in found:
        for value, confidence in outcome.confidences.items():
            total[value] = total.get(value, 0.0) + confidence * (node.records or 0.0) / records
    return Outcome(likeliest(total), total, total)


def of_counts(counts: Mapping[Any, float]) -> Outcome:
    """Return the outcome of so many records of each class."""
    whole = sum(counts.values())
    if not whole:
        return NOTHING
    shares = {value: count / whole for value, count in counts.items()}
    return Outcome(likeliest(shares), shares, shares)


def compile_tree(element: Element, scope: Scope, goal: Goal) -> Tree:
    """Return a tree; its nodes are visited with a stack, for some trees are deeper than Python calls.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    unknown = element.choice("missingValueStrategy", UNKNOWN, "none")
    if unknown in ("weightedConfidence", "aggregateNodes") and not goal.classifies:
        raise wrong(element, f"missingValueStrategy={unknown!r} is for classification alone.")
    place = 0
    root: Node | None = None
    waiting: list[tuple[Element, Node | None]] = [(element.need("Node"), None)]
    ids: dict[int, dict[str, Node]] = {}
    parents: list[tuple[Element, Node]] = []
    while waiting:
        one, parent = waiting.pop()
        place += 1
        node = node_of(one, scope, goal, str(place))
        root = root or node
        if parent is not None:
            parent.children.append(node)
            ids.setdefault(id(parent), {})[one.get("id")] = node
        if unknown == "defaultChild" and "defaultChild" in one.attributes:
            parents.append((one, node))
        waiting += [(child, node) for child in reversed(list(one.all("Node")))]
    for one, node in parents:
        node.default = ids.get(id(node), {}).get(one.get("defaultChild"))
        if node.default is None:
            raise wrong(one, "defaultChild names none of its children.")
    assert root is not None
    untrue = element.choice("noTrueChildStrategy", UNTRUE, UNTRUE[0])
    return Tree(root, unknown, untrue, element.number("missingValuePenalty", 1.0))


def node_of(element: Element, scope: Scope, goal: Goal, place: str) -> Node:
    """Return a node without its children."""
    element.only(*PREDICATES, "Node", "ScoreDistribution")
    counts: dict[Any, float] = {}
    chances: dict[Any, float] = {}
    confidences: dict[Any, float] = {}
    for one in element.all("ScoreDistribution"):
        value = literal(one, one.text_of("value"), goal.kind)
        counts[value] = one.number("recordCount")
        confidences[value] = one.number("confidence", -1.0)
        chances[value] = one.number("probability", -1.0)
    shares = of_counts(counts).probabilities
    if any(chance < 0.0 for chance in chances.values()):
        chances = dict(shares)
    if any(confidence < 0.0 for confidence in confidences.values()):
        confidences = dict(shares)
    score = literal(element, element.get("score"), goal.kind) if "score" in element.attributes else likeliest(counts)
    outcome = Outcome(score, chances, confidences, element.get("id", place))
    predicate = element.need(*PREDICATES)
    primary = compiled(predicate.children[0], scope) if predicate.get("booleanOperator") == "surrogate" else None
    test, split = compiled(predicate, scope), split_of(predicate, scope)
    return Node(test, primary, split, outcome, element.maybe_number("recordCount"), counts)
