"""`.pt2`: a program of `torch.export`.

Purpose: the network in evaluation, for any batch size, to run without nasdsl.
It does not train. Files of others are not read, because they could run code.

A program with a dynamic image size takes every size that differs from the network's by a multiple
of its stride, both ways: paddings depend on what is left over when a size is divided by a stride.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.export.exported import Export
from nasdsl.language.parser.read import MEMBER

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def write(request: Export, path: Path) -> None:
    """Write the file."""
    save_program(exported_program(request), {MEMBER: request.text}, path)


def save_program(
    program: "torch.export.ExportedProgram", members: dict[str, str], path: Path
) -> None:
    """Write a program, with texts by name beside it."""
    import torch

    # In memory, because PyTorch's own writer ends the process where the disk is full.
    content = BytesIO()
    torch.export.save(program, content, extra_files=members)
    path.write_bytes(content.getbuffer())


def exported_program(request: Export) -> "torch.export.ExportedProgram":
    """The network as a program that says nothing about where it was made."""
    return program_of(request.net, request.images[0], dynamic_axes(request))


def program_of(
    net: "torch.nn.Module", example: "Tensor", axes: dict[int, Any]
) -> "torch.export.ExportedProgram":
    """A module of one tensor as a program that says nothing about where it was made."""
    import torch

    program = torch.export.export(net, (example,), dynamic_shapes=(axes,))
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            # The files of the libraries and of nasdsl, by their paths.
            node.meta.pop("stack_trace", None)
    return program


def dynamic_axes(request: Export) -> dict[int, Any]:
    """Which axes of a batch of images may have other sizes, and which sizes."""
    from torch.export import Dim

    axes: dict[int, Any] = {0: Dim("batch")}
    if request.stride:
        rest = request.graph.image.height % request.stride
        for axis, name in ((2, "rows"), (3, "columns")):
            size = request.stride * Dim(name)
            axes[axis] = size + rest if rest else size
    return axes


def logits(request: Export, path: Path) -> "list[Tensor]":
    """The logits of the program in the file, which this process has just written."""
    import torch

    module = torch.export.load(path).module()
    with torch.inference_mode():
        return [module(images) for images in request.images]
