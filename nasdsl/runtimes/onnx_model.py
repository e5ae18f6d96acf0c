"""`onnx_model`: a network as an ONNX file that is there for a while."""

import copy
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nasdsl.export import onnx_file
from nasdsl.export.comparison import random_images
from nasdsl.export.exported import Export


@contextmanager
def onnx_model(network: Any) -> Iterator[Path]:
    """The path of the file, in float32; whoever loads it compares the logits."""
    import torch

    images = random_images(network.graph, torch.float32)
    twin = copy.deepcopy(network).to("cpu", torch.float32).eval()
    request = Export(twin, network.graph, "", images)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Exporters warn of their own code's future.
        warnings.simplefilter("ignore")
        path = Path(folder, "model.onnx")
        if not onnx_file.write_graph(request, path):
            onnx_file.write(request, path)
        yield path
