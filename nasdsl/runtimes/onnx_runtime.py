"""The runtime `onnxruntime`: ONNX Runtime on the CPU."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.passes import FOR_BLOCKS
from nasdsl.runtimes.onnx_model import onnx_model
from nasdsl.runtimes.quantized_model import quantized_model
from nasdsl.runtimes.runtime import Call, Runtime

if TYPE_CHECKING:
    from torch import Tensor


def load(network: Any, threads: int) -> Call:
    """The network's ONNX export in a session of its own."""
    with onnx_model(network) as path:
        return _session(path, threads)


def load_quantized(network: Any, threads: int, images: "Tensor") -> Call:
    """The same in int8, calibrated with images."""
    with quantized_model(network, images) as path:
        return _session(path, threads)


def _session(path: Path, threads: int) -> Call:
    import torch

    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def call(images: torch.Tensor) -> torch.Tensor:
        (found,) = session.run(["logits"], {"image": images.numpy(force=True)})
        return torch.from_numpy(found)

    return call


RUNTIME = Runtime(
    "onnxruntime",
    "ONNX Runtime on the CPU",
    load,
    needs=("onnx", "onnxscript", "onnxruntime"),
    extra="onnx",
    passes=FOR_BLOCKS,
    load_quantized=load_quantized,
)
