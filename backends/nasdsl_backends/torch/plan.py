"""Plans: a body of the graph as a module that runs its nodes in order.

Purpose: `GraphModule` registers parameters under the graph's names and runs a list of steps
worked out once: which layer, which values it reads, which values nobody needs afterwards.
Non-goals: what a primitive becomes (`emission`), the network around (`network`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nasdsl.network.graph import Body, Node
from nasdsl_backends.torch.emission import (
    EMISSIONS,
    GIVES_AWAY,
    HANDS_ON,
    IN_PLACE,
    Function,
    Place,
)


class Step(NamedTuple):
    """One node of a plan.

    Attributes:
        path: where its module is, from the plan's module; empty for functions.
        function: what computes it where there is no module.
        inputs: the slots it reads.
        output: the slot it fills.
        frees: the slots nobody reads after it.
        drop: which of the plan's random masks multiplies its input; -1 for none.
    """

    path: tuple[str, ...]
    function: Function | None
    inputs: tuple[int, ...]
    output: int
    frees: tuple[int, ...]
    drop: int


class GraphModule(nn.Module):
    """A stem, cell or classifier: states in, states out.

    Submodules are named as the graph's nodes are, so `b0.left.1` is the node of that name.
    They are looked up by name whenever they run: replacing one (with a `SyncBatchNorm`, a
    quantised layer, ...) works as it does elsewhere.
    """

    def __init__(self, body: Body, place: Place) -> None:
        super().__init__()
        layers = {node.name: EMISSIONS[node.primitive](node, place) for node in body.nodes}
        self.steps, self.outputs = _planned(body, layers)
        self.drops = sum(step.drop >= 0 for step in self.steps)
        for name, layer in layers.items():
            if isinstance(layer, nn.Module):
                register(self, name.split("."), layer)

    def forward(self, *states: Tensor, keep: Tensor | float | None = None) -> tuple[Tensor, ...]:
        """The body's outputs.

        Args:
            states: one for each port of the body, (B, C, H, W).
            keep: the probability with which each path is kept; None keeps all.
        """
        values: list[Any] = [*states, *[None] * len(self.steps)]
        masks = None
        if keep is not None and self.drops:
            masks = _masks(states[0], self.drops, keep)
        for path, function, inputs, output, frees, drop in self.steps:
            operands = [values[slot] for slot in inputs]
            for slot in frees:
                values[slot] = None
            if function is None:
                layer: nn.Module = self
                for name in path:
                    layer = layer._modules[name]  # type: ignore[assignment]
                values[output] = layer(*operands)
            elif drop < 0:
                values[output] = function(*operands)
            elif masks is not None:
                (operand,) = operands
                values[output] = operand * masks[drop].to(operand.dtype)
            else:
                (values[output],) = operands
        return tuple([values[slot] for slot in self.outputs])


def _masks(state: Tensor, count: int, keep: Tensor | float) -> Tensor:
    """`count` masks of (B, 1, 1, 1): 1 / keep with probability `keep`, else 0."""
    drawn = torch.rand((count, state.shape[0], 1, 1, 1), device=state.device)
    return (drawn < keep) / keep


def register(
    root: nn.Module,
    path: Sequence[str],
    layer: nn.Module,
    container: type[nn.Module] = nn.ModuleDict,
) -> None:
    """Put a module below `root`, in containers where the path has several words."""
    for name in path[:-1]:
        child = root._modules.get(name)
        if child is None:
            child = container()
            root.add_module(name, child)
        root = child
    root.add_module(path[-1], layer)


# -- steps ------------------------------------------------------------------------------


def _planned(
    body: Body, layers: Mapping[str, nn.Module | Function]
) -> tuple[tuple[Step, ...], tuple[int, ...]]:
    """The steps of a body, and the slots of its outputs."""
    nodes = body.nodes
    slots = {port.name: index for index, port in enumerate(body.ports)}
    slots.update((node.name, len(body.ports) + index) for index, node in enumerate(nodes))
    last_reader: dict[str, str] = {}
    for node in nodes:
        last_reader.update((name, node.name) for name in node.inputs)
    owned = _owned(body)
    steps: list[Step] = []
    drops = 0
    for node in nodes:
        frees = {slots[name] for name in node.inputs if last_reader[name] == node.name}
        frees -= {slots[name] for name in body.outputs}
        inputs, function = _function(node, layers[node.name], owned)
        is_drop = node.primitive == "drop_path"
        steps.append(
            Step(
                () if function else tuple(node.name.split(".")),
                function,
                tuple(slots[name] for name in inputs),
                slots[node.name],
                tuple(sorted(frees)),
                drops if is_drop else -1,
            )
        )
        drops += is_drop
    return tuple(steps), tuple(slots[name] for name in body.outputs)


def _owned(body: Body) -> set[str]:
    """Values that their one reader may overwrite: nothing else needs them, nor any gradient."""
    reads: dict[str, int] = {}
    for name in (*body.outputs, *(name for node in body.nodes for name in node.inputs)):
        reads[name] = reads.get(name, 0) + 1
    owned: set[str] = set()
    for node in body.nodes:
        fresh = node.primitive in GIVES_AWAY
        handed = node.primitive in HANDS_ON and node.inputs[0] in owned
        if (fresh or handed) and reads.get(node.name) == 1:
            owned.add(node.name)
    return owned - set(body.outputs)


def _function(
    node: Node, layer: nn.Module | Function, owned: set[str]
) -> tuple[tuple[str, ...], Function | None]:
    """The node's inputs in the order of its operands, and its function; None for a module."""
    if isinstance(layer, nn.Module):
        return node.inputs, None
    mine = next((name for name in node.inputs if name in owned), None)
    if mine is None or node.primitive not in IN_PLACE:
        return node.inputs, layer
    rest = tuple(name for name in node.inputs if name != mine)
    return (mine, *rest), IN_PLACE[node.primitive]
