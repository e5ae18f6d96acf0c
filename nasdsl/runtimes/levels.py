"""Levels: which operations of a network may run at the same time, and on which stream.

Purpose: `places_of` deals operations to streams level by level and says what each has to wait for.
The greedy schedule of IOS (Ding et al., MLSys 2021, section 6) runs at once whatever can run; a
level is that: the operations whose longest way from the image has the same length.
Non-goals: running them (`nasdsl.runtimes.on_streams`). Nothing here knows PyTorch.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """Where an operation runs.

    Attributes:
        stream: from 0 on.
        waits: earlier operations on other streams that have to be done before it begins, none of
            which another one waits for already.
    """

    stream: int
    waits: tuple[int, ...]


def levels_of(reads: Sequence[Sequence[int]]) -> list[int]:
    """The level of each operation; those that read nothing are at 0.

    Args:
        reads: for each operation, the earlier ones whose results it reads.
    """
    levels: list[int] = []
    for inputs in reads:
        levels.append(1 + max((levels[one] for one in inputs), default=-1))
    return levels


def places_of(reads: Sequence[Sequence[int]], streams: int) -> list[Place]:
    """A place for each operation, in the order in which they are given.

    A level is spread over the streams evenly. An operation stays on the stream of one of its inputs
    where that has no more to do at this level than others, which saves waiting.

    Args:
        reads: for each operation, the earlier ones whose results it reads.
        streams: how many there are, at least 1.
    """
    assert streams > 0, streams
    load: dict[int, list[int]] = {}
    places: list[Place] = []
    # For each stream, the last operation of every stream that is done when its next one begins.
    known = [[-1] * streams for _ in range(streams)]
    after: list[list[int]] = []
    for number, (inputs, level) in enumerate(zip(reads, levels_of(reads), strict=True)):
        busy = load.setdefault(level, [0] * streams)
        free = [stream for stream in range(streams) if busy[stream] == min(busy)]
        own = next((places[one].stream for one in inputs if places[one].stream in free), free[0])
        busy[own] += 1
        waits = []
        # The latest first: what it waited for is known with it.
        for one in sorted(set(inputs), reverse=True):
            if known[own][places[one].stream] < one:
                waits.append(one)
                known[own] = [max(pair) for pair in zip(known[own], after[one], strict=True)]
        known[own][own] = number
        after.append(list(known[own]))
        places.append(Place(own, tuple(waits)))
    return places
