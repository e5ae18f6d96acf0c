"""A cost by module and by what it is made of: rows of tables, whoever shows them."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from nasdsl.network.cost import Cost, ModuleCost, NodeCounts, total

_ROLES = {
    "input": "input projections",
    "combine": "combining",
    "output": "output projections",
    "stem": "stem",
    "head": "head",
}


class CostRow(NamedTuple):
    """Something of a network, how many times it has it, and what all of them cost together."""

    name: str
    uses: int
    cost: NodeCounts


def module_rows(cost: Cost) -> Iterator[CostRow]:
    """A row for each run of modules that cost the same, without the auxiliary classifier."""
    modules = [module for module in cost.modules if not module.for_auxiliary]
    for _, run in groupby(modules, key=lambda module: (module.role, module.kind, module.count)):
        same = list(run)
        yield CostRow(run_name(same), len(same), total(module.count for module in same))


def part_rows(cost: Cost) -> Iterator[CostRow]:
    """A row for each op, then one for each other role, without the auxiliary classifier."""
    for op in cost.ops:
        yield CostRow(op.op, op.uses, op.count)
    for role, name in _ROLES.items():
        counts = [
            part.count
            for module in cost.modules
            for part in module.parts
            if part.role == role and not module.for_auxiliary
        ]
        if any(count.params or count.mult_adds for count in counts):
            yield CostRow(name, len(counts), total(counts))


def run_name(same: Sequence[ModuleCost]) -> str:
    """`cells.2-3 normal`."""
    first, last = same[0].name, same[-1].name
    name = first if len(same) == 1 else f"{first}-{last.rpartition('.')[2]}"
    return f"{name} {same[0].kind}" if same[0].kind else name
