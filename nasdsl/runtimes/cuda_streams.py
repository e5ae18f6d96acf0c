"""The runtime `cuda_streams`: as `cuda_graphs`, with the operations of a level side by side.

A cell has operations that do not need one another, and one small kernel leaves most of a large GPU
idle. Whether that pays depends on the GPU and the batch, so it is a runtime of its own.
"""

from dataclasses import replace
from typing import Any

from nasdsl.runtimes.cuda_graphs import RUNTIME as ON_ONE_STREAM
from nasdsl.runtimes.cuda_graphs import recorded_by_shape
from nasdsl.runtimes.runtime import Call

#: With the recording one. The published cells have up to ten operations at a level.
_STREAMS = 4


def load(network: Any, threads: int) -> Call:
    """The network, recorded on several streams at the first images of each shape."""
    import torch

    from nasdsl.runtimes.on_streams import OnStreams

    torch.set_num_threads(threads)
    device = next(network.parameters()).device
    with torch.cuda.device(device):
        run = OnStreams(network, _STREAMS, torch.cuda)
    return recorded_by_shape(run, device, torch.cuda)


RUNTIME = replace(
    ON_ONE_STREAM,
    name="cuda_streams",
    help="the same, with independent operations side by side",
    load=load,
)
