"""Building a network and proving it: what `nasdsl compile` does before it says anything.

Purpose: the network, one forward pass, the file; how long each took.
Non-goals: printing (`nasdsl.cli.build_tables`), flags (`nasdsl.cli.compile`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from nasdsl import backend as backends
from nasdsl import weights
from nasdsl.api.request import Requested
from nasdsl.errors import CellError, cell_error
from nasdsl.export import Written, write
from nasdsl.network.cost import Cost, graph_cost
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import AS_THE_BACKEND_ASKS, Pipeline


class Choice(NamedTuple):
    """What concerns building but not the network: see the flags of `nasdsl compile`."""

    device: str
    dtype: str
    seed: int
    weights: str | None
    layout: str
    drop_background: bool = False
    pipeline: Pipeline = AS_THE_BACKEND_ASKS


class Built(NamedTuple):
    """A network that was built and run.

    Attributes:
        graph: what was built.
        cost: what it costs.
        choice: how it was built.
        net: the module.
        output_shape: of its logits for one image; None on the meta device.
        seconds: how long each stage took.
        loaded: the weights that were loaded.
        written: the file that was written.
    """

    graph: NetworkGraph
    cost: Cost
    choice: Choice
    net: Any
    output_shape: list[int] | None
    seconds: dict[str, float]
    loaded: weights.Loaded | None = None
    written: Written | None = None


def built(network: Requested, choice: Choice) -> Built:
    """The network, run on one random image.

    Raises:
        CellError: the cells cannot be built so; NAS701 without PyTorch; NAS706 where the logits
            are not finite; NAS707 where the device is not there or too small; what loading
            weights raises.
    """
    graph = network.graph()
    backend = backends.find("torch")
    import torch

    cost = graph_cost(graph)
    dtype = getattr(torch, choice.dtype)
    size = (cost.params_total + cost.auxiliary_params) * dtype.itemsize
    _has_room(torch, choice.device, size)
    seconds: dict[str, float] = {}
    with _memory_refused(torch, choice.device):
        start = perf_counter()
        options = {"device": choice.device, "dtype": dtype, "seed": choice.seed}
        net = backends.build(backend, graph, choice.pipeline, **options)
        seconds["build"] = _since(start)
        loaded = None
        if choice.weights is not None and choice.device != "meta":
            start = perf_counter()
            loaded = weights.load(
                net, choice.weights, choice.layout, drop_background=choice.drop_background
            )
            seconds["load"] = _since(start)
        count = sum(parameter.numel() for parameter in net.parameters())
        assert count == cost.params + cost.auxiliary_params, (count, cost)
        shape = None
        if choice.device != "meta":
            start = perf_counter()
            shape = _proved(torch, net, graph, choice)
            seconds["forward"] = _since(start)
    return Built(graph, cost, choice, net, shape, seconds, loaded)


def with_file(built: Built, path: Path) -> Built:
    """The same, with its network written to a file. Raises as `nasdsl.export.write` does."""
    start = perf_counter()
    written = write(built.net, path)
    return built._replace(written=written, seconds={**built.seconds, "write": _since(start)})


def _proved(torch: Any, net: Any, graph: NetworkGraph, choice: Choice) -> list[int]:
    """The shape of the logits for one image, which are finite."""
    image = graph.image
    pixels = torch.randn(
        (1, *image), generator=torch.Generator().manual_seed(0), dtype=torch.float32
    )
    with torch.inference_mode():
        logits = net.eval()(pixels.to(choice.device, getattr(torch, choice.dtype)))
        finite = bool(logits.isfinite().all())
    assert tuple(logits.shape) == (1, graph.configuration.classes), logits.shape
    if not finite:
        raise cell_error("NAS706", f"`{graph.name}` gives logits that are not finite")
    return list(logits.shape)


def _has_room(torch: Any, device: str, size: int) -> None:
    """Refuse a device that is not there, or that cannot hold the parameters alone."""
    try:
        kind = torch.empty(0, device=device).device.type
    except (RuntimeError, AssertionError) as error:
        raise _refused(device, error) from None
    if kind == "cpu" and hasattr(os, "sysconf"):
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if 0 < most < size:
            raise cell_error(
                "NAS707",
                f"the weights take {size / 1e9:,.1f} GB, more than this machine's memory of "
                f"{most / 1e9:,.1f} GB",
                "`--device meta` builds the network without values",
            )


@contextmanager
def _memory_refused(torch: Any, device: str) -> Iterator[None]:
    try:
        yield
    except CellError:
        raise
    except (RuntimeError, MemoryError) as error:
        words = str(error)
        full = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if full or "can't allocate memory" in words or "not enough memory" in words:
            raise _refused(device, error) from None
        raise


def _refused(device: str, error: BaseException) -> CellError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return cell_error(
        "NAS707", f"the device {device!r:.40} cannot be used", f"PyTorch says: {reason}"
    )


def _since(start: float) -> float:
    return round(perf_counter() - start, 4)
