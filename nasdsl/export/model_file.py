"""`.safetensors`: weights, and in the metadata the text they belong to.

Purpose: a file that `nasdsl compile` builds the network from again.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl.api.compile import compile
from nasdsl.export.exported import Export
from nasdsl.language.parser.read import DROP_PATH_MEMBER, IMAGES_MEMBER, MEMBER, PASSES_MEMBER

if TYPE_CHECKING:
    from torch import Tensor


def write(request: Export, path: Path) -> None:
    """Write the file."""
    from safetensors.torch import save

    state = {name: tensor.contiguous() for name, tensor in request.net.state_dict().items()}
    metadata = {MEMBER: request.text}
    mode = str(request.net.drop_path_mode)
    if mode != "scheduled":
        metadata[DROP_PATH_MEMBER] = mode
    if request.graph.inference:
        metadata[PASSES_MEMBER] = ",".join(request.graph.passes)
    images = getattr(request.net, "image_metadata", None)
    if images is not None:
        metadata[IMAGES_MEMBER] = images
    # Not `save_file`: what it raises where the disk is full tells nobody so.
    path.write_bytes(_in_order(save(state, metadata)))


def _in_order(content: bytes) -> bytes:
    """The file with the members of its metadata in order, which safetensors leaves to chance."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    if len(header["__metadata__"]) == 1:
        return content
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    # Tensors begin at a multiple of eight bytes, and their places count from there.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def logits(request: Export, path: Path) -> "list[Tensor]":
    """The logits of the network that `compile` makes of the file."""
    import torch

    net = compile(path, dtype=request.images[0].dtype).eval()
    with torch.inference_mode():
        return [net(images) for images in request.images]
