"""`Runtime`: something that runs a network, found through entry points.

Purpose: one interface, from a network to a function of images, whoever computes it. A package
offers one by an entry point of the group `nasdsl.runtimes`; ours have a file each.
Non-goals: making networks faster (`nasdsl.api.optimize`), measuring them (`nasdsl.api.bench`).
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasdsl.errors import CellError, cell_error, first_line, listed
from nasdsl.export.comparison import finite_logits, random_images, relative_error_of
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import FOR_INFERENCE
from nasdsl.registry import Registry, require_packages
from nasdsl.values import Threads, shown, typed

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

#: Images (B, C, H, W) to logits (B, classes).
Call = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Something that runs a network.

    Attributes:
        name: the entry point's name.
        help: what it is, in a few words.
        load: from a network in evaluation and a number of threads to a function of images.
        any_size: whether images may have another size than the network was compiled for.
        compiles: whether it compiles anew for each size, in minutes. Then the logits of one image
            are compared, and not those of a larger batch, too.
        dtypes: what it computes in, by PyTorch's names: the type of the weights that it is given.
        devices: where it computes, by PyTorch's kinds of devices; None wherever the weights are.
        needs: packages besides PyTorch that have to be importable.
        extra: the extra that brings them.
        passes: those with which a network takes the least time here.
        load_quantized: as `load`, in int8, from images (B, C, H, W) too; None where it cannot.
    """

    name: str
    help: str
    load: Callable[[Any, int], Call]
    any_size: bool = False
    compiles: bool = False
    dtypes: tuple[str, ...] = ("float32",)
    devices: tuple[str, ...] | None = ("cpu",)
    needs: tuple[str, ...] = ()
    extra: str = "torch"
    passes: tuple[str, ...] = FOR_INFERENCE
    load_quantized: "Callable[[Any, int, Tensor], Call] | None" = None


#: The installed runtimes.
RUNTIMES: Registry[Runtime] = Registry(
    kind="runtime",
    group="nasdsl.runtimes",
    type=Runtime,
    unknown="NAS730",
    ambiguous="NAS731",
    unusable="NAS732",
    extra="torch",
    requirement="a runtime is a `nasdsl.runtimes.Runtime`",
)


@typed
def find(name: str) -> Runtime:
    """The runtime of that name.

    Raises:
        CellError: NAS701 where a package it needs is not installed; NAS730 to NAS732 where
            there is none, or two, or something else of that name.
    """
    found = RUNTIMES.find(name)
    who = f"runtime `{name}` needs"
    require_packages(who, ("torch",), "torch")  # what they run is a network of PyTorch
    require_packages(who, found.needs, found.extra)
    return found


@typed
def load(
    network: "Module",
    name: str,
    *,
    threads: Threads | None = None,
    dtype: str | None = None,
    calibration: "Tensor | None" = None,
) -> Call:
    """A network in a runtime, shown to compute what the network computes.

    Args:
        network: what `nasdsl.compile` or `nasdsl.optimize` returned; it is evaluated.
        name: of an installed runtime; `nasdsl.runtimes.RUNTIMES.names()` has them.
        threads: of the processor to compute with; PyTorch's number where it is None.
        dtype: what to compute in, by PyTorch's name; that of the weights where it is None.
            `int8` quantises the network, which changes its logits by as much as it takes.
        calibration: for `int8`, images (B, C, H, W) such as the network will be given; a
            hundred are enough.

    Returns:
        A function of images (B, C, H, W), batches of any size, to logits (B, classes) of the
        images' type.

    Raises:
        CellError: what `find` raises; NAS008, it is no compiled network, there is no use for
            `calibration`, or nobody has so many threads; NAS705, the logits for random images
            differ by more than 1e-5 of the largest in float32, or 5 % in bfloat16; NAS706, the
            network's are not finite; NAS709, the network is in training; NAS732, the runtime
            cannot run it. The function raises NAS008 for what is no tensor, and NAS732 for images
            that the network or the runtime does not take.
    """
    import torch

    runtime = find(name)
    network = getattr(network, "_orig_mod", network)  # what torch.compile wraps
    graph: Any = getattr(network, "graph", None)
    if not isinstance(graph, NetworkGraph):
        raise cell_error("NAS008", f"runtimes run compiled networks, not {shown(network)}")
    if network.training:
        raise cell_error(
            "NAS709",
            f"`{graph.name}` is in training mode, and runtimes only evaluate",
            "call `eval()` first, or `nasdsl.optimize`",
        )
    weights = next(network.parameters())
    own, device = weights.dtype, weights.device
    if runtime.devices is not None and device.type not in runtime.devices:
        raise cell_error(
            "NAS732",
            f"runtime `{name}` computes on {listed(runtime.devices)}, and `{graph.name}` is on "
            f"{device.type}",
            f"compile it with device `{runtime.devices[0]}`",
        )
    words = dtype or str(own).removeprefix("torch.")
    if calibration is not None and words != "int8":
        raise cell_error(
            "NAS008",
            f"`calibration` is for dtype `int8`, and `{words:.40}` has no use for it",
            "leave it out, or pass dtype `int8`",
        )
    if words == "int8":
        call = _quantized(runtime, network, threads, calibration)
        return _of_images(call, runtime, graph, torch.float32)
    if words not in runtime.dtypes:
        raise cell_error(
            "NAS732",
            f"runtime `{name}` computes in {listed(runtime.dtypes)}, not in `{words:.40}`",
        )
    chosen: torch.dtype = getattr(torch, words)
    random = [batch.to(device) for batch in random_images(graph, own)]
    if runtime.compiles:
        random = [batch for batch in random if len(batch) == 1]
    expected = [each.to(chosen) for each in finite_logits(network, random)]
    images = [batch.to(chosen) for batch in random]
    if chosen != own:
        network = copy.deepcopy(network).to(chosen)
    with _naming_failures(name, graph), torch.inference_mode():
        call = runtime.load(network, threads or torch.get_num_threads())
        found = [call(batch) for batch in images]
    relative_error_of(expected, found, f"runtime `{name}`")
    return _of_images(call, runtime, graph, chosen)


def _quantized(
    runtime: Runtime, network: Any, threads: int | None, images: "Tensor | None"
) -> Call:
    """The network in int8; that it gives finite logits is all that can be shown."""
    import torch

    graph = network.graph
    if runtime.load_quantized is None:
        raise cell_error("NAS732", f"runtime `{runtime.name}` does not compute in int8")
    if images is None or not len(images):
        raise cell_error(
            "NAS732",
            f"`{graph.name}` cannot be quantised without images",
            "`calibration=images` gives it some; `nasdsl eval --runtime` takes those it was "
            "trained on",
        )
    if tuple(images.shape[1:]) != tuple(graph.image):
        sizes = " x ".join(map(str, images.shape[1:]))
        raise cell_error(
            "NAS732",
            f"`{graph.name}` is calibrated with {graph.image}, not with images of {sizes}",
        )
    if not bool(images.isfinite().all()):
        raise cell_error("NAS732", f"`{graph.name}` is calibrated with images that are not finite")
    with _naming_failures(runtime.name, graph), torch.inference_mode():
        call = runtime.load_quantized(network, threads or torch.get_num_threads(), images)
        logits = call(images[:1].float())
    if not bool(logits.isfinite().all()):
        raise cell_error("NAS706", f"the logits of `{graph.name}` in int8 are not finite")
    return call


@contextmanager
def _naming_failures(runtime: str, graph: NetworkGraph) -> Iterator[None]:
    """Make a finding of whatever fails inside."""
    try:
        yield
    except CellError:
        raise
    except Exception as error:
        reason = first_line(error)
        raise cell_error(
            "NAS732",
            f"runtime `{runtime}` cannot run `{graph.name}`",
            f"{type(error).__name__}: {reason}",
        ) from error


def _of_images(call: Call, runtime: Runtime, graph: NetworkGraph, dtype: Any) -> Call:
    """The function for a caller's images: what it cannot take is refused.

    It computes in `dtype`, and the logits are of the images' type.
    """
    import torch

    channels, *size = graph.image

    def logits_of(images: "Tensor") -> "Tensor":
        if not isinstance(images, torch.Tensor):
            raise cell_error("NAS008", f"runtimes take tensors (B, C, H, W), not {shown(images)}")
        shape = tuple(images.shape)
        fits = len(shape) == 4 and shape[1] == channels
        if not fits or not (runtime.any_size or [*shape[2:]] == size):
            height, width = ("H", "W") if runtime.any_size else size
            hint = "compile the network with that image_size, or use the runtime `eager`"
            raise cell_error(
                "NAS732",
                f"`{graph.name}` in runtime `{runtime.name}` takes images "
                f"(B, {channels}, {height}, {width}), not ({', '.join(map(str, shape))})",
                *((hint,) if fits else ()),
            )
        if not images.is_floating_point():
            kind = str(images.dtype).removeprefix("torch.")
            raise cell_error(
                "NAS732",
                f"`{graph.name}` is for images of floating-point numbers, not of {kind}",
                "they are prepared as those that it was trained on",
            )
        return call(images.to(dtype)).to(images.dtype)

    return logits_of
