"""How many threads a CPU gives to an operation.

Purpose: one thread for networks whose operations are too small to share out.
Non-goals: processes that load images; accelerators.

PyTorch gives every operation all cores. An operation of a tiny network is over before the
others have woken up, and where other work keeps the cores busy each one waits for its last
thread: dozens of times slower than one thread alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nasdsl.network.cost import graph_cost
from nasdsl.network.graph import NetworkGraph

#: Mult-adds of a layer's forward pass below which a core alone is as fast: some 100 microseconds.
_WORTH_SHARING = 500_000


def threads_for(graph: NetworkGraph, images: int) -> int:
    """Threads for a network that is trained on `images` at a time.

    It depends on nothing but these and the machine, so a run that goes on takes the same
    number, and sums in the same order.
    """
    layers = sum(
        node.primitive in ("conv", "depthwise", "linear")
        for module in graph.modules
        for node in module.body.nodes
    )
    share = graph_cost(graph).mult_adds * images / max(layers, 1)
    return torch.get_num_threads() if share >= _WORTH_SHARING else 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use `count` threads while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
