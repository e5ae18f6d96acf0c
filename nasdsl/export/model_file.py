"""`.safetensors`: weights, and in the metadata the text they belong to.

Purpose: a file that `nasdsl compile` builds the network from again.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl.api.compile import compile
from nasdsl.export.exported import Export
from nasdsl.language.parser.read import DROP_PATH_MEMBER, MEMBER, PASSES_MEMBER

if TYPE_CHECKING:
    from torch import Tensor


def write(request: Export, path: Path) -> None:
    """Write the file."""
    from safetensors.torch import save

    state = {name: tensor.contiguous() for name, tensor in request.net.state_dict().items()}
    # One member, most often: the order of several differs from process to process.
    metadata = {MEMBER: request.text}
    mode = str(request.net.drop_path_mode)
    if mode != "scheduled":
        metadata[DROP_PATH_MEMBER] = mode
    if request.graph.inference:
        metadata[PASSES_MEMBER] = ",".join(request.graph.passes)
    # Not `save_file`: what it raises where the disk is full tells nobody so.
    path.write_bytes(save(state, metadata))


def logits(request: Export, path: Path) -> "list[Tensor]":
    """The logits of the network that `compile` makes of the file."""
    import torch

    net = compile(path, dtype=request.images[0].dtype).eval()
    with torch.inference_mode():
        return [net(images) for images in request.images]
