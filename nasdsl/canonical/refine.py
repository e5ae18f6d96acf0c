"""Colour refinement: groups of blocks split until members of a group look alike.

Purpose: the coarsest equitable partition that is finer than a given one, in an order that
depends on nothing but the graph; O(m log n) steps.
Non-goals: telling apart blocks that refinement cannot (`nasdsl.canonical.search`).

The method is Hopcroft's, as it is used for graph isomorphism (McKay, "Practical graph
isomorphism", 1981): a group is known by the position its first member would have, splits
keep the order of groups, and what happens next depends on positions and sizes alone. So
isomorphic graphs are refined in step, whatever their blocks are called.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

#: For each block, its neighbours and the label of the edge to them. Even labels go to what
#: a block reads, odd ones to its readers; the two ends of an edge differ by one.
Edges = Mapping[int, Sequence[tuple[int, int]]]


def refined(
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
