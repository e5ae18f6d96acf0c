"""The runtime `parts`: a batch in parts of one image, for little memory."""

from typing import Any

import torch

from nasdsl.runtimes import Call, Runtime


def load(network: Any, threads: int) -> Call:
    """The network itself, an image at a time."""

    def call(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([network(image[None]) for image in images])

    torch.set_num_threads(threads)
    return call


RUNTIME = Runtime("parts", "PyTorch, an image at a time", load, any_size=True)
