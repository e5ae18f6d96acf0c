"""`.py`: readable PyTorch source.

Purpose: write what the backend `source` prints, and run it as its users will: in an
interpreter of its own.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl import backend as backends
from nasdsl.atomic_write import forgiving_stream
from nasdsl.errors import cell_error
from nasdsl.export.exported import Export

if TYPE_CHECKING:
    from torch import Tensor

# What the other interpreter does: build the network, give it the weights, run it.
_DRIVER = """\
import io, runpy, sys
import torch
source, given, result = sys.argv[1:]
given = torch.load(given, weights_only=True)
torch.set_num_threads(given["threads"])
network = runpy.run_path(source)["build"]()
network = network.to(given["images"][0].dtype)
network.load_state_dict(given["state"], strict=True)
network.eval()
with torch.inference_mode():
    logits = [network(images).clone() for images in given["images"]]
held = io.BytesIO()
torch.save(logits, held)
with open(result, "wb") as stream:
    stream.write(held.getvalue())
"""


def write(request: Export, path: Path) -> None:
    """Write the file.

    Raises:
        CellError: NAS708, the network was optimised, or the file could not drop paths as it does.
    """
    if request.graph.inference:
        raise cell_error(
            "NAS708",
            f"`{request.graph.name}` has been optimised, and a .py file is for training too",
            "a .pt2 or .onnx file is for evaluation only",
        )
    mode, rate = request.net.drop_path_mode, request.graph.configuration.drop_path
    if mode != "scheduled" and rate:
        raise cell_error(
            "NAS708",
            f"a .py file drops paths as scheduled, and this network has drop_path_mode={mode!r}",
            "a .safetensors file keeps the mode",
        )
    text = backends.build(backends.find("source"), request.graph, text=request.text)
    path.write_text(text, "utf-8", newline="\n")


def logits(request: Export, path: Path) -> "list[Tensor]":
    """The logits of the file's network with the weights of ours.

    Raises:
        CellError: NAS705, it does not run.
    """
    import torch

    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "given.pt"), Path(folder, "result.pt")
        held = {
            "state": request.net.state_dict(),
            "images": request.images,
            "threads": torch.get_num_threads(),
        }
        with forgiving_stream(given) as stream:
            torch.save(held, stream)
        # `-P`: a module of the working folder must not be run in place of another.
        command = [sys.executable, "-P", "-c", _DRIVER, str(path), str(given), str(result)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            last = (ran.stderr.strip() or "no message").splitlines()[-1][:200]
            raise cell_error("NAS705", "the .py file does not run", last)
        found: list[Tensor] = torch.load(result, weights_only=True)
    return found
