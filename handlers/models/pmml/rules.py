"""RuleSetModel. Source: PMML 4.4, RuleSet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome, likeliest
from handlers.models.pmml.predicates import PREDICATES, Predicate, predicate_in
from handlers.models.pmml.scope import Row, Scope

RULES: Final = ("SimpleRule", "CompoundRule")


@dataclass(frozen=True, eq=False)
class Rule:
    """A SimpleRule, or with rules in it a CompoundRule."""

    test: Predicate
    score: Any = None
    name: str | None = None
    weight: float = 1.0
    confidence: float = 1.0
    rules: Sequence[Rule] = ()

    def firing(self, row: Row) -> Iterator[Rule]:
        """Give the simple rules that apply, in their order."""
        if self.test(row):
            if self.rules:
                for rule in self.rules:
                    yield from rule.firing(row)
            else:
                yield self


def compile_rules(element: Element, scope: Scope, goal: Goal) -> Evaluate:
    """Return what evaluates the rules of a RuleSet by its first RuleSelectionMethod.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    ruleset = element.need("RuleSet")
    ruleset.only("RuleSelectionMethod", "ScoreDistribution", *RULES)
    select = SELECTIONS[ruleset.need("RuleSelectionMethod").choice("criterion", tuple(SELECTIONS))]
    rules = [rule_of(one, scope, goal) for one in ruleset.all(*RULES)]
    default = default_of(ruleset, goal)

    def evaluate(row: Row) -> Outcome:
        fired = [found for rule in rules for found in rule.firing(row)]
        return select(fired) if fired else default

    return evaluate


def rule_of(element: Element, scope: Scope, goal: Goal) -> Rule:
    """Return a rule with those in it."""
    if element.tag == "CompoundRule":
        element.only(*PREDICATES, *RULES)
        inner = [rule_of(one, scope, goal) for one in element.all(*RULES)]
        if not inner:
            raise wrong(element, "There is no rule in it.")
        return Rule(predicate_in(element, scope), rules=inner)
    element.only(*PREDICATES, "ScoreDistribution")
    score = literal(element, element.text_of("score"), goal.kind)
    weight, confidence = element.number("weight", 1.0), element.number("confidence", 1.0)
    return Rule(predicate_in(element, scope), score, element.get("id") or None, weight, confidence)


def default_of(ruleset: Element, goal: Goal) -> Outcome:
    """Return what is said where no rule applies."""
    if "defaultScore" not in ruleset.attributes:
        return NOTHING
    score = literal(ruleset, ruleset.get("defaultScore"), goal.kind)
    confidence = ruleset.maybe_number("defaultConfidence")
    return Outcome(score, confidences={} if confidence is None else {score: confidence})


def first_hit(fired: Sequence[Rule]) -> Outcome:
    """Return what the first rule says."""
    return of_rule(fired[0], fired)


def weighted_max(fired: Sequence[Rule]) -> Outcome:
    """Return what the rule with the largest weight says, of equals the first."""
    return of_rule(max(fired, key=lambda rule: rule.weight), fired)


def of_rule(rule: Rule, fired: Sequence[Rule]) -> Outcome:
    """Return what a rule says, with its own confidence."""
    others = [one.name for one in fired if one is not rule and one.name is not None]
    entities = [*([rule.name] if rule.name is not None else ()), *others]
    return Outcome(rule.score, confidences={rule.score: rule.confidence}, entity=rule.name, entities=entities)


def weighted_sum(fired: Sequence[Rule]) -> Outcome:
    """Return the score whose rules weigh the most together; the confidence is their weight by the number of rules."""
    totals: dict[Any, float] = {}
    for rule in fired:
        totals[rule.score] = totals.get(rule.score, 0.0) + rule.weight
    best = likeliest(totals)
    confidences = {score: total / len(fired) for score, total in totals.items()}
    ranked = sorted((rule for rule in fired if rule.score == best), key=lambda rule: -rule.weight)
    entities = [rule.name for rule in ranked if rule.name is not None]
    return Outcome(best, confidences=confidences, entity=ranked[0].name, entities=entities)


SELECTIONS: Final[Mapping[str, Callable[[Sequence[Rule]], Outcome]]] = {
    "firstHit": first_hit,
    "weightedMax": weighted_max,
    "weightedSum": weighted_sum,
}
