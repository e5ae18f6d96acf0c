"""The boxes of a network's picture: which modules share one, and what it says.

Purpose: cells that repeat are folded into one box; the same boxes as lines of text.
Non-goals: where they stand (`nasdsl.drawing.network`).
"""

from dataclasses import dataclass, field

from nasdsl.drawing.cell import TITLES
from nasdsl.drawing.lettering import printable, shortened
from nasdsl.drawing.themes import Look
from nasdsl.network import Module, NetworkGraph, Shape


@dataclass
class Group:
    """Modules that follow one another and are drawn as one box."""

    lines: tuple[str, ...]
    look: Look
    modules: list[Module] = field(default_factory=list)
    aside: bool = False

    @property
    def text(self) -> tuple[str, ...]:
        """The lines of the box, with how often it repeats."""
        if len(self.modules) < 2:
            return self.lines
        return (f"{self.lines[0]} \u00d7 {len(self.modules)}", *self.lines[1:])


def groups_of(network: NetworkGraph) -> list[Group]:
    """Boxes from the image on; cells that are alike and follow one another share one."""
    groups: list[Group] = []
    for module in network.modules:
        group = _group(module)
        last = groups[-1] if groups else None
        same = last is not None and module.role == "cell" and _alike(last.modules[-1], module)
        if not same:
            groups.append(group)
        groups[-1].modules.append(module)
    return groups


def _alike(a: Module, b: Module) -> bool:
    return (a.role, a.kind, a.stride, a.filters, a.body.output_shapes) == (
        b.role,
        b.kind,
        b.stride,
        b.filters,
        b.body.output_shapes,
    )


def _group(module: Module) -> Group:
    if module.role != "cell":
        titles = {"stem": "Stem", "head": "Classifier", "auxiliary": "Auxiliary classifier"}
        lines = (titles[module.role], *_layers(module))
        if module.role == "head":
            lines = (*lines, f"{module.body.output_shapes[-1].channels} classes")
        look: Look = "stem" if module.role == "stem" else "head"
        return Group(lines, look, aside=module.for_auxiliary)
    assert module.kind is not None
    reduces = module.stride > 1
    title = TITLES[module.kind]
    if reduces and module.kind == "normal":
        title += f", stride {module.stride}"
    return Group(
        (title, f"{module.filters} filters"), "cell_reduction" if reduces else "cell_normal"
    )


def _layers(module: Module) -> tuple[str, ...]:
    """The convolutions and linear layers of a stem or a head, a line."""
    words = []
    for node in module.body.nodes:
        if node.primitive == "conv":
            stride = f" / {node.stride[0]}" if node.stride[0] > 1 else ""
            words.append(f"conv {node.kernel[0]}x{node.kernel[1]}{stride}")
        elif node.primitive in ("global_avg_pool", "linear", "avg_pool"):
            words.append(node.primitive.replace("global_avg", "average").replace("_", " "))
    return tuple([", ".join(words[k : k + 2]) for k in range(0, len(words), 2)])


def shape_text(shape: Shape) -> str:
    """Height, width and channels; channels alone for a vector."""
    if shape.height == shape.width == 1:
        return f"{shape.channels}"
    return f"{shape.height}\u00d7{shape.width}\u00d7{shape.channels}"


def notes_of(network: NetworkGraph) -> tuple[str, ...]:
    """What stands below the picture: the name, the size, the skeleton."""
    said = network.configuration
    name = printable(shortened(network.name))
    return (
        f"{name}, {said.size}, {said.name} skeleton",
        f"{said.image_size}\u00d7{said.image_size} pixels, {said.classes} classes",
    )


def stack_lines(network: NetworkGraph) -> list[str]:
    """The stack as text, a box a line, from the image on."""
    groups = groups_of(network)
    lines = [printable(note) for note in notes_of(network)]
    for group in groups:
        shapes = group.modules[-1].body.output_shapes
        lines.append(f"    {', '.join(group.text)} -> {shape_text(shapes[-1])}")
    return lines
