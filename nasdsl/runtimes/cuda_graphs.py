"""The runtime `cuda_graphs`: PyTorch's calls on a GPU, recorded once for each size of batch.

A network of cells is hundreds of small kernels, and at small batches the CPU takes longer to launch
them than the GPU to run them. A recorded graph is launched by one call.
"""

from collections.abc import Callable
from typing import Any

from nasdsl.runtimes.runtime import Call, Runtime

#: Runs before the recording, so that cuDNN has chosen its algorithms and memory is there.
_WARM_UP = 3


def load(network: Any, threads: int) -> Call:
    """The network, recorded at the first images of each shape."""
    import torch

    torch.set_num_threads(threads)
    return recorded_by_shape(network, next(network.parameters()).device, torch.cuda)


def recorded_by_shape(run: Callable[[Any], Any], device: Any, cuda: Any) -> Call:
    """What runs on a GPU, recorded at the first images of each shape and replayed from then on.

    Args:
        run: images (B, C, H, W) to logits, without waiting for the GPU in between.
        device: where it computes, and where the logits are.
        cuda: `torch.cuda`.
    """
    import torch

    recorded: dict[torch.Size, tuple[Any, torch.Tensor, torch.Tensor]] = {}

    def call(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode(), cuda.device(device):
            if images.shape not in recorded:
                recorded[images.shape] = _recorded(run, images.to(device, copy=True), cuda)
            graph, given, logits = recorded[images.shape]
            given.copy_(images)
            graph.replay()
            return logits.clone()  # the next replay writes to the same memory

    return call


def _recorded(run: Callable[[Any], Any], given: Any, cuda: Any) -> tuple[Any, Any, Any]:
    """The graph of a run, where it reads its images, and where it leaves the logits."""
    aside = cuda.Stream()
    aside.wait_stream(cuda.current_stream())
    with cuda.stream(aside):
        for _ in range(_WARM_UP):
            run(given)
    cuda.current_stream().wait_stream(aside)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        logits = run(given)
    return graph, given, logits


RUNTIME = Runtime(
    "cuda_graphs",
    "PyTorch on a GPU, recorded as CUDA graphs",
    load,
    any_size=True,
    dtypes=("float32", "float64", "bfloat16", "float16"),
    devices=("cuda",),
)
