"""The class `Network` of a generated file.

Purpose: stem, cells and classifiers under the names of the graph, and the order in which
they are called.
Non-goals: the classes of cells (`cells`).
"""

import re
from collections.abc import Collection, Sequence
from fractions import Fraction

from nasdsl.errors import cell_error
from nasdsl.network.graph import IMAGE, Module, NetworkGraph, Node, Ref, Shape
from nasdsl_backends.source.cells import CellClass
from nasdsl_backends.source.code import (
    WIDTH,
    Bracketed,
    Expression,
    call,
    grouped,
    indented,
    laid_out,
    listed,
    tall,
)
from nasdsl_backends.source.emission import EMISSIONS, LayerText, StrideText, expression
from nasdsl_backends.source.words import prose


def network_lines(graph: NetworkGraph, cells: Sequence[CellClass], used: set[str]) -> list[str]:
    """The text of the class."""
    made = {id(module): cell for cell in cells for module in cell.modules}
    drops = any(cell.drops for cell in cells)
    image = graph.image
    title = f"{graph.name} {graph.configuration.size}"
    return [
        "class Network(nn.Module):",
        f'    """{prose(title[:80])}: images (B, {image.channels}, height, width) to logits.',
        "",
        "    Parameters are called as in the module that nasdsl builds, so state dictionaries fit",
        "    both. Any image size will do; the sizes in comments are those of "
        f"{image.height} x {image.width} pixels.",
        *indented(_training_prose(graph, drops)),
        '    """',
        "",
        "    def __init__(self) -> None:",
        *indented(["super().__init__()", *_members(graph, made, used)], 2),
        *indented(_progress(drops), 1),
        "",
        *indented(_forward(graph, made)),
    ]


def _training_prose(graph: NetworkGraph, drops: bool) -> list[str]:
    lines = []
    if graph.auxiliary_logits:
        lines += ["", "In training it also gives the auxiliary classifier's logits."]
    if drops:
        lines += [
            "",
            "In training, paths are dropped the more often the further it is: call `set_progress`",
            "with the share of the training that is done, once a step.",
        ]
    return lines


def _members(graph: NetworkGraph, made: dict[int, CellClass], used: set[str]) -> list[str]:
    """The lines of the constructor that register the modules."""
    lines: list[str] = []
    groups: dict[str, dict[str, Expression]] = {}
    for module in graph.modules:
        cell = made.get(id(module))
        expression = cell.made(module) if cell else _sequence(module, used)
        head, _, index = module.name.partition(".")
        groups.setdefault(head, {})[index] = expression
    gaps = _gaps(graph)
    for name, members in groups.items():
        if "" in members:
            lines += laid_out(f"self.{name} = ", members[""], inside=2)
        elif name not in gaps:
            cells = call("nn.ModuleList", listed(members.values()))
            lines += laid_out(f"self.{name} = ", cells, inside=2)
        else:
            # Cells that no result needs are left out, and the others keep their names.
            pairs = Bracketed("{", tuple((f'"{i}": ', made) for i, made in members.items()), True)
            lines += laid_out(f"self.{name} = ", call("nn.ModuleDict", pairs), inside=2)
    return lines


def _gaps(graph: NetworkGraph) -> set[str]:
    """The lists of cells in which some are left out, because no result needs them."""
    found: dict[str, list[str]] = {}
    for module in graph.modules:
        head, _, index = module.name.partition(".")
        found.setdefault(head, []).append(index)
    return {
        head
        for head, indices in found.items()
        if indices != [""] and indices != [str(i) for i in range(len(indices))]
    }


def _sequence(module: Module, used: set[str]) -> Expression:
    """A stem or a classifier: layers in a chain, by name."""
    layers: dict[str, Expression] = {}
    for node in _chain(module):
        if node.primitive == "linear":
            layers["flatten"] = "nn.Flatten()"
        step = StrideText(str(node.stride[0]), str(node.stride[1]))
        layer = LayerText(node, str(node.before.channels), str(node.shape.channels), step, used)
        layers[node.name] = expression(layer)
    used.add("OrderedDict")
    return call("nn.Sequential", tall("OrderedDict", **layers))


def _chain(module: Module) -> list[Node]:
    """The layers of a stem or a classifier, without what joins the states it is given."""
    nodes = [node for node in module.body.nodes if not EMISSIONS[node.primitive].join]
    names = [node.name for node in nodes]
    follows = all(later.inputs == (name,) for name, later in zip(names, nodes[1:], strict=False))
    if not follows or not all(name.isidentifier() for name in names):
        raise cell_error(
            "NAS704",
            f"backend `source` writes `{module.name}` as a chain of layers only, and it is none",
        )
    return nodes


def _progress(drops: bool) -> list[str]:
    lines = ['    self.register_buffer("progress", torch.zeros(()))']
    if drops:
        lines += [
            "",
            "def set_progress(self, progress: float) -> None:",
            '    """Say how far training is, from 0 to 1."""',
            "    self.progress.fill_(min(float(progress), 1.0))",
            "",
            "def keep(self, depth: float) -> Tensor | None:",
            '    """The probability to keep a path of a cell at that depth; None keeps all."""',
            "    return 1 - DROP_PATH * depth * self.progress if self.training else None",
        ]
    return lines


# -- forward --------------------------------------------------------------------------------


def _forward(graph: NetworkGraph, made: dict[int, CellClass]) -> list[str]:
    values = {IMAGE: "image"}
    result = "NetworkOutputs | Tensor" if graph.auxiliary_logits else "Tensor"
    lines: list[str] = []
    training: list[str] = []
    gaps = _gaps(graph)
    for module in graph.modules:
        written = training if module.for_auxiliary or module.role == "auxiliary" else lines
        written += _called(module, made.get(id(module)), values, gaps)
    if graph.auxiliary_logits:
        auxiliary = values[graph.auxiliary_logits]
        training.append(f"return NetworkOutputs({values[graph.logits]}, {auxiliary})")
        lines += ["if self.training:", *indented(training)]
    lines.append(f"return {values[graph.logits]}")
    return [f"def forward(self, image: Tensor) -> {result}:", *indented(lines)]


def _called(
    module: Module, cell: CellClass | None, values: dict[Ref, str], indices: Collection[str]
) -> list[str]:
    """The lines that call a module; what it gives is noted in `values`."""
    name = _variable(module.name)
    given: list[Expression] = [values[ref] for ref in module.inputs]
    if cell is None and len(given) > 1:
        given = [call("torch.cat", grouped(given), "1")]
    if cell is not None and cell.drops:
        given.append(f"self.keep({_share(module.depth)})")
    names = [name]
    if len(module.outputs) > 1:
        names = [f"{name}_{_suffix(ref.node)}" for ref in module.outputs]
    values.update(zip(module.outputs, names, strict=True))
    called = call(_member(module.name, indices), *given)
    lines = laid_out(f"{', '.join(names)} = ", called, inside=2)
    shapes = dict.fromkeys(module.body.output_shapes)
    remark = f"  # {', '.join(map(_size, shapes))}"
    if len(lines) == 1 and len(lines[0] + remark) <= WIDTH - 12:
        lines[0] += remark
    return lines


def _member(name: str, gaps: Collection[str]) -> str:
    head, _, index = name.partition(".")
    if head in gaps:
        return f'self.{head}["{index}"]'
    return f"self.{head}[{index}]" if index else f"self.{head}"


def _share(depth: float) -> str:
    """The depth as the fraction it is."""
    share = Fraction(depth).limit_denominator(10_000)
    exact = share.numerator / share.denominator == depth and share.denominator > 1
    return f"{share.numerator} / {share.denominator}" if exact else repr(depth)


def _variable(name: str) -> str:
    head, _, index = name.partition(".")
    return f"{head.removesuffix('s')}{index}" if index else head


def _suffix(node: str) -> str:
    """`b3.combine.0` is b3; `output.h1.0` is h1."""
    first, second, *_ = [*node.split("."), ""]
    return re.sub(r"\W", "_", second if first == "output" and second else first)


def _size(shape: Shape) -> str:
    if (shape.height, shape.width) == (1, 1):
        return str(shape.channels)
    return f"{shape.channels} x {shape.height} x {shape.width}"
