"""`.onnx`: the Open Neural Network Exchange format.

Purpose: the network in evaluation, for any batch size, checked by onnx and run by ONNX
Runtime.
It does not train, and takes no image sizes other than the network's unless asked for
(`program_file`).

A network that was optimised is written node by node (`onnx_graph`), any other as PyTorch's exporter
traces it.
"""

import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.export.exported import Export
from nasdsl.export.onnx_graph import OPSET, can_write, onnx_graph
from nasdsl.export.program_file import dynamic_axes, exported_program

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def write(request: Export, path: Path) -> None:
    """Write the file; it holds the weights too."""
    if request.graph.inference and request.stride is None and write_graph(request, path):
        return
    write_program(exported_program(request), dynamic_axes(request), ["logits"], {}, path)


def write_program(
    program: "torch.export.ExportedProgram",
    axes: dict[int, Any],
    outputs: list[str],
    members: dict[str, str],
    path: Path,
) -> None:
    """Write a program of one input `image`, with texts by name in its metadata."""
    import torch

    noisy = logging.getLogger("torch.onnx"), logging.getLogger("onnxscript")
    levels = [logger.level for logger in noisy]
    try:
        for logger in noisy:
            logger.setLevel(logging.ERROR)
        made: Any = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=outputs,
            dynamic_shapes=(axes,),
            verbose=False,
        )
        for node in made.model.graph.all_nodes():
            # What each node was in PyTorch: longer than many a network, and of no use.
            node.metadata_props.clear()
        made.model.metadata_props.update(members)
        made.save(path, external_data=False)
    finally:
        for logger, level in zip(noisy, levels, strict=True):
            logger.setLevel(level)
    import_module("onnx").checker.check_model(str(path), full_check=True)


def write_graph(request: Export, path: Path) -> bool:
    """Write the file node by node, in float32, if that can be done; say whether it was."""
    import torch

    tensors = request.net.state_dict()
    floating = {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}
    if floating != {torch.float32} or not can_write(request.graph, tensors):
        return False
    arrays = {name: tensor.numpy(force=True) for name, tensor in tensors.items()}
    onnx: Any = import_module("onnx")
    onnx.save(onnx_graph(request.graph, arrays), str(path))
    onnx.checker.check_model(str(path), full_check=True)
    return True


def logits(request: Export, path: Path) -> "list[Tensor]":
    """The logits that ONNX Runtime computes from the file."""
    import torch

    run = session(path)
    found = [run.run(["logits"], {"image": images.numpy()}) for images in request.images]
    return [torch.from_numpy(outputs[0]) for outputs in found]


def session(path: Path) -> Any:
    """ONNX Runtime's session of a file, on the CPU."""
    import torch

    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
