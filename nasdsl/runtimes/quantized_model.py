"""`quantized_model`: a network as an ONNX file that computes in whole numbers of 8 bits.

Purpose: ONNX Runtime's own tools quantise the network after training: weights by each channel, and
what passes between nodes by the ranges that calibration images lead to.
Non-goals: how much worse the network becomes; `nasdsl eval --runtime` says that.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.runtimes.onnx_model import onnx_model

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def quantized_model(network: Any, images: "Tensor") -> Iterator[Path]:
    """The path of the file, which is there for a while.

    Args:
        network: an optimised one: its convolutions have taken in their batch norms.
        images: (B, C, H, W), such as the network will be given.
    """
    tools: Any = import_module("onnxruntime.quantization")
    batches = iter([{"image": image[None].numpy(force=True)} for image in images.float()])
    members = {"get_next": lambda self: next(batches, None)}
    reader = type("Reader", (tools.CalibrationDataReader,), members)
    with onnx_model(network) as path:
        made = path.with_name("quantized.onnx")
        with _without_advice():
            tools.quantize_static(
                *(str(path), str(made), reader()),
                quant_format=tools.QuantFormat.QDQ,
                per_channel=True,
                activation_type=tools.QuantType.QUInt8,
                weight_type=tools.QuantType.QInt8,
            )
        yield made


@contextmanager
def _without_advice() -> Iterator[None]:
    """The tools advise, in the log of the whole process, to prepare a graph as ours is already."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
