"""How many CPU threads a network is worth.

torch is imported on use.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from nasdsl.network.graph import NetworkGraph
from nasdsl.primitives import PRIMITIVES

#: Mult-adds of a layer's forward pass below which one core is as fast: some 100 microseconds.
_MIN_SHARED_WORK = 500_000


def threads_for(graph: NetworkGraph, images: int) -> int:
    """The number of CPU threads for a network that computes `images` at a time.

    PyTorch gives every operation all cores. An operation of a tiny network ends before the other
    cores have started, and where they are busy, each one waits for its last thread: dozens of
    times slower than one thread.

    The number depends only on the network, the images and the machine, so a resumed run takes
    the same one and sums in the same order.
    """
    layers = total = 0
    for module in graph.modules:
        work = [PRIMITIVES[node.primitive].mult_adds(node) for node in module.body.nodes]
        layers += sum(mult_adds > 0 for mult_adds in work)
        total += 0 if module.for_auxiliary else sum(work)
    share = total * images / max(layers, 1)
    most: int = import_module("torch").get_num_threads()
    return most if share >= _MIN_SHARED_WORK else 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use `count` threads while the block runs."""
    torch: Any = import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
