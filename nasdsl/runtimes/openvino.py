"""The runtime `openvino`: OpenVINO on the CPU.

It computes in bfloat16 only where the processor has instructions for it: elsewhere it would
compute in float32 and not say so.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.errors import cell_error
from nasdsl.passes import FOR_BLOCKS
from nasdsl.registry import require_packages
from nasdsl.runtimes.onnx_model import onnx_model
from nasdsl.runtimes.quantized_model import quantized_model
from nasdsl.runtimes.runtime import Call, Runtime

if TYPE_CHECKING:
    from torch import Tensor


def load(network: Any, threads: int) -> Call:
    """The network's ONNX export as a compiled model."""
    import torch

    is_short = next(network.parameters()).dtype == torch.bfloat16
    if is_short and "BF16" not in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise cell_error(
            "NAS732",
            "this processor has no instructions for bfloat16",
            "leave the type out, and OpenVINO computes in float32",
        )
    with onnx_model(network) as path:
        return _compiled(path, threads, "bf16" if is_short else "f32")


def load_quantized(network: Any, threads: int, images: "Tensor") -> Call:
    """The same in int8: the file that ONNX Runtime's tools make, calibrated with images."""
    require_packages("runtime `openvino` in int8 needs", ("onnxruntime",), "onnx")
    with quantized_model(network, images) as path:
        return _compiled(path, threads, "f32")


@cache
def _core() -> Any:
    """OpenVINO's `Core`, the one of this process, which is never given up.

    Its plugin gives the thread that loads it a stack for signals, and takes that away from the
    thread that happens to collect it. If that is another one, the next signal ends the process.
    """
    openvino: Any = import_module("openvino")
    return openvino.Core()


def compiled_model(path: str | Path, threads: int, precision: str = "f32") -> Any:
    """OpenVINO's compiled model of an ONNX file, for one image after the other.

    Args:
        path: of the file.
        threads: of the processor to compute with.
        precision: what to compute in, as OpenVINO calls it. Where the processor has bfloat16,
            OpenVINO would choose that.
    """
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
    }
    return _core().compile_model(str(path), "CPU", options)


def _compiled(path: Path, threads: int, precision: str) -> Call:
    import torch

    model = compiled_model(path, threads, precision)

    def call(images: torch.Tensor) -> torch.Tensor:
        # The model writes the next logits into the same memory.
        found = torch.from_numpy(model(images.float().numpy(force=True))[0].copy())
        return found.to(images.dtype)

    return call


RUNTIME = Runtime(
    "openvino",
    "OpenVINO on the CPU",
    load,
    dtypes=("float32", "bfloat16"),
    needs=("onnx", "onnxscript", "openvino"),
    extra="openvino",
    passes=FOR_BLOCKS,
    load_quantized=load_quantized,
)
