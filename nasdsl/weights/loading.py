"""Loading: weights of another implementation, or our own, into a network.

Purpose: `load`. It changes the network only where everything fits, and all at once.

torch is imported on use: whoever has a network has it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nasdsl.errors import CellError, cell_error
from nasdsl.network.graph import NetworkGraph
from nasdsl.primitives import Sizes
from nasdsl.values import require_types, typed
from nasdsl.weights.files import opened_weights, unwrapped_weights
from nasdsl.weights.fit import covered_share, fit, misfit_error
from nasdsl.weights.layout import ForeignTensor, Layout, Parameter, Table, parameters
from nasdsl.weights.registry import LAYOUTS, find
from nasdsl.weights.stored import Stored

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class Loaded(NamedTuple):
    """What was loaded.

    Attributes:
        layout: the layout, worked out where `auto` was asked for.
        tensors: how many tensors of the network were set.
        spare: names of the source that have no place in the network, and need none: what an
            optimizer keeps, an auxiliary classifier that the network does not have.
    """

    layout: str
    tensors: int
    spare: tuple[str, ...]


@typed
def load(
    net: "Module",
    source: "str | PathLike[str] | Mapping[str, Any]",
    layout: str = "auto",
    *,
    drop_background: bool = False,
) -> Loaded:
    """Set the parameters and moving statistics of a compiled network.

    Args:
        net: what `nasdsl.compile` returned; it keeps its device and dtype, and leaves the
            meta device for the CPU.
        source: a path, or a mapping from names to tensors or arrays. Readable are .npz,
            .safetensors, PyTorch's .pt and .pth (tensors only), Keras' .h5 and .keras.
        layout: whose names they are: `native`, `slim`, `timm`, `cadene`, `keras`, `darts`, or
            `auto` for the one that fits best.
        drop_background: leave out the first class of the source, which has one more than the
            network: checkpoints of slim and Cadene count the background as class 0.

    Raises:
        CellError: NAS801 with every missing, unexpected and mis-shaped name; NAS001, NAS701,
            NAS802 and NAS803 where the file cannot be read; NAS804 where the layout has no
            such network; NAS805 where there is no such layout. The network is as before.
    """
    net = getattr(net, "_orig_mod", net)  # what torch.compile wraps
    graph = getattr(net, "graph", None)
    if not isinstance(graph, NetworkGraph):
        kind = type(net).__name__
        raise cell_error("NAS008", f"weights are loaded into a compiled network, not a {kind}")
    require_types(source=(source, str | PathLike | Mapping))
    if graph.inference:
        layout = _layout_for_inference(graph, layout)
    chosen = None if layout == "auto" else find(layout)
    state: dict[str, Tensor] = net.state_dict()
    with ExitStack() as stack:
        if not isinstance(source, Mapping):
            size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
            source = stack.enter_context(opened_weights(Path(source), size))
        values, loaded = _fitting(graph, state, source, chosen, drop_background)
        _set_values(net, state, values)
    return loaded


def _fitting(
    graph: NetworkGraph,
    state: Mapping[str, "Tensor"],
    source: Mapping[str, Any],
    chosen: Layout | None,
    drop_background: bool,
) -> tuple[dict[str, "Tensor"], Loaded]:
    """The source's tensors by our names; they are read after it is known that all of them fit."""
    weights = unwrapped_weights(source)
    table = {} if chosen is None else chosen.table(graph)
    if chosen is None:
        chosen, table = _best_layout(graph, weights)
    ours = _own_tensors(graph, state)
    if chosen.name == "native":
        # What the backend keeps beside them, such as training's progress, may be there too.
        table = {**{name: ForeignTensor(name, optional=True) for name in state}, **table}
    stored = {name: _stored(value) for name, value in weights.items()}
    shapes: dict[str, Sizes | None] = {
        name: tensor.shape if tensor.is_numeric else None for name, tensor in stored.items()
    }
    result = fit(graph, chosen, table, ours, shapes, drop_background)
    if not result.is_whole:
        raise misfit_error(graph, chosen.name, result)
    values: dict[str, Tensor] = {}
    for name, theirs in result.found.items():
        tensor, axes = _as_tensor(stored[theirs].read()), table[name].axes
        if tensor is None or tuple(tensor.shape) != shapes[theirs]:
            raise cell_error("NAS802", f"`{theirs}` is not what its file declares")
        # Right away, so that a wider source does not take its width in memory.
        tensor = tensor.to(state[name].dtype)
        tensor = tensor if axes is None else tensor.permute(axes)
        if drop_background and ours[name].primitive == "linear":
            tensor = tensor[1:]
        values[name] = tensor
    return values, Loaded(chosen.name, len(values), result.spare)


def _layout_for_inference(graph: NetworkGraph, layout: str) -> str:
    """The tensors of an optimised network have no names but ours."""
    if layout not in ("auto", "native"):
        raise cell_error(
            "NAS804",
            f"layout `{layout}` has no names for `{graph.name}`, which has been optimised",
            "load the weights into the network that it was made from, and optimise that",
        )
    return "native"


def _best_layout(graph: NetworkGraph, weights: Mapping[str, Any]) -> tuple[Layout, Table]:
    """The layout that names most of the network's tensors as the weights do."""
    best: tuple[float, Layout, Table] | None = None
    for layout in LAYOUTS.usable().values():
        try:
            table = layout.table(graph)
        except CellError:
            continue  # the layout has no such network
        covered = covered_share(layout, table, weights)
        if covered and (best is None or covered > best[0]):
            best = covered, layout, table
    if not weights:
        raise cell_error(
            "NAS801", f"the weights for `{graph.name}` are empty: no tensor is in them"
        )
    if best is None:
        some = ", ".join(f"`{name}`" for name in list(weights)[:3])
        raise cell_error(
            "NAS801",
            f"the weights do not fit `{graph.name}` in any layout: none of their names is known",
            f"their names are {some}" + (", ..." if len(weights) > 3 else ""),
            f"the layouts are {', '.join(f'`{name}`' for name in LAYOUTS)}",
        )
    return best[1:]


def _own_tensors(graph: NetworkGraph, state: Mapping[str, "Tensor"]) -> dict[str, Parameter]:
    """What the network has now: its classifier may have been taken off or replaced."""
    known = parameters(graph)
    return {
        name: Parameter(tuple(tensor.shape), known[name].primitive if name in known else "identity")
        for name, tensor in state.items()
    }


def _stored(value: Any) -> Stored:
    """A value of a source, which may still be in its file."""
    if isinstance(value, Stored):
        return value
    tensor = _as_tensor(value)
    if tensor is None:
        return Stored((), lambda: None, is_numeric=False)
    return Stored(tuple(tensor.shape), lambda: tensor)


def _as_tensor(value: Any) -> "Tensor | None":
    """A value as a tensor without a copy, or None where it is not a tensor of numbers."""
    torch: Any = import_module("torch")
    if isinstance(value, torch.Tensor):
        kept: Tensor = value.detach()
        return kept if _is_numeric(kept) else None
    numpy: Any = import_module("numpy")
    try:
        array = numpy.asarray(value)
        if array.dtype.kind not in "fiu":
            return None
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            array = array.astype("f8")  # long doubles, which torch does not have
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        made: Tensor = torch.from_numpy(numpy.require(array, requirements="CW"))
    except (TypeError, ValueError, RuntimeError):
        return None
    return made


def _is_numeric(tensor: "Tensor") -> bool:
    torch: Any = import_module("torch")
    dense = tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta
    return dense and not tensor.is_complex() and tensor.dtype is not torch.bool


def _set_values(
    net: "Module", state: Mapping[str, "Tensor"], values: Mapping[str, "Tensor"]
) -> None:
    """Set values of the right shapes; a network on the meta device moves to the CPU."""
    torch: Any = import_module("torch")
    on_meta = any(tensor.is_meta for tensor in state.values())
    prepared = dict(values)
    if on_meta:
        # Nothing of the source is kept: it may change, or be a view of something larger.
        whole = {
            name: torch.zeros_like(tensor, device="cpu")
            for name, tensor in state.items()
            if name not in prepared
        }
        prepared = {name: value.clone().contiguous() for name, value in prepared.items()} | whole
    net.load_state_dict(prepared, strict=False, assign=on_meta)
