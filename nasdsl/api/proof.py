"""`nasdsl.prove`: a network that has been built and run.

Purpose: build a network, load its weights, run it on one image, and say how long each took.
Non-goals: files (`nasdsl.export`), printing (`nasdsl.cli`).

torch is imported on use.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Any, Unpack

from nasdsl import backend as backends
from nasdsl.api.compile import build, compiled_graph
from nasdsl.api.request import keywords_of
from nasdsl.api.threads import threads, threads_for
from nasdsl.api.trained import Trained, WeightsFile, trained_part
from nasdsl.devices import existing_device, unusable_device
from nasdsl.errors import cell_error, listed
from nasdsl.language.genotype.keywords import SettingsKeywords
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.memory import ran_out
from nasdsl.network.cost import Cost, graph_cost
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import AS_THE_BACKEND_ASKS, Pipeline, pass_names
from nasdsl.values import require_types, shown
from nasdsl.weights import Loaded

if TYPE_CHECKING:
    from torch.nn import Module

#: The device that holds no values, so that nothing can be loaded into or run on it.
META = "meta"
#: The types that weights may have.
DTYPES = ("float32", "float64", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Proof:
    """A network that was built and run.

    Attributes:
        network: the module, in evaluation.
        graph: what was built.
        cost: what it costs.
        device: where it is.
        dtype: of its weights.
        output_shape: of its logits for one image; None on the meta device, where nothing
            runs.
        seconds: what took how long: `build`, `load` where weights were loaded, `forward`.
        loaded: the weights that were loaded.
    """

    network: "Module"
    graph: NetworkGraph
    cost: Cost
    device: str
    dtype: str
    output_shape: list[int] | None
    seconds: dict[str, float]
    loaded: Loaded | None = None


def prove(
    source: NameOrPath | Genotype,
    *,
    ops: str | None = None,
    weights: WeightsFile | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int = 0,
    passes: Sequence[str] | None = None,
    verify_passes: bool | None = None,
    **settings: Unpack[SettingsKeywords],
) -> Proof:
    """The network of a genotype, built and run on one random image.

    Args:
        source: as `nasdsl.compile` takes it.
        ops: another vocabulary of the library for the same cells.
        weights: a file of weights to load.
        device: in PyTorch's words; `meta` builds without values and runs nothing.
        dtype: of the weights, by PyTorch's name: `float32`, `bfloat16`, ...
        seed: of the initial weights.
        passes: names of passes to run in place of the backend's own.
        verify_passes: see `nasdsl.passes.run`.
        **settings: network settings by name (`nasdsl.Settings`).

    Raises:
        CellError: what `nasdsl.compile` raises; NAS706 where the logits are not finite;
            NAS707 where the device is not there or too small; what loading weights raises.
    """
    require_types(
        source=(source, NameOrPath | Genotype),
        ops=(ops, str | None),
        weights=(weights, WeightsFile | None),
        device=(device, str),
        dtype=(dtype, str),
        verify_passes=(verify_passes, bool | None),
    )
    trained = trained_part(source, weights)
    graph = compiled_graph(source, ops=ops, others=keywords_of(prove), **settings)
    pipeline = Pipeline(pass_names(passes), verify_passes)
    return proof_of(graph, trained, device=device, dtype=dtype, seed=seed, pipeline=pipeline)


def proof_of(
    graph: NetworkGraph,
    trained: Trained | None = None,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int = 0,
    pipeline: Pipeline = AS_THE_BACKEND_ASKS,
) -> Proof:
    """The network of a graph, built and run after the passes of `pipeline`.

    Raises as `prove` does.
    """
    trained = trained or Trained()
    backends.find("torch")
    torch: Any = import_module("torch")
    cost = graph_cost(graph)
    if dtype not in DTYPES:
        raise cell_error("NAS502", f"dtype is {listed(DTYPES, 'or')}, not {shown(dtype)}")
    kind = getattr(torch, dtype)
    existing_device(device)
    seconds: dict[str, float] = {}
    loaded, shape = None, None
    with _memory_errors(device), threads(threads_for(graph, 1)):
        with _timer(seconds, "build"):
            net = build(graph, trained, device=device, dtype=kind, seed=seed, pipeline=pipeline)
        if trained.weights is not None and device != META:
            with _timer(seconds, "load"):
                loaded = trained.weights.load_into(net)
        count = sum(parameter.numel() for parameter in net.parameters())
        built = graph_cost(net.graph)
        assert count == built.params + built.auxiliary_params, (count, built)
        net.eval()
        if device != META:
            with _timer(seconds, "forward"):
                shape = _output_shape(torch, net, graph, device, kind)
    return Proof(net, graph, cost, device, dtype, shape, seconds, loaded)


def _output_shape(torch: Any, net: Any, graph: NetworkGraph, device: str, dtype: Any) -> list[int]:
    """The shape of the logits for one image, which are finite."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn((1, *graph.image), generator=generator, dtype=torch.float32)
    with torch.inference_mode():
        logits = net(pixels.to(device, dtype))
        finite = bool(logits.isfinite().all())
    assert tuple(logits.shape) == (1, graph.configuration.classes), logits.shape
    if not finite:
        raise cell_error("NAS706", f"`{graph.name}` gives logits that are not finite")
    return list(logits.shape)


@contextmanager
def _memory_errors(device: str) -> Iterator[None]:
    """Say that memory ran out in NAS707, not in a traceback."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if ran_out(error):
            raise unusable_device(device, error) from None
        raise


@contextmanager
def _timer(seconds: dict[str, float], what: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[what] = round(perf_counter() - start, 4)
