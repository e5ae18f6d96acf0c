"""Programs: a body of the graph as a list of steps.

Purpose: work out once which function or layer runs when, which values it reads, whose
memory it may use, and which values nobody needs afterwards.
Non-goals: running it (`module`), what a primitive becomes (`emission`).
"""

from typing import NamedTuple

from nasdsl.network.graph import Body, Node, once_a_body
from nasdsl_backends.torch.emission import EMISSIONS, Function


class Step(NamedTuple):
    """One node of a program.

    Attributes:
        path: where its layer is, from the program's module; empty for functions.
        function: what computes it where there is no layer.
        inputs: the slots it reads.
        output: the slot it fills.
        frees: the slots nobody reads after it.
        drop: which of the program's random masks multiplies its input; -1 for none.
    """

    path: tuple[str, ...]
    function: Function | None
    inputs: tuple[int, ...]
    output: int
    frees: tuple[int, ...]
    drop: int


class Program(NamedTuple):
    """The steps of a body. The first slots are those of the ports, in their order.

    Attributes:
        steps: in order.
        outputs: the slots of the body's outputs.
        drops: how many random masks it draws.
        unread: the slots that nothing reads and that are no outputs.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    drops: int
    unread: tuple[int, ...] = ()


@once_a_body
def program_of(body: Body) -> Program:
    """The program of a body."""
    nodes = body.nodes
    names = (*(port.name for port in body.ports), *(node.name for node in nodes))
    slots = {name: slot for slot, name in enumerate(names)}
    last_reader = {name: node.name for node in nodes for name in node.inputs}
    owned, outputs = _owned(body), set(body.outputs)
    steps: list[Step] = []
    drops = 0
    for node in nodes:
        freed = {
            slots[name]
            for name in node.inputs
            if last_reader[name] == node.name and name not in outputs
        }
        inputs, function = _function(node, owned)
        is_drop = node.primitive == "drop_path"
        steps.append(
            Step(
                () if function else tuple(node.name.split(".")),
                function,
                tuple(slots[name] for name in inputs),
                slots[node.name],
                tuple(sorted(freed)),
                drops if is_drop else -1,
            )
        )
        drops += is_drop
    given = tuple(slots[name] for name in body.outputs)
    return Program(tuple(steps), given, drops, tuple(sorted(slots[n] for n in body.unread)))


def _owned(body: Body) -> set[str]:
    """Values that their one reader may overwrite: nothing else needs them, nor any gradient."""
    reads = dict.fromkeys(body.outputs, 2)
    for node in body.nodes:
        for name in node.inputs:
            reads[name] = reads.get(name, 0) + 1
    owned: set[str] = set()
    for node in body.nodes:
        emission = EMISSIONS[node.primitive]
        handed = emission.hands_on and node.inputs[0] in owned
        if reads.get(node.name) == 1 and (emission.gives_away or handed):
            owned.add(node.name)
    return owned


def _function(node: Node, owned: set[str]) -> tuple[tuple[str, ...], Function | None]:
    """The node's inputs in the order of its operands, and its function; None for a layer."""
    emission = EMISSIONS[node.primitive]
    if emission.function is None:
        return node.inputs, None
    mine = next((name for name in node.inputs if name in owned), None)
    if mine is None or emission.in_place is None:
        return node.inputs, emission.function(node)
    rest = tuple(name for name in node.inputs if name != mine)
    return (mine, *rest), emission.in_place
