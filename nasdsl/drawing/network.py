"""A whole network: the stack of cells after Figure 2 of Zoph et al. 2018.

Purpose: modules from the image to the classes with filters and shapes, cells that repeat folded
into one box, the auxiliary classifier beside the stack; and the same boxes as lines of text.
`nasdsl.drawing.cell` draws what is inside a cell.
"""

from dataclasses import dataclass, field, replace

from nasdsl.drawing.cell import TITLES
from nasdsl.drawing.lettering import LONGEST_NAME, width
from nasdsl.drawing.page import Page, PageLine, PlacedBox, box_size, text_box
from nasdsl.drawing.picture import with_legend, with_notes
from nasdsl.drawing.themes import BoxLook, DrawingOptions, Theme, find_theme
from nasdsl.errors import plural
from nasdsl.network import SKELETONS, Module, NetworkGraph, Shape
from nasdsl.report.visible import shortened, visible


@dataclass
class Group:
    """Modules that follow one another and are drawn as one box."""

    lines: tuple[str, ...]
    look: BoxLook
    modules: list[Module] = field(default_factory=list)
    aside: bool = False

    @property
    def text(self) -> tuple[str, ...]:
        """The lines of the box, with how often it repeats."""
        if len(self.modules) < 2:
            return self.lines
        return (f"{self.lines[0]} \u00d7 {len(self.modules)}", *self.lines[1:])


def box_groups(network: NetworkGraph) -> list[Group]:
    """Boxes from the image on; cells that are alike and follow one another share one."""
    groups: list[Group] = []
    for module in network.modules:
        group = _group(module, network)
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


def _group(module: Module, network: NetworkGraph) -> Group:
    if module.role != "cell":
        titles = {"stem": "Stem", "head": "Classifier", "auxiliary": "Auxiliary classifier"}
        lines = (titles[module.role], *_layers(module))
        if module.role == "head":
            lines = (*lines, plural(module.body.output_shapes[-1].channels, "class", "d"))
        look: BoxLook = "stem" if module.role == "stem" else "head"
        return Group(lines, look, aside=module.for_auxiliary)
    assert module.kind is not None
    reduces = module.stride > 1
    own = SKELETONS.find(network.configuration.name).own
    is_own = own is not None and own.cell(module.kind) is not None
    title = own.name.replace("_", " ").capitalize() if own and is_own else TITLES[module.kind]
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


def network_notes(network: NetworkGraph) -> tuple[str, ...]:
    """What stands below the picture: the name, the size, the skeleton."""
    said = network.configuration
    name = visible(shortened(network.name, LONGEST_NAME))
    return (
        f"{name}, {said.size}, {said.name} skeleton",
        f"{said.image_size}\u00d7{said.image_size} pixels, {plural(said.classes, 'class', 'd')}",
    )


def stack_lines(network: NetworkGraph) -> list[str]:
    """The stack as text, a box a line, from the image on."""
    groups = box_groups(network)
    lines = [visible(note) for note in network_notes(network)]
    for group in groups:
        shapes = group.modules[-1].body.output_shapes
        lines.append(f"    {', '.join(group.text)} -> {shape_text(shapes[-1])}")
    return lines


_SHAPE_SIZE = 9.0
_GAP, _SIDE_GAP, _ARC = 27.0, 30.0, 13.0

_LEGEND: dict[BoxLook, str] = {
    "stem": "stem and classifier",
    "cell_normal": "normal cell",
    "cell_reduction": "reduction cell",
}


def network_page(network: NetworkGraph, options: DrawingOptions) -> Page:
    """The picture of a network, the states flowing the way the options say."""
    theme = find_theme(options.theme)
    upright = options.direction in ("up", "down")
    groups = box_groups(network)
    stack = _Stack(groups, network, theme, upright)
    page = stack.page()
    if options.direction in ("down", "left"):
        page = _mirrored(page, upright)
    page = with_notes(page, network_notes(network), theme)
    seen = {group.look for group in groups}
    legend = [(theme.boxes[name], words) for name, words in _LEGEND.items() if name in seen]
    return with_legend(page, legend if options.legend else (), theme)


# -- boxes to a page ------------------------------------------------------------------------


class _Stack:
    """Groups one after another; `along` is the way the states flow, `across` beside it."""

    def __init__(
        self, groups: list[Group], network: NetworkGraph, theme: Theme, upright: bool
    ) -> None:
        self.groups, self.theme, self.upright = groups, theme, upright
        self.image = network.image
        self.group_of = {m.name: k for k, group in enumerate(groups) for m in group.modules}
        sizes = [box_size(group.text) for group in groups]
        shared = max(size[0] for size, group in zip(sizes, groups, strict=True) if not group.aside)
        tall = max(size[1] for size in sizes)
        self.sizes = [
            (size[0] + 8.0 if group.aside else shared + 14.0, size[1])
            if upright
            else (size[0] + 8.0, tall)
            for size, group in zip(sizes, groups, strict=True)
        ]
        self.gap = _GAP if upright else max(map(self._shape_width, range(-1, len(groups)))) + 16.0

    def _shape_width(self, index: int) -> float:
        return width(self.shape(index), _SHAPE_SIZE)

    def shape(self, index: int) -> str:
        """What a group gives; the image for -1."""
        if index < 0:
            return shape_text(self.image)
        shapes = self.groups[index].modules[-1].body.output_shapes
        return shape_text(shapes[-1]) + (f" ({len(shapes)} states)" if len(shapes) > 1 else "")

    def page(self) -> Page:
        stack = [k for k, group in enumerate(self.groups) if not group.aside]
        image = box_size(("image",))
        extents = [image[1] if self.upright else image[0]]
        extents += [self.sizes[k][1 if self.upright else 0] for k in stack]
        at: dict[int, tuple[float, float]] = {}
        along = 0.0
        for k, extent in zip((-1, *stack), extents, strict=True):
            at[k] = (along, along + extent)
            along += extent + self.gap
        boxes = [self.box(-1, ("image",), "input", at[-1], image)]
        boxes += [
            self.box(k, self.groups[k].text, self.groups[k].look, at[k], self.sizes[k])
            for k in stack
        ]
        lines: list[PageLine] = []
        for before, after in zip((-1, *stack), stack, strict=False):
            lines.append(self.straight(before, after, at))
            boxes.append(self.shape_label(before, at))
        self.skips(stack, at, lines)
        self.add_auxiliary(at, boxes, lines)
        return _page_around(boxes, lines)

    def xy(self, across: float, along: float) -> tuple[float, float]:
        return (across, along) if self.upright else (along, -across)

    def box(
        self,
        k: int,
        text: tuple[str, ...],
        name: BoxLook,
        span: tuple[float, float],
        size: tuple[float, float],
        across: float = 0.0,
    ) -> PlacedBox:
        x, y = self.xy(across, sum(span) / 2)
        id = "image" if k < 0 else f"group{k}"
        return PlacedBox(id, text, x, y, *size, self.theme.boxes[name])

    def shape_label(self, k: int, at: dict[int, tuple[float, float]]) -> PlacedBox:
        """The shape of what a group gives, beside the arrow that leaves it."""
        middle = at[k][1] + self.gap / 2
        wide = self._shape_width(k)
        across = wide / 2 + 8.0 if self.upright else -8.0
        return text_box(
            f"shape{k + 1}", self.shape(k), *self.xy(across, middle), _SHAPE_SIZE, self.theme
        )

    def straight(self, before: int, after: int, at: dict[int, tuple[float, float]]) -> PageLine:
        start, end = at[before][1], at[after][0]
        steps = [start + (end - start) * k / 3 for k in range(4)]
        points = tuple(self.xy(0.0, step) for step in steps)
        return PageLine(self.id(before), self.id(after), points, self.theme.strokes["plain"])

    def id(self, k: int) -> str:
        return "image" if k < 0 else f"group{k}"

    def half(self, k: int) -> float:
        """Half a box across the flow."""
        return self.sizes[k][0 if self.upright else 1] / 2

    def skips(
        self, stack: list[int], at: dict[int, tuple[float, float]], lines: list[PageLine]
    ) -> None:
        """What reads further back than the module before, as arcs beside the stack."""
        order = {k: place for place, k in enumerate(stack)}
        pairs = {
            (self.group_of[ref.module], k)
            for k in stack
            for module in self.groups[k].modules
            for ref in module.inputs
            if ref.module and self.group_of[ref.module] in order
        }
        arcs = sorted((t, h) for t, h in pairs if order[h] - order[t] > 1)
        lanes: list[tuple[int, int]] = []
        for tail, head in arcs:
            lane = next((k for k, (_, end) in enumerate(lanes) if end <= order[tail]), len(lanes))
            lanes[lane : lane + 1] = [(order[tail], order[head])]
            lines.append(self.arc(tail, head, lane, at))

    def arc(self, tail: int, head: int, lane: int, at: dict[int, tuple[float, float]]) -> PageLine:
        """A line that leaves a box sideways, runs beside the stack, and comes back."""
        widest = max(self.half(k) for k, group in enumerate(self.groups) if not group.aside)
        out = -widest - _ARC * (lane + 1)
        low, high = sum(at[tail]) / 2 + 4.0, sum(at[head]) / 2 - 4.0
        bend = min(12.0, (high - low) / 3)
        path = [
            (-self.half(tail), low),
            (out + bend / 3, low),
            (out, low + bend / 3),
            (out, low + bend),
            (out, low + bend),
            (out, high - bend),
            (out, high - bend),
            (out, high - bend / 3),
            (out + bend / 3, high),
            (-self.half(head), high),
        ]
        points = tuple(self.xy(*point) for point in path)
        return PageLine(self.id(tail), self.id(head), points, self.theme.strokes["skip"])

    def add_auxiliary(
        self, at: dict[int, tuple[float, float]], boxes: list[PlacedBox], lines: list[PageLine]
    ) -> None:
        """The auxiliary classifier, beside what it reads."""
        for k, group in enumerate(self.groups):
            if not group.aside:
                continue
            tail = self.group_of[group.modules[0].inputs[0].module]
            across = self.half(tail) + _SIDE_GAP + self.half(k)
            middle = sum(at[tail]) / 2
            extent = self.sizes[k][1 if self.upright else 0]
            span = middle - extent / 2, middle + extent / 2
            boxes.append(self.box(k, group.text, group.look, span, self.sizes[k], across))
            start, end = self.half(tail), self.half(tail) + _SIDE_GAP
            steps = [start + (end - start) * step / 3 for step in range(4)]
            points = tuple(self.xy(step, middle) for step in steps)
            lines.append(PageLine(self.id(tail), self.id(k), points, self.theme.strokes["plain"]))


def _page_around(boxes: list[PlacedBox], lines: list[PageLine]) -> Page:
    """A page just large enough."""
    xs = [x for each in boxes for x in (each.x - each.width / 2, each.x + each.width / 2)]
    ys = [y for each in boxes for y in (each.y - each.height / 2, each.y + each.height / 2)]
    xs += [x for line in lines for x, _ in line.points]
    ys += [y for line in lines for _, y in line.points]
    left, low = min(xs), min(ys)
    page = Page(tuple(boxes), tuple(lines), max(xs) - left, max(ys) - low)
    return page.moved(-left, -low)


def _mirrored(page: Page, upright: bool) -> Page:
    """The page with the flow the other way."""

    def turned(x: float, y: float) -> tuple[float, float]:
        return (x, page.height - y) if upright else (page.width - x, y)

    boxes = tuple(
        replace(each, x=turned(each.x, each.y)[0], y=turned(each.x, each.y)[1])
        for each in page.boxes
    )
    lines = tuple(
        replace(each, points=tuple(turned(x, y) for x, y in each.points)) for each in page.lines
    )
    return replace(page, boxes=boxes, lines=lines)
