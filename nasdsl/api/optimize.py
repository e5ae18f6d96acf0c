"""`nasdsl.optimize`: from a trained network, one that computes the same in less time.

Purpose: run the passes for inference, compute the tensors they derive, and compare the logits.
Non-goals: what the passes do (`nasdsl.passes`).

torch is imported on use: whoever has a network has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nasdsl import backend as backends
from nasdsl import runtimes
from nasdsl.errors import cell_error
from nasdsl.export.comparison import finite_logits, random_images, relative_error_of
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import FOR_INFERENCE, Pipeline, pass_names
from nasdsl.values import Threads, shown, typed

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@typed
def optimize(
    network: "Module",
    *,
    runtime: str | None = None,
    threads: Threads | None = None,
    dtype: str | None = None,
    calibration: "Tensor | None" = None,
    passes: Sequence[str] | None = None,
    verify_passes: bool | None = None,
) -> Any:
    """A new network for evaluation, which computes what a compiled network does in less time.

    Batch norm becomes a part of convolutions, what only training needs is left out, and
    convolutions work on images whose channels come last in memory. The parameters are others
    than the network's and have other names. Before the network is handed out, its logits for
    random images are compared with those of the given one, to within 1e-5 of the largest in
    float32.

    Args:
        network: what `nasdsl.compile` returned, trained or with loaded weights. It stays as
            it is.
        runtime: the name of an installed runtime to run the new network in; None gives the
            network itself.
        threads: of the processor, for a runtime; PyTorch's number where it is None.
        dtype: what a runtime computes in; that of the weights where it is None.
        calibration: images for `int8`; see `nasdsl.runtimes.load`.
        passes: names of installed passes to run on its graph, in their order; None has those
            with which a network takes the least time in the runtime.
        verify_passes: see `nasdsl.passes.run`.

    Returns:
        A `nasdsl_backends.torch.Network` on the same device and of the same dtype, in
        evaluation mode. Unless `passes` leave it what training needs, it cannot be trained. With
        a runtime, a function of images (B, C, H, W), batches of any size, to logits
        (B, classes); see `nasdsl.runtimes.load`.

    Raises:
        CellError: NAS008, it is no compiled network; NAS705, it does not compute the same;
            NAS706, the logits of the given network are not finite; NAS709, it has no weights or
            no classifier, or layers that nasdsl has not made; NAS720 to NAS722 where a pass is
            not there or fails; with a runtime, what `nasdsl.runtimes.load` raises.
    """
    options: Any = {"threads": threads, "dtype": dtype, "calibration": calibration}
    if runtime is None:
        for name in (name for name, value in options.items() if value is not None):
            raise cell_error("NAS008", f"`{name}` is for a runtime, and none is named")
    found = None if runtime is None else runtimes.find(runtime)
    names = pass_names(passes)
    if names is None:
        names = FOR_INFERENCE if found is None else found.passes
    made = optimized(network, Pipeline(names, verify_passes))
    if found is not None:
        made = runtimes.load(made, found.name, **options)
    return made


def optimized(network: "Module", pipeline: Pipeline) -> Any:
    """What `optimize` returns, with the passes of `pipeline`. Raises as it does."""
    network = getattr(network, "_orig_mod", network)  # what torch.compile wraps
    graph = getattr(network, "graph", None)
    if not isinstance(graph, NetworkGraph):
        raise cell_error("NAS008", f"compiled networks are optimised, not {shown(network)}")
    if graph.inference:
        return network
    _require_weights(network, graph)
    torch: Any = import_module("torch")
    state = network.state_dict()
    like = next(network.parameters())
    made = backends.build(backends.find("torch"), graph, pipeline, device="meta", dtype=like.dtype)
    values = dict(_values(made, state, like.device, graph.name))
    made.load_state_dict(values, assign=True)
    # Without the pass `inference` its graph is one that could be trained.
    made.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    _compare(network, made, like)
    if hasattr(network, "image_metadata"):
        made.image_metadata = network.image_metadata  # how images are prepared for it
    return made


def _require_weights(network: Any, graph: NetworkGraph) -> None:
    if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        raise cell_error(
            "NAS709",
            f"`{graph.name}` is on the meta device and has no weights to optimise",
            "compile it with device `cpu`",
        )
    if not network.num_classes:
        raise cell_error(
            "NAS709",
            f"`{graph.name}` has no classifier, so there are no logits to compare",
            "`reset_classifier(num_classes)` gives it one",
        )


def _values(
    made: Any, state: Mapping[str, "Tensor"], device: Any, name: str
) -> Iterator[tuple[str, "Tensor"]]:
    """Every tensor of the new network."""
    exact = _Exact(state)
    try:
        for path, tensor in made.state_dict().items():
            derived = made.graph.tensors.get(path)
            found = state[path] if derived is None else derived.value(exact)
            yield path, found.detach().to(device, tensor.dtype, copy=True)
    except KeyError as error:
        raise cell_error(
            "NAS709",
            f"`{name}` has no tensor {error.args[0]!r:.80}: a layer has been replaced or added",
            "optimise the network first, and change its layers then",
        ) from None


class _Exact(Mapping[str, "Tensor"]):
    """Tensors in double precision, each when it is asked for."""

    def __init__(self, state: Mapping[str, "Tensor"]) -> None:
        self._state = state

    def __getitem__(self, name: str) -> "Tensor":
        return self._state[name].detach().cpu().double()

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)


def _compare(network: Any, made: Any, like: "Tensor") -> None:
    """Show that both compute the same, in the weights' own type."""
    torch: Any = import_module("torch")
    images = [one.to(like.device) for one in random_images(network.graph, like.dtype)]
    was = {module: module.training for module in network.modules()}
    with torch.autocast(like.device.type, enabled=False):
        try:
            expected = finite_logits(network.eval(), images)
        finally:
            for module, training in was.items():
                module.training = training
        found = finite_logits(made, images)
    relative_error_of(expected, found, "the optimised network")
