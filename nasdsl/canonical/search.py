"""Ties that refinement leaves: an order of the blocks all the same.

Purpose: a canonical order for any cell, in bounded work.
Non-goals: general graphs; every block reads two states, and some steps rest on that.

Three steps, over and over. What a group has with every member of another alike is known
from the colours, so those edges go, and those of blocks that are alone in their group.
What is left falls into components; each is ordered by itself, and components that come
out equal may trade places. This alone orders any number of equal blocks, chains or trees.
A component that holds together is ordered by making one of its blocks special, once for
every block of its smallest group, and keeping the least outcome: that may take
exponential work in theory, so it is counted, and refused past a limit. The count is a
property of the graph, so of two isomorphic cells both are refused or neither.
"""

from collections.abc import Iterator, Sequence

from nasdsl.canonical.dag import Dag
from nasdsl.canonical.levels import ranked_groups
from nasdsl.canonical.refine import Edges, refined

#: Steps (blocks and edges looked at) in the search over ties: a few seconds.
MAX_WORK = 1_000_000
#: Blocks that may be special at once. Each is one level of recursion or two.
MAX_DEPTH = 60

_Certificate = tuple[tuple[int, tuple[tuple[int, int], ...]], ...]


class TooSymmetric(Exception):
    """Ordering the cell would take more work than is allowed."""


def canonical_order(dag: Dag) -> list[int]:
    """The blocks in an order that isomorphic graphs share, each after what it reads.

    Raises:
        TooSymmetric: the limits above are passed.
    """
    groups = ranked_groups(dag)
    if len(groups) == len(dag):
        return [group[0] for group in groups]
    edges = labelled_edges(dag)
    colour, _ = refined(groups, edges, range(len(groups)))
    return _Search().order(list(range(len(dag))), colour, edges, 0)


def labelled_edges(dag: Dag) -> dict[int, list[tuple[int, int]]]:
    """The edges between blocks, labelled by op and, where it matters, by slot."""
    found = []
    for block, operands in enumerate(dag.operands):
        for slot, (state, op) in enumerate(operands):
            if state >= 0:
                found.append((block, state, (slot if dag.ordered[block] else 0, op)))
    number = {label: 2 * n for n, label in enumerate(sorted({label for _, _, label in found}))}
    edges: dict[int, list[tuple[int, int]]] = {block: [] for block in range(len(dag))}
    for reader, state, label in found:
        edges[reader].append((state, number[label]))
        edges[state].append((reader, number[label] + 1))
    return edges


class _Search:
    """One search; `work` is what it has cost so far."""

    def __init__(self) -> None:
        self.work = 0

    def order(
        self, blocks: list[int], colour: dict[int, int], edges: Edges, depth: int
    ) -> list[int]:
        """`blocks` in canonical order, by colour first. `colour` is equitable on them.

        The recursion is shallow: a component that has lost edges has at most half of
        each of its groups, as the sizes of its groups stand in fixed proportions.
        """
        groups = _grouped(blocks, colour)
        tied = [block for block in blocks if len(groups[colour[block]]) > 1]
        if not tied:
            return sorted(blocks, key=colour.__getitem__)
        rest = _telling_edges(tied, groups, colour, edges)
        parts = list(_components(tied, rest))
        if len(parts) == 1 and len(tied) == len(blocks):
            return self._least(blocks, groups, colour, rest, depth)
        orders = [
            part if len(part) == 1 else self.order(part, colour, rest, depth) for part in parts
        ]
        orders.sort(key=lambda order: _certificate(order, colour, rest))
        place = {block: (colour[block], 0) for block in blocks}
        count = 0
        for order in orders:
            for block in order:
                count += 1
                place[block] = (colour[block], count)
        return sorted(blocks, key=place.__getitem__)

    def _least(
        self,
        blocks: list[int],
        groups: dict[int, list[int]],
        colour: dict[int, int],
        edges: Edges,
        depth: int,
    ) -> list[int]:
        """The order with the least certificate, each block of one group being special once."""
        if depth == MAX_DEPTH:
            raise TooSymmetric
        target = min(groups, key=lambda start: (len(groups[start]), start))
        before = [groups[start] for start in sorted(groups) if start < target]
        after = [groups[start] for start in sorted(groups) if start > target]
        best: tuple[_Certificate, list[int]] | None = None
        for special in groups[target]:
            others = [block for block in groups[target] if block != special]
            finer, work = refined([*before, [special], others, *after], edges, [len(before)])
            self.work += work + len(blocks)
            if self.work > MAX_WORK:
                raise TooSymmetric
            order = self.order(blocks, finer, edges, depth + 1)
            found = _certificate(order, colour, edges), order
            if best is None or found[0] < best[0]:
                best = found
        assert best is not None
        return best[1]


def _grouped(blocks: Sequence[int], colour: dict[int, int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for block in blocks:
        groups.setdefault(colour[block], []).append(block)
    return groups


def _telling_edges(
    tied: list[int], groups: dict[int, list[int]], colour: dict[int, int], edges: Edges
) -> dict[int, list[tuple[int, int]]]:
    """The edges between tied blocks that colours do not already imply.

    A block reads two states at most, so a group that another reads alike and whole has
    two members, and each reader reads both of them by one label.
    """
    inside = set(tied)
    whole = set()
    for block in tied:
        reads = [edge for edge in edges[block] if edge[1] % 2 == 0]
        if len(reads) == 2 and reads[0][1] == reads[1][1]:
            one, other = reads[0][0], reads[1][0]
            alike = one in inside and other in inside and colour[one] == colour[other]
            if alike and one != other and len(groups[colour[one]]) == 2:
                whole.add(block)
    return {
        block: [
            (neighbour, label)
            for neighbour, label in edges[block]
            if neighbour in inside and (neighbour if label % 2 else block) not in whole
        ]
        for block in tied
    }


def _components(blocks: list[int], edges: Edges) -> Iterator[list[int]]:
    seen: set[int] = set()
    for first in blocks:
        if first in seen:
            continue
        seen.add(first)
        part = [first]
        for block in part:
            for neighbour, _ in edges[block]:
                if neighbour not in seen:
                    seen.add(neighbour)
                    part.append(neighbour)
        yield part


def _certificate(order: list[int], colour: dict[int, int], edges: Edges) -> _Certificate:
    """The graph as `order` shows it: equal for two orders that an isomorphism carries over."""
    place = {block: index for index, block in enumerate(order)}
    return tuple(
        (
            colour[block],
            tuple(sorted((label, place[neighbour]) for neighbour, label in edges[block])),
        )
        for block in order
    )
