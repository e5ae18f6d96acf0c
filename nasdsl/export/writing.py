"""`write`: a network into a file that is known to compute the same.

Purpose: write beside the final place, read the file back, compare its logits for random images
with the network's, and only then put the file in its place. The formats have one file each.
"""

import copy
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nasdsl import backend as backends
from nasdsl.api.threads import threads, threads_for
from nasdsl.atomic_write import atomic_write, require_writable
from nasdsl.errors import CellError, Diagnostic, cell_error, first_line
from nasdsl.export.comparison import BATCHES, finite_logits, random_images, relative_error_of
from nasdsl.export.exported import Export
from nasdsl.export.formats import FORMATS, ExportFormat, format_of
from nasdsl.network.graph import NetworkGraph
from nasdsl.network.self_contained import network_text
from nasdsl.values import typed

if TYPE_CHECKING:
    from torch.nn import Module


class Written(NamedTuple):
    """A file that was written.

    Attributes:
        path: where it is.
        what: its format in a few words.
        bytes: its size.
        relative_error: how far its logits are from the network's, relative to the largest.
    """

    path: str
    what: str
    bytes: int
    relative_error: float


@typed
def require_exportable(path: str | os.PathLike[str]) -> None:
    """Say at once what would keep `write` from writing `path`.

    Raises:
        CellError: NAS007 (unknown suffix), NAS701 (a package is missing), NAS702 (the backend
            that makes it is not there), NAS006 (the folder cannot be written to).
    """
    form = format_of(Path(path))
    if form.backend:
        backends.find(form.backend)
    require_writable(path)


@typed
def write(net: "Module", path: str | os.PathLike[str], *, dynamic_size: bool = False) -> Written:
    """Write a compiled network as `.py`, `.safetensors`, `.pt2` or `.onnx`, by the suffix.

    The file is read back and run on random images, and has to give the network's logits to
    within 1e-5 of the largest (in float32) before it appears under its name.

    - `.py`: PyTorch source that needs nothing else; its parameters have the same names.
    - `.safetensors`: weights, with the `.cell` text and all settings in the metadata:
      `nasdsl.compile(path)` builds the network again.
    - `.pt2`: for `torch.export.load(path).module()`; evaluation, any batch size.
    - `.onnx`: opset 18, input `image`, output `logits`; evaluation, any batch size.

    Args:
        net: what `nasdsl.compile` returned. It stays as it is.
        path: where to write; a file that is there is replaced.
        dynamic_size: let a `.pt2` or `.onnx` file take images of other sizes: those that differ
            from the network's by a multiple of its stride. It is tried with several. Files of the
            other formats always take them.

    Raises:
        CellError: what `require_exportable` raises; NAS705 where the file does not compute
            the same, NAS706 where the network's logits are not finite, NAS708 where the
            network cannot be written in that format. Then nothing has been written.
    """
    form = format_of(Path(path))
    net = getattr(net, "_orig_mod", net)  # what torch.compile wraps
    graph = getattr(net, "graph", None)
    if not isinstance(graph, NetworkGraph):
        raise cell_error("NAS008", f"a compiled network is exported, not a {type(net).__name__}")
    request = _exported(net, graph, dynamic_size)
    suffix = Path(path).suffix.lower()
    with compared_file(path, threads_for(graph, BATCHES[0])) as beside:
        expected = finite_logits(request.net, request.images)
        _write_file(form, request, beside, suffix)
        unread = f"the {suffix} file cannot be read back"
        with format_errors("NAS705", unread, passed=(CellError, OSError)):
            found = form.logits(request, beside)
        difference = relative_error_of(expected, found, f"the {suffix} file")
        size = beside.stat().st_size
    return Written(os.fspath(path), form.what, size, difference)


@contextmanager
def compared_file(path: str | os.PathLike[str], count: int) -> Iterator[Path]:
    """A file that is written and read back in the block, and takes its place where that ends well.

    Args:
        path: where it is to be.
        count: of the threads on which both sides are computed.

    Yields:
        Where to write it.
    """
    import torch

    # Both sides are compared in the weights' own type, whatever the caller computes in.
    exact = torch.autocast("cpu", enabled=False)
    with atomic_write(path) as beside, warnings.catch_warnings(), exact, threads(count):
        # Exporters warn of their own code's future.
        warnings.simplefilter("ignore")
        yield beside


@contextmanager
def format_errors(
    code: str,
    message: str,
    passed: tuple[type[Exception], ...] = (CellError, OSError, MemoryError),
) -> Iterator[None]:
    """Say in a diagnostic what another package raises over a file, but for what is `passed` on."""
    try:
        yield
    except passed:
        raise
    except Exception as error:
        hint = f"{type(error).__name__}: {first_line(error)}"
        raise cell_error(code, message, hint) from error


#: What a comparison fails with: it says nothing against the weights themselves.
_UNPROVED = frozenset({"NAS705", "NAS706"})


@typed
def write_or_keep(net: "Module", path: str | os.PathLike[str]) -> tuple[Diagnostic, ...]:
    """Write a trained network as `.safetensors`, even where it cannot be proved.

    Weights that took days to train are worth more than a proof of the file that holds them.

    Args:
        net: what `nasdsl.compile` returned. It stays as it is.
        path: where to write; a file that is there is replaced.

    Returns:
        NAS848 if the file could not be shown to compute the same.

    Raises:
        CellError: what `write` raises, but for NAS705 and NAS706.
    """
    try:
        write(net, path)
    except CellError as error:
        finding = error.diagnostics[0]
        if finding.code not in _UNPROVED:
            raise
    else:
        return ()
    graph: Any = net.graph
    request = _exported(net, graph)
    with atomic_write(path) as beside:
        _write_file(FORMATS[".safetensors"], request, beside, ".safetensors")
    message = f"the weights were kept without a proof: {finding.message} ({finding.code})"
    return (Diagnostic("NAS848", message, hints=(f"`nasdsl explain {finding.code}` says more",)),)


def _write_file(form: ExportFormat, request: Export, beside: Path, suffix: str) -> None:
    with format_errors("NAS708", f"`{request.graph.name}` cannot be written as {suffix}"):
        form.write(request, beside)


def _exported(net: "Module", graph: NetworkGraph, dynamic_size: bool = False) -> Export:
    state: list[Any] = [*net.parameters(), *net.buffers()]
    if any(tensor.is_meta for tensor in state):
        raise cell_error(
            "NAS708",
            f"`{graph.name}` is on the meta device and has no weights to write",
            "compile it with device `cpu`",
        )
    if not getattr(net, "num_classes", 1):
        raise cell_error(
            "NAS708",
            f"`{graph.name}` has no classifier to write",
            "`reset_classifier(num_classes)` gives it one",
        )
    dtype = next(tensor.dtype for tensor in state if tensor.is_floating_point())
    twin = copy.deepcopy(net).to("cpu").eval().requires_grad_(False)
    stages: Any = net.feature_info
    stride: int | None = stages[-1]["reduction"] if dynamic_size else None
    if stride and graph.image.height < 2 * stride:
        raise cell_error(
            "NAS708",
            f"the smallest map of `{graph.name}` is a single pixel, so its size cannot vary",
            f"compile it with an image_size of at least {2 * stride}",
        )
    images = random_images(graph, dtype, stride)
    return Export(twin, graph, network_text(graph), images, stride)
