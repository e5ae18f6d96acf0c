"""The runtime `openvino`: OpenVINO on the processor, in float32."""

from importlib import import_module
from typing import Any

from nasdsl.runtimes.onnx_model import onnx_model
from nasdsl.runtimes.runtime import Call, Runtime


def load(network: Any, threads: int) -> Call:
    """The network's ONNX export as a compiled model."""
    import torch

    openvino: Any = import_module("openvino")
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        # Where the processor has bfloat16, OpenVINO would choose it.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    with onnx_model(network) as path:
        model = openvino.Core().compile_model(str(path), "CPU", options)

    def call(images: torch.Tensor) -> torch.Tensor:
        # The model writes the next logits into the same memory.
        return torch.from_numpy(model(images.numpy(force=True))[0].copy())

    return call


RUNTIME = Runtime(
    "openvino",
    "OpenVINO on the processor",
    load,
    needs=("onnx", "onnxscript", "openvino"),
    extra="openvino",
)
