"""The runtime `eager`: PyTorch as it is."""

from typing import Any

from nasdsl.runtimes.runtime import Call, Runtime


def load(network: Any, threads: int) -> Call:
    """The network itself."""
    import torch

    def call(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = network(images)
        return found

    torch.set_num_threads(threads)
    return call


RUNTIME = Runtime(
    "eager",
    "PyTorch, op by op",
    load,
    any_size=True,
    dtypes=("float32", "float64", "bfloat16", "float16"),
    devices=None,
)
