"""The first pass: blocks told apart by what they compute, from the inputs up.

Purpose: an order of the blocks, or of groups of blocks, that does not depend on names or
on the order of the file. For most cells it leaves no ties and nothing else has to run.
Non-goals: ties (`nasdsl.canonical.refine`, `nasdsl.canonical.search`).
"""

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
    roles = dag.roles()
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
            key = (one, other, left == right, dag.combines[block], roles[block])
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
