"""`GraphModule`: a body of the graph as a module.

Purpose: register layers under the graph's names and run the body's program.
Non-goals: working out the program (`program`), what a primitive becomes (`emission`), the network
around (`network`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nasdsl.network.graph import Body
from nasdsl_backends.torch.layers import leaf
from nasdsl_backends.torch.maker import Maker
from nasdsl_backends.torch.program import Program, program_of


class Drop(NamedTuple):
    """How likely a path is dropped: `rate * progress`."""

    rate: float
    progress: Tensor | float


def drop_at(depth: float, rate: float, is_plain: bool, progress: Tensor) -> Drop | None:
    """How likely a path of a module is dropped in training; None where none ever is.

    Args:
        depth: of the module; see `nasdsl.network.graph.Module`.
        rate: the network's drop_path.
        is_plain: whether neither depth nor progress count.
        progress: how far training is. A tensor: reading the number would wait for the device.
    """
    if rate == 0 or depth == 0:
        return None
    return Drop(rate, 1.0) if is_plain else Drop(rate * depth, progress)


class GraphModule(nn.Module):
    """A stem, cell or classifier: states in, states out.

    Submodules are named as the graph's nodes are, so `b0.left.1` is the node of that name.
    They are looked up by name whenever they run: replacing one (with a `SyncBatchNorm`, a
    quantised layer, ...) works as it does elsewhere.

    Args:
        body: what to compute.
        maker: makes the layers.
        program: `program_of(body)`, where it is at hand.
    """

    def __init__(self, body: Body, maker: Maker, program: Program | None = None) -> None:
        super().__init__()
        self.program = program or program_of(body)
        for node in body.nodes:
            layer = maker.layer(node)
            if layer is not None:
                register(self, node.name.split("."), layer)

    def forward(self, *states: Tensor, drop: Drop | None = None) -> tuple[Tensor, ...]:
        """The body's outputs.

        Args:
            states: one for each port of the body, (B, C, H, W).
            drop: how likely each path is dropped; None keeps all.
        """
        masks = None
        if drop is not None and self.program.drops:
            masks = drop_masks(states[0], self.program.drops, *drop)
        return run(self.program, self, states, masks)


def run(
    program: Program, root: nn.Module, states: Sequence[Tensor], masks: Tensor | None = None
) -> tuple[Tensor, ...]:
    """What a program makes of its states, with the layers below `root`."""
    values: list[Any] = [*states, *[None] * len(program.steps)]
    for path, function, inputs, output, frees, drop in program.steps:
        operands = [values[slot] for slot in inputs]
        for slot in frees:
            values[slot] = None
        if function is None:
            layer: nn.Module = root
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
    outputs = [values[slot] for slot in program.outputs]
    if program.unread and root.training and torch.is_grad_enabled():
        # Parameters that no result depends on get a gradient too, of zeros. Whoever waits for one
        # of each, as DistributedDataParallel does, would wait in vain.
        for slot in program.unread:
            nothing = 0 * values[slot][:1, :1, :1, :1]
            outputs[0] = outputs[0] + nothing.to(outputs[0].dtype)
    return tuple(outputs)


@leaf
def drop_masks(state: Tensor, count: int, rate: float, progress: Tensor | float) -> Tensor:
    """`count` masks of (B, 1, 1, 1): 1 / keep with probability keep, else 0."""
    keep = 1 - rate * progress
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
