"""The runtime `inductor`: `torch.compile` with its weights frozen.

Compiling takes minutes and needs a C++ compiler.
"""

from importlib import import_module
from typing import Any

from nasdsl.runtimes.runtime import Call, Runtime


def load(network: Any, threads: int) -> Call:
    """The network, compiled at the first image of each size."""
    import torch

    config: Any = import_module("torch._inductor.config")
    compiler: Any = torch.compile
    compiled = compiler(network)

    def call(images: torch.Tensor) -> torch.Tensor:
        # The option holds for the whole process, so it is set while this network is compiled.
        with torch.inference_mode(), config.patch(freezing=True):
            found: torch.Tensor = compiled(images)
        return found

    torch.set_num_threads(threads)
    return call


RUNTIME = Runtime(
    "inductor",
    "torch.compile with frozen weights",
    load,
    any_size=True,
    compiles=True,
    dtypes=("float32", "float64", "bfloat16", "float16"),
    devices=None,
)
