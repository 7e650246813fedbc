"""Many trees over many rows at once: arrays in the place of nodes, and all ways walked one step at a time.

Only trees whose nodes have two children with opposite conditions on one number take part, and only rows in which
nothing is missing that a tree cannot do without; all else is walked tree by tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from handlers.models.pmml.outcome import Outcome
from handlers.models.pmml.scope import Row
from handlers.models.pmml.tree import Node, Tree

OPPOSITE: Final = {"lessOrEqual": "greaterThan", "lessThan": "greaterOrEqual"}
Array = Any  #: of NumPy, which is not imported until there is a forest

LARGEST: Final = 2.0**53  #: up to which whole numbers are floats
NONE: Final = -1


class Forest:
    """Trees as arrays: for each node the column it looks at, its limit, and where the ways go."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        """Lay out trees for which `suits` holds, one after the other."""
        import numpy

        nodes: list[Node] = []
        roots = []
        for tree in trees:
            roots.append(len(nodes))
            nodes += all_nodes(tree.root)
        places = {id(node): place for place, node in enumerate(nodes)}
        inner = [node.children[0].split for node in nodes if node.children]
        self.slots = sorted({split.slot for split in inner if split is not None})
        columns = {slot: column for column, slot in enumerate(self.slots)}
        count = len(nodes)
        self.roots = numpy.array(roots)
        self.column, self.left, self.right, self.other = numpy.tile(numpy.arange(count), (4, 1))
        self.column[:] = 0
        self.limit = numpy.zeros(count)
        for place, node in enumerate(nodes):
            if not node.children:
                continue
            first = node.children[0].split
            assert first is not None
            self.column[place] = columns[first.slot]
            # x < limit is x <= the float before it, so that one comparison does for both.
            strict = first.sign == "lessThan"
            self.limit[place] = numpy.nextafter(first.limit, -numpy.inf) if strict else first.limit
            self.left[place], self.right[place] = (places[id(child)] for child in node.children)
            self.other[place] = NONE if node.default is None else places[id(node.default)]
        self.outcomes = numpy.empty(count, dtype=object)
        self.outcomes[:] = [node.outcome for node in nodes]
        self.values = [node.outcome.value for node in nodes]
        self.classes, self.shares = shares_of(nodes)

    def walk(self, rows: Sequence[Row]) -> tuple[Array, list[bool]]:
        """Return the node where each row (first axis) ends in each tree, and which rows are right so."""
        import numpy

        table = numpy.array([[row[slot] for slot in self.slots] for row in rows], dtype=numpy.float64)
        table = table.reshape(len(rows), max(len(self.slots), 1)) if self.slots else numpy.zeros((len(rows), 1))
        missing = numpy.isnan(table)
        holes = bool(missing.any())
        at = numpy.tile(self.roots, (len(rows), 1))
        number = numpy.arange(len(rows))[:, None]
        while True:
            values = table[number, self.column[at]]
            following = numpy.where(values <= self.limit[at], self.left[at], self.right[at])
            if holes:
                following = numpy.where(numpy.isnan(values), self.other[at], following)
                # A way that ended stays where it is: no place is before the first.
                following = numpy.where(at == NONE, NONE, following)
            if (following == at).all():
                break
            at = following
        plain = (at != NONE).all(axis=1) & ~(numpy.abs(table) > LARGEST).any(axis=1)
        return at, plain.tolist()

    def mean_shares(self, at: Array, weights: Sequence[float]) -> list[Outcome]:
        """Return the mean of the trees' shares; added up tree by tree, so that the sum is that of a single row."""
        import numpy

        total = numpy.zeros((len(at), len(self.classes)))
        for tree, weight in enumerate(weights):
            total += self.shares[at[:, tree]] * weight
        total /= sum(weights)
        best = [self.classes[place] for place in total.argmax(axis=1).tolist()]
        found = [dict(zip(self.classes, one, strict=True)) for one in total.tolist()]
        return [Outcome(value, chances, chances) for value, chances in zip(best, found, strict=True)]


def shares_of(nodes: Sequence[Node]) -> tuple[list[Any], Array]:
    """Return the classes, and each leaf's share of each; no classes where not all leaves have them in one order."""
    import numpy

    classes = {tuple(node.outcome.probabilities) for node in nodes if not node.children}
    if len(classes) != 1:
        return [], numpy.empty(0)
    order = list(classes.pop())
    zeros = [0.0] * len(order)
    shares = [zeros if node.children else list(node.outcome.probabilities.values()) for node in nodes]
    return order, numpy.array(shares)


def suits(tree: Any) -> bool:
    """Tell whether a tree can take part."""
    if not isinstance(tree, Tree) or tree.penalty != 1.0 or not tree.sure:
        return False
    return all(two_ways(node) for node in all_nodes(tree.root))


def two_ways(node: Node) -> bool:
    """Tell whether a node is a leaf that says something, or has two children with opposite conditions."""
    if not node.children:
        return node.outcome.value is not None
    if len(node.children) != 2:
        return False
    first, second = (child.split for child in node.children)
    if first is None or second is None:
        return False
    return (first.slot, first.limit) == (second.slot, second.limit) and OPPOSITE.get(first.sign) == second.sign


def all_nodes(root: Node) -> list[Node]:
    """Return a node and all below it."""
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.children
    return found
