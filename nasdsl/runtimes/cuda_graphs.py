"""The runtime `cuda_graphs`: PyTorch's calls on a GPU, recorded once for each size of batch.

A network of cells is hundreds of small kernels, and at small batches the CPU takes longer to launch
them than the GPU to run them. A recorded graph is launched by one call.
"""

from typing import Any

from nasdsl.runtimes.runtime import Call, Runtime

#: Runs before the recording, so that cuDNN has chosen its algorithms and memory is there.
_WARM_UP = 3


def load(network: Any, threads: int) -> Call:
    """The network, recorded at the first images of each shape."""
    import torch

    recorded: dict[torch.Size, tuple[Any, torch.Tensor, torch.Tensor]] = {}

    def call(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            if images.shape not in recorded:
                recorded[images.shape] = _recorded(network, images)
            graph, given, logits = recorded[images.shape]
            given.copy_(images)
            graph.replay()
            return logits.clone()  # the next replay writes to the same memory

    torch.set_num_threads(threads)
    return call


def _recorded(network: Any, images: Any) -> tuple[Any, Any, Any]:
    """The graph of a run, where it reads its images, and where it leaves the logits."""
    import torch

    given = images.clone()
    cuda: Any = torch.cuda
    aside = cuda.Stream(given.device)
    aside.wait_stream(cuda.current_stream(given.device))
    with cuda.stream(aside):
        for _ in range(_WARM_UP):
            network(given)
    cuda.current_stream(given.device).wait_stream(aside)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        logits = network(given)
    return graph, given, logits


RUNTIME = Runtime(
    "cuda_graphs",
    "PyTorch on a GPU, recorded as CUDA graphs",
    load,
    any_size=True,
    dtypes=("float32", "float64", "bfloat16", "float16"),
    devices=("cuda",),
)
