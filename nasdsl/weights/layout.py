"""Layouts: what another implementation calls the tensors of a network.

Purpose: the types, the one way from a layout's names to its table, and what layouts ask: the
parameters of a network, the words in which they compare what a part learns, and where in the
stack a cell stands. The names themselves are in one file a layout.

Our own names are the backend's: `<module>.<node>.<tensor>`, `cells.7.b0.left.1.weight`. A table
has, for each of them, the foreign name and the order its axes are taken in. A layout says only
what each part of a module is called; which tensors a node has is in the table of primitives, and
how a framework orders their axes is in its `Framework`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from nasdsl.errors import cell_error
from nasdsl.network.graph import Module, NetworkGraph, Node, Part
from nasdsl.network.skeleton import SKELETONS
from nasdsl.primitives import PRIMITIVES, Sizes
from nasdsl.values import typed


class Parameter(NamedTuple):
    """A parameter or buffer: its shape, and the primitive that owns it."""

    shape: Sizes
    primitive: str


@typed
def parameters(graph: NetworkGraph) -> dict[str, Parameter]:
    """Every parameter and every moving statistic of a network, by name."""
    return {
        f"{node.name}.{tensor.name}": Parameter(tensor.sizes, node.primitive)
        for _, node in graph.nodes()
        for tensor in PRIMITIVES[node.primitive].tensors(node)
    }


#: From our axes to theirs: ours[i] is axis axes[i] of the foreign tensor.
Axes = tuple[int, ...]


class ForeignTensor(NamedTuple):
    """Where a tensor comes from.

    Attributes:
        name: what the layout calls it.
        axes: the order in which its axes are taken; None takes them as they are.
        optional: whether the network keeps what it has where the source lacks it.
    """

    name: str
    axes: Axes | None = None
    optional: bool = False

    def shape(self, ours: Sizes) -> Sizes:
        """The foreign tensor's shape where ours has that shape."""
        if self.axes is None:
            return ours
        return tuple(ours[self.axes.index(axis)] for axis in range(len(ours)))


#: From our names to their sources.
Table = dict[str, ForeignTensor]


class Layout(NamedTuple):
    """One implementation's names.

    Attributes:
        name: what `load(layout=...)` calls it.
        table: the table of a network. Raises `CellError` (NAS804) where the implementation
            has no such network.
        key: from a name as files write it to the name as the table writes it.
        spare: patterns of names that may be there without a place in the network.
    """

    name: str
    table: Callable[[NetworkGraph], Table]
    key: Callable[[str], str] = str
    spare: Callable[[NetworkGraph], tuple[str, ...]] = lambda _: ()


class Framework(NamedTuple):
    """How a framework names and orders the tensors of its layers.

    Attributes:
        norm: what follows the layer's name for each tensor of `_NORM`; None where the
            framework has no such tensor.
        linear: the same for weight and bias of a fully connected layer.
        conv: axes of a convolution's kernel.
        depthwise: axes of a depthwise kernel.
        matrix: axes of a fully connected layer's weight.
    """

    norm: tuple[str | None, ...]
    linear: tuple[str, str]
    conv: Axes | None = None
    depthwise: Axes | None = None
    matrix: Axes | None = None


_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
#: PyTorch. Checkpoints older than its release 0.4.1 do not count batches.
TORCH = Framework(tuple(f".{name}" for name in _NORM), (".weight", ".bias"))

# TensorFlow's kernels are height, width, channels in, channels out; depthwise ones height,
# width, channel, 1; matrices features, classes.
_TENSORFLOW_NORM = ("/gamma", "/beta", "/moving_mean", "/moving_variance", None)
SLIM = Framework(_TENSORFLOW_NORM, ("/weights", "/biases"), (3, 2, 0, 1), (2, 3, 0, 1), (1, 0))
KERAS = SLIM._replace(linear=("/kernel", "/bias"))

#: From a module and one of its parts to names: of kernels in full, of norms and fully
#: connected layers without what the framework adds; two for a factorized reduction. None where
#: the implementation has no such part.
Names = Callable[[Module, Part], Sequence[str] | None]


def named_table(layout: str, graph: NetworkGraph, framework: Framework, names: Names) -> Table:
    """The table that a layout's names make of a network.

    Raises:
        CellError: NAS804 where a part has no name, or two have the same.
    """
    table: Table = {}
    owners: dict[str, str] = {}
    for module in graph.modules:
        for part in module.body.parts:
            nodes = nodes_with_tensors(part)
            if not nodes:
                continue
            given = names(module, part)
            place = f"{module.name}.{part.path}" if part.path else module.name
            if given is None:
                raise no_name_error(layout, graph, place, part)
            for ours, source in _sources(module, nodes, iter(given), framework):
                if owners.setdefault(source.name, place) != place:
                    raise no_name_error(layout, graph, place, part)
                table[ours] = source
    return table


def no_name_error(layout: str, graph: NetworkGraph, place: str, part: Part) -> Exception:
    """The refusal: the layout's implementation has no such part."""
    hints = [f"use layout `native` for weights of `{graph.name}` itself"]
    if part.label == "auxiliary":
        hints = ["compile the network without the auxiliary classifier"]
    return cell_error(
        "NAS804", f"layout `{layout}` has no names for {place} ({part.label})", *hints
    )


def _sources(
    module: Module, nodes: Sequence[Node], names: Iterator[str], framework: Framework
) -> Iterator[tuple[str, ForeignTensor]]:
    for node in nodes:
        path = f"{module.name}.{node.name}"
        if node.primitive == "batch_norm":
            scope = next(names)
            for tensor, suffix in zip(_NORM, framework.norm, strict=True):
                if suffix is not None:
                    optional = tensor == "num_batches_tracked"
                    yield f"{path}.{tensor}", ForeignTensor(scope + suffix, None, optional)
        elif node.primitive == "linear":
            scope, (weight, bias) = next(names), framework.linear
            yield f"{path}.weight", ForeignTensor(scope + weight, framework.matrix)
            if node.bias:
                yield f"{path}.bias", ForeignTensor(scope + bias)
        else:
            axes = framework.depthwise if node.primitive == "depthwise" else framework.conv
            kernels = 2 if node.primitive == "factorized_reduce" else 1
            given = [next(names) for _ in range(kernels)]
            owned = [tensor.name for tensor in PRIMITIVES[node.primitive].tensors(node)]
            # A factorized reduction to one filter lacks the first of its two kernels.
            for tensor, name in zip(owned, given[-len(owned) :], strict=True):
                yield f"{path}.{tensor}", ForeignTensor(name, axes)


#: A separable convolution: depthwise, pointwise, batch norm.
SEPARABLE = ("depthwise", "pointwise", "batch_norm")
#: The same with distance between the taps.
DILATED = ("dilated depthwise", "pointwise", "batch_norm")
PROJECTED = ("pointwise", "batch_norm")
HALVED = ("factorized_reduce", "batch_norm")


def nodes_with_tensors(part: Part) -> tuple[Node, ...]:
    """The nodes that have tensors, in order."""
    return tuple(node for node in part.nodes if PRIMITIVES[node.primitive].tensors(node))


def learned_chain(part: Part) -> tuple[str, ...]:
    """A word for each node that has tensors, in order."""
    return tuple(map(_word, nodes_with_tensors(part)))


def _word(node: Node) -> str:
    if node.primitive not in ("conv", "depthwise"):
        return node.primitive
    height, width = node.kernel
    if node.primitive == "conv" and (height, width) == (1, 1):
        return "pointwise"
    shape = "" if height == width else f"{height}x{width} "
    return shape + ("dilated " if node.dilation > 1 else "") + node.primitive


#: What a table cannot read off the cells, see `nasdsl.network.skeleton.Stem.layouts`.
LayoutFacts = Mapping[str, tuple[str, ...]]


class CellPosition(NamedTuple):
    """A cell's place.

    Attributes:
        kind: `stem`, `normal` (also where it strides) or `reduction`.
        stage: how many cells that reduce begin or end the stages before it.
        number: its number among the cells of that kind in the stage.
        normals: how many normal cells of the network come before it.
    """

    kind: Literal["stem", "normal", "reduction"]
    stage: int
    number: int
    normals: int


def layout_facts(graph: NetworkGraph, layout: str) -> LayoutFacts | None:
    """What a network's skeleton says to a layout; None where it has no names in it."""
    chosen = graph.configuration
    return SKELETONS.find(chosen.name).stems[chosen.stem].layouts.get(layout)


def cell_positions(graph: NetworkGraph) -> dict[str, CellPosition]:
    """Where each cell of the skeleton's plan stands, by its name."""
    chosen = graph.configuration
    found: dict[str, CellPosition] = {}
    stage = number = count = 0
    for cell in SKELETONS.find(chosen.name).planned_for(chosen):
        if cell.in_stem:
            found[cell.name] = CellPosition("stem", 0, len(found), 0)
            continue
        if cell.stride > 1:
            stage, number = stage + 1, 0
        if cell.kind == "reduction":
            found[cell.name] = CellPosition("reduction", stage - 1, 0, count)
            continue
        found[cell.name] = CellPosition("normal", stage, number, count)
        number, count = number + 1, count + 1
    return found


def before_auxiliary(graph: NetworkGraph) -> str:
    """The name of the cell that an auxiliary classifier reads."""
    chosen = graph.configuration
    plan = SKELETONS.find(chosen.name).planned_for(chosen)
    return next(cell.name for cell in plan if cell.before_auxiliary)
