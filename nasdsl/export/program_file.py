"""`.pt2`: a program of `torch.export`.

Purpose: the network in evaluation, for any batch size, to run without nasdsl.
It does not train. Files of others are not read, because they could run code.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl.export.exported import Export
from nasdsl.language.parser.read import MEMBER

if TYPE_CHECKING:
    from torch import Tensor


def write(request: Export, path: Path) -> None:
    """Write the file."""
    import torch

    batch = torch.export.Dim("batch")
    program = torch.export.export(request.net, (request.images[0],), dynamic_shapes=({0: batch},))
    # In memory, because PyTorch's own writer ends the process where the disk is full.
    content = BytesIO()
    torch.export.save(program, content, extra_files={MEMBER: request.text})
    path.write_bytes(content.getbuffer())


def logits(request: Export, path: Path) -> "list[Tensor]":
    """The logits of the program in the file, which this process has just written."""
    import torch

    module = torch.export.load(path).module()
    with torch.inference_mode():
        return [module(images) for images in request.images]
