"""The canonical order of a cell's blocks, in bounded work.

Three steps, each of which runs only where the one before it leaves ties:

1. *Levels.* Blocks are distinguished by what they compute, from the inputs up. For most cells
   this leaves no ties.
2. *Colour refinement.* Groups of blocks are split until the members of a group look alike. The
   method is Hopcroft's, as it is used for graph isomorphism (McKay, "Practical graph
   isomorphism", 1981): a group is known by the position its first member would have, splits
   keep the order of groups, and what happens next depends on positions and sizes alone. So
   isomorphic graphs are refined_colours in step, whatever their blocks are called.
3. *Search.* The edges that a group has with every member of another alike follow from the
   colours, so they are removed, and so are those of blocks that are alone in their group. What is
   left falls into components; each is ordered by itself, and components that turn out equal may
   change places. This alone orders any number of equal blocks, chains or trees. A component that
   holds together is ordered by singling out one of its blocks, once for every block of its
   smallest group, and keeping the least outcome. In theory that takes exponential work, so the
   work is counted and refused past a limit. The count is a property of the graph, so of two
   isomorphic cells both are refused or neither.

This is not for general graphs: every block reads two states, and some steps rely on that.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nasdsl.canonical.dag import Dag


def ranked_groups(dag: Dag) -> list[list[int]]:
    """The blocks in groups; members of a group look alike from the inputs up.

    Groups are ordered by level (one more than the highest level read), so any order that
    keeps to them is one the blocks can be computed in; within a level by what they read,
    how they combine it and their role in the output. Levels are few or long, so all of it
    takes O(n log n) steps.
    """
    groups: list[list[int]] = []
    rank = [0] * len(dag)
    output_places = dag.output_places()
    position = 0
    for level in _levels(dag):
        alike: dict[Any, list[int]] = {}
        for block in level:
            (left, left_op), (right, right_op) = dag.operands[block]
            one = (rank[left] if left >= 0 else left, left_op)
            other = (rank[right] if right >= 0 else right, right_op)
            if other < one and not dag.ordered[block]:
                one, other = other, one
            # Two readings of one state and readings of two that look alike are different.
            key = (one, other, left == right, dag.combines[block], output_places[block])
            alike.setdefault(key, []).append(block)
        for key in sorted(alike):
            group = alike[key]
            groups.append(group)
            for block in group:
                rank[block] = position
            position += len(group)
    return groups


def _levels(dag: Dag) -> list[list[int]]:
    levels: list[list[int]] = []
    height: list[int] = []
    for block, ((left, _), (right, _)) in enumerate(dag.operands):
        above = max(height[left] if left >= 0 else -1, height[right] if right >= 0 else -1) + 1
        height.append(above)
        if above == len(levels):
            levels.append([])
        levels[above].append(block)
    return levels


#: For each block, its neighbours and the label of the edge to them. Even labels go to what
#: a block reads, odd ones to its readers; the two ends of an edge differ by one.
Edges = Mapping[int, Sequence[tuple[int, int]]]


def refined_colours(
    groups: Sequence[Sequence[int]], edges: Edges, splitters: Iterable[int]
) -> tuple[dict[int, int], int]:
    """The colour of each block (the position its group begins at), and the work done.

    Args:
        groups: a partition, in order.
        edges: the labelled edges, both ways.
        splitters: indices of the groups that others may not yet have been split by.
    """
    partition = _Partition(groups, splitters)
    work = 0
    while partition.queue:
        splitter = partition.queue.popleft()
        partition.queued.discard(splitter)
        seen: dict[int, list[int]] = {}
        for block in partition.members[splitter]:
            for neighbour, label in edges[block]:
                seen.setdefault(neighbour, []).append(label)
                work += 1
        partition.split_by(seen)
    return partition.colour, work


class _Partition:
    """An ordered partition, the colour of each block in it, and the groups to split by."""

    def __init__(self, groups: Sequence[Sequence[int]], splitters: Iterable[int]) -> None:
        self.members: dict[int, set[int]] = {}
        self.colour: dict[int, int] = {}
        starts = []
        for group in groups:
            start = len(self.colour)
            starts.append(start)
            self.members[start] = set(group)
            self.colour.update(dict.fromkeys(group, start))
        self.queue = deque(starts[index] for index in splitters)
        self.queued = set(self.queue)

    def split_by(self, seen: dict[int, list[int]]) -> None:
        """Splits every group by the labels its members have towards one splitter."""
        by_colour: dict[int, dict[tuple[int, ...], list[int]]] = {}
        for block, labels in seen.items():
            colour = self.colour[block]
            if len(self.members[colour]) > 1:
                labels.sort()
                by_colour.setdefault(colour, {}).setdefault(tuple(labels), []).append(block)
        for colour in sorted(by_colour):
            alike = by_colour[colour]
            self._split(colour, [alike[labels] for labels in sorted(alike)])

    def _split(self, colour: int, parts: list[list[int]]) -> None:
        """Puts `parts` of a group after what is left of it. Work is in what moves alone."""
        group = self.members[colour]
        left = len(group) - sum(map(len, parts))
        if left == 0:
            left = len(parts[0])
            parts = parts[1:]
        if not parts:
            return
        sizes = {colour: left}
        start = colour + left
        for part in parts:
            sizes[start] = len(part)
            group.difference_update(part)
            self.members[start] = set(part)
            self.colour.update(dict.fromkeys(part, start))
            start += len(part)
        # Being split by all parts but one and by their union is being split by them all.
        spared = colour if colour in self.queued else max(sizes, key=sizes.__getitem__)
        for start in sizes:
            if start != spared:
                self.queue.append(start)
                self.queued.add(start)


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
    colour, _ = refined_colours(groups, edges, range(len(groups)))
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
        groups = _groups(blocks, colour)
        tied = [block for block in blocks if len(groups[colour[block]]) > 1]
        if not tied:
            return sorted(blocks, key=colour.__getitem__)
        rest = _distinguishing_edges(tied, groups, colour, edges)
        parts = list(_components(tied, rest))
        if len(parts) == 1 and len(tied) == len(blocks):
            return self._least_order(blocks, groups, colour, rest, depth)
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

    def _least_order(
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
            finer, work = refined_colours(
                [*before, [special], others, *after], edges, [len(before)]
            )
            self.work += work + len(blocks)
            if self.work > MAX_WORK:
                raise TooSymmetric
            order = self.order(blocks, finer, edges, depth + 1)
            found = _certificate(order, colour, edges), order
            if best is None or found[0] < best[0]:
                best = found
        assert best is not None
        return best[1]


def _groups(blocks: Sequence[int], colour: dict[int, int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for block in blocks:
        groups.setdefault(colour[block], []).append(block)
    return groups


def _distinguishing_edges(
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
