"""`Bodies`: what networks of one space have in common, made once.

Purpose: a super-network expands another member in every step. Its stem and its head are like those
of the member before, and so are the cells that the skeleton brings or the space leaves closed.
Non-goals: what a cell becomes (`nasdsl.network.cells`).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from nasdsl.language.genotype.types import Cell, CellKind
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network.cells import BodyState, CellExpansion, CellRules
from nasdsl.network.graph import Body, Part

MemoKey = TypeVar("MemoKey")
MemoValue = TypeVar("MemoValue")
#: How many cells, and how many other bodies, are kept.
_KEPT = 64


class Bodies:
    """Bodies of networks of one space that share a configuration, the newest of them.

    Modules of two networks that compute the same share a `Body`, as those of one network do, and
    with it what is kept there (`nasdsl.network.graph.once_a_body`).
    """

    def __init__(self) -> None:
        self._expansions: OrderedDict[Cell, CellExpansion] = OrderedDict()
        self._bodies: OrderedDict[Body, Body] = OrderedDict()
        self._ops: dict[CellKind, dict[tuple[object, ...], tuple[Part, BodyState]]] = {}

    def __reduce__(self) -> tuple[type["Bodies"], tuple[()]]:
        # What is kept on bodies belongs to one super-network; a copy begins anew.
        return Bodies, ()

    def expansion(
        self, cell: Cell, vocabulary: Vocabulary, rules: CellRules, drop_path: bool
    ) -> CellExpansion:
        """What makes the bodies of a cell."""

        # A space has one vocabulary for each kind of cell, and a configuration one set of rules.
        def make() -> CellExpansion:
            ops = self._ops.setdefault(cell.kind, {})
            return CellExpansion(cell, vocabulary, rules, drop_path, ops)

        return _newest(self._expansions, cell, make)

    def first(self, body: Body) -> Body:
        """The first body that equals this one."""
        return _newest(self._bodies, body, lambda: body)


def _newest(
    known: OrderedDict[MemoKey, MemoValue], key: MemoKey, make: Callable[[], MemoValue]
) -> MemoValue:
    """What is known of a key, or is made now; the oldest is forgotten."""
    if key in known:
        known.move_to_end(key)
        return known[key]
    made = known[key] = make()
    if len(known) > _KEPT:
        known.popitem(last=False)
    return made
