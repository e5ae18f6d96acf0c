"""Drawings as data: what is in them, where it stands, and that it never changes by itself."""

import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path as FilePath
from typing import get_args
from xml.etree import ElementTree

import pytest

from nasdsl import library
from nasdsl.drawing import (
    DIRECTIONS,
    THEMES,
    Drawing,
    DrawingOptions,
    difference_drawing,
    genotype_drawing,
    network_drawing,
    space_drawing,
    svg,
)
from nasdsl.drawing.cell import MAX_BLOCKS, cell_sketches
from nasdsl.drawing.difference import difference_sketches
from nasdsl.drawing.layout import Path, Point, Size, SketchLayout, sketch_layout
from nasdsl.drawing.lettering import name_lines, width
from nasdsl.drawing.page import DotNode, box_size
from nasdsl.drawing.sketch import OP_LOOK_NAMES, Box, Sketch, op_look
from nasdsl.drawing.space import space_sketches
from nasdsl.drawing.themes import BoxLook, Stroke, find_theme
from nasdsl.errors import CellError
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import load, load_space, loads, loads_space
from nasdsl.network import network_graph
from nasdsl.network.cell_graph import OUTPUT, cell_graph
from nasdsl.space import sample
from tests.hash_seeds import printed_under_hash_seeds
from tests.work import calls

IMAGES = FilePath(__file__).parent.parent / "docs" / "images"
GENOTYPES = [name for name in library.names() if load_space(name).is_genotype]
CELLS = ["nasnet_a", "nasnet_a_unused", "pnasnet5", "darts_v1", "darts_v2", "example_b_form"]
DEAD = """genotype dead
ops nasnet
cell normal {
    b0 = (h[i], h[i], identity,     identity,     add)
    b1 = (b0,   h[i], conv_1x1,     conv_1x1,     add)
    b2 = (h[i], h[i], max_pool_3x3, avg_pool_3x3, add)
    output concat(b2)
}
"""


def size_of(box: Box) -> Size:
    """As in a picture: all ops are as tall as the tallest."""
    size = Size(*box_size(box.lines))
    is_op = box.id.endswith((".left", ".right"))
    return size._replace(along=box_size(("",) * 3)[1]) if is_op else size


def drawn(genotype: Genotype) -> list[SketchLayout]:
    return [sketch_layout(sketch, size_of) for sketch in cell_sketches(genotype)]


def random_genotypes(count: int) -> list[Genotype]:
    """Members of spaces of different depths and widths."""
    deep = "\n".join(
        f"b{k} = ({{{' | '.join(['h[i]', 'h[i-1]', *(f'b{j}' for j in range(k))])}}}, ?, ?, ?, add)"
        for k in range(9)
    )
    spaces = [
        load_space("nasnet_space"),
        loads_space(f"ops nasnet\ncell normal {{\n{deep}\n}}\n"),
        loads_space("ops nasnet\ncell normal { 12 * (?, ?, ?, ?, {add | concat}) }\n"),
    ]
    return [genotype for space in spaces for genotype in sample(space, count, seed=4)]


# -- golden files --------------------------------------------------------------------------


@pytest.mark.parametrize("name", library.names())
def test_cells_of_the_library(golden, name: str) -> None:
    """The DOT text of every genotype and space of the library."""
    space = load_space(name)
    drawing = genotype_drawing(load(name)) if space.is_genotype else space_drawing(space)
    golden(f"library/{name}/cells.dot", drawing.dot)


@pytest.mark.parametrize("name", GENOTYPES)
def test_networks_of_the_library(golden, name: str) -> None:
    """The DOT text of the stack of every genotype."""
    golden(f"library/{name}/network.dot", network_drawing(network_graph(load(name))).dot)


SEEDED = """
from nasdsl import load, load_space
from nasdsl.drawing import *
options = DrawingOptions("dark", "left", True)
print(genotype_drawing(load("nasnet_a"), options).dot)
print(space_drawing(load_space("nasnet_space"), options).dot)
print(difference_drawing(load("darts_v1"), load("darts_v2"), options).dot)
"""


def test_dot_does_not_depend_on_the_hash_seed() -> None:
    """Three kinds of drawing give the same DOT in processes of different hash seeds."""
    outputs = printed_under_hash_seeds(SEEDED)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 10_000


# -- what is drawn -------------------------------------------------------------------------


@pytest.mark.parametrize("name", GENOTYPES)
def test_every_node_and_edge_of_the_cell_graph_is_drawn(name: str) -> None:
    """A box for each node with its label, a wire for each edge; `each` has a box a slot."""
    genotype = load(name)
    for sketch, cell in zip(cell_sketches(genotype), genotype.cells, strict=True):
        graph = cell_graph(genotype, cell.kind)
        expected = {
            f"{cell.kind}.{node}": " ".join(name_lines(data["label"]))
            for node, data in graph.nodes(data=True)
            if node != OUTPUT
        }
        boxes = [box for unit in sketch.units for box in unit.boxes]
        actual = {box.id: " ".join(box.lines) for box in boxes if ".output" not in box.id}
        assert expected == actual
        wires = sorted((wire.tail, wire.head.partition(".output")[0]) for wire in sketch.wires)
        edges = [
            (f"{cell.kind}.{a}", cell.kind if b == OUTPUT else f"{cell.kind}.{b}")
            for a, b in graph.edges()
        ]
        assert sorted(edges) == wires


def test_h_is_drawn_into_the_output_of_nasnet_a() -> None:
    """The released normal cell concatenates h[i-1], and the drawing says so."""
    edges = genotype_drawing(load("nasnet_a")).graph.edges
    assert ("normal.h[i-1]", "normal.output.0") in {(edge.tail, edge.head) for edge in edges}


def test_outputs_of_each_are_numbered_as_they_are_appended() -> None:
    """`output each` gives one box a state, h[i+1] for the first."""
    sketch = cell_sketches(load("example_b_form"))[0]
    outputs = {
        box.id: box.lines for unit in sketch.units if unit.role == "output" for box in unit.boxes
    }
    expected = {f"normal.output.{k}": (f"h[i+{k + 1}]",) for k in range(4)}
    assert expected == outputs
    ends = [(wire.tail, wire.head) for wire in sketch.wires if ".output" in wire.head]
    assert ends == [(f"normal.b{k}", f"normal.output.{k}") for k in range(4)]


def test_dead_blocks_are_dim() -> None:
    """What reaches no output is there in the dim ink, and nothing else is."""
    sketch = cell_sketches(loads(DEAD))[0]
    dim = {box.id for unit in sketch.units for box in unit.boxes if box.dim}
    parts = ("", ".left", ".right")
    assert dim == {f"normal.b{k}{part}" for k in (0, 1) for part in parts}
    assert {wire.head for wire in sketch.wires if wire.dim} == dim
    legend = genotype_drawing(loads(DEAD), DrawingOptions(legend=True)).dot
    assert "reaches no output" in legend


def test_a_space_lists_what_may_stand_in_its_holes() -> None:
    """Options are named as far as a box can hold them, else counted and listed below."""
    text = """ops nasnet
    cell normal {
        b0 = ({h[i] | h[i-1]}, h[i], {identity | conv_1x1}, ?, {add | concat})
        b1 = (b0, ?, identity, identity, add)
    }
    """
    (sketch,), notes = space_sketches(loads_space(text))
    lines = {box.id: box.lines for unit in sketch.units for box in unit.boxes}
    assert lines["normal.b0.left.input"] == ("h[i]", "h[i-1]")
    assert lines["normal.b0.left"] == ("identity or", "conv 1x1")
    assert lines["normal.b0.right"] == ("any of", "13 ops")
    assert lines["normal.b0"] == ("b0", "add or", "concat")
    assert lines["normal.b1.right.input"] == ("h[i]", "h[i-1]", "b0")
    assert lines["normal.b1"] == ("b1", "add")
    assert "normal.b0.right.input" not in lines
    assert ("normal.h[i]", "normal.b0.right") in {(w.tail, w.head) for w in sketch.wires}
    assert notes[0].startswith("13 ops: identity, conv 1x1, ")
    assert notes[-1] == "312 genotypes"


@pytest.mark.parametrize(
    ("number", "said"),
    [(9_999_999, "9,999,999 "), (10**7, "1.00 \u00d7 10^7"), (99_996 * 10**9, "1.00 \u00d7 10^14")],
)
def test_large_numbers_of_genotypes(monkeypatch, number: int, said: str) -> None:
    """Counts are written out up to ten million, then rounded to three digits."""
    monkeypatch.setattr("nasdsl.drawing.space.count", lambda space: number)
    assert said in space_sketches(load_space("nasnet_space"))[1][-1]


def test_a_difference_with_itself_has_nothing_coloured() -> None:
    """Everything is in both."""
    for name in CELLS:
        sketches = difference_sketches(load(name), load(name))
        boxes = {box.look for each in sketches for unit in each.units for box in unit.boxes}
        strokes = {wire.stroke for each in sketches for wire in each.wires}
        assert (boxes, strokes) == ({"same"}, {"same"})


def test_the_difference_of_the_two_readings_of_nasnet_a() -> None:
    """They differ in two wires into the outputs, and in nothing else."""
    sketches = difference_sketches(load("nasnet_a"), load("nasnet_a_unused"))
    marked = {
        (wire.tail, wire.head, wire.stroke)
        for each in sketches
        for wire in each.wires
        if wire.stroke != "same"
    }
    assert marked == {
        ("normal.h[i-1]", "normal.output.concat", "removed"),
        ("reduction.b1", "reduction.output.concat", "removed"),
    }


def test_a_difference_shows_ops_combines_blocks_and_cells() -> None:
    """A changed op is two boxes, a changed combine says both names, a new block is added."""
    before = "ops nasnet\ncell normal { b0 = (h[i], h[i-1], identity, conv_1x1, add) }\n"
    after = """ops nasnet
    cell normal {
        b0 = (h[i], h[i-1], identity, conv_3x3, concat)
        b1 = (h[i], b0,     identity, identity, add)
    }
    cell reduction { b0 = (h[i], h[i], identity, identity, add) }
    """
    normal, reduction = difference_sketches(loads(before), loads(after))
    looks = {box.id: (box.look, box.lines) for unit in normal.units for box in unit.boxes}
    assert looks["normal.b0.op0"] == ("same", ("identity",))
    assert looks["normal.b0.op1"] == ("removed", ("conv", "1x1"))
    assert looks["normal.b0.op2"] == ("added", ("conv", "3x3"))
    assert looks["normal.b0"] == ("changed", ("add", "\u2192 concat"))
    assert looks["normal.b1"][0] == "added"
    assert {box.look for unit in reduction.units for box in unit.boxes} == {"added"}


def test_two_genotypes_that_read_in_a_circle_together() -> None:
    """b0 of one reads b1, b1 of the other reads b0: drawn all the same, every wire of both."""
    one = """ops nasnet
    cell normal {
        b1 = (h[i], h[i], identity, identity, add)
        b0 = (b1,   h[i], identity, identity, add)
    }
    """
    other = """ops nasnet
    cell normal {
        b0 = (h[i], h[i], identity, identity, add)
        b1 = (b0,   h[i], identity, identity, add)
    }
    """
    (sketch,) = difference_sketches(loads(one), loads(other))
    edges = difference_drawing(loads(one), loads(other)).graph.edges
    assert sorted((w.tail, w.head) for w in sketch.wires) == sorted((e.tail, e.head) for e in edges)


def test_large_cells_are_folded_with_a_remark() -> None:
    """What could not be read is one box, and the drawing says so; a difference is refused."""
    blocks = "\n".join(
        f"b{k} = (h[i], h[i-1], identity, identity, add)" for k in range(MAX_BLOCKS + 1)
    )
    genotype = loads(f"ops nasnet\ncell normal {{\n{blocks}\n}}\n")
    drawing = genotype_drawing(genotype)
    assert {node.id for node in drawing.graph.nodes} == {
        *("normal.h[i]", "normal.h[i-1]", "normal.blocks", "normal.output.0")
    }
    assert drawing.remarks == (
        "the normal cell has 61 blocks, and more than 60 are drawn as one box",
    )
    with pytest.raises(CellError, match="NAS713"):
        difference_drawing(genotype, genotype)


def test_a_folded_cell_has_the_outputs_of_the_cell() -> None:
    """What `each` passes on are states of their own there, too."""
    genotype = loads(
        f"ops nasnet\ncell normal {{\n{MAX_BLOCKS + 1} * (h[i], h[i-1], identity, identity, add)\n"
        "output each(h[i-1], b0, b1)\n}\n"
    )
    graph = genotype_drawing(genotype).graph
    outputs = [f"normal.output.{slot}" for slot in range(3)]
    assert [node.id for node in graph.nodes if "output" in node.id] == outputs
    labels = [str(node.attributes["label"]) for node in graph.nodes if "output" in node.id]
    assert labels == ["h[i+1]", "h[i+2]", "h[i+3]"]
    assert sorted(edge.head for edge in graph.edges if edge.tail == "normal.blocks") == outputs


def test_a_network_folds_what_repeats() -> None:
    """Two hundred cells are a few boxes; counts, filters, shapes and the auxiliary head show."""
    genotype = load("nasnet_a_large")
    settings = replace(genotype.settings, N=60, auxiliary=True)
    drawing = network_drawing(network_graph(genotype.with_settings(settings)))
    text = [str(node.attributes["label"]) for node in drawing.graph.nodes]
    assert sum("Normal cell \u00d7 60" in each for each in text) == 3
    assert sum("Reduction cell" in each for each in text) == 4
    assert "42\u00d742\u00d71008" in text
    assert any(each.startswith("Auxiliary classifier") for each in text)
    assert "Reduction cell\\n672 filters" in text
    assert "nasnet_a_large, 60 @ 4032, nasnet skeleton" in text


# -- where it stands -----------------------------------------------------------------------


def inside(point: Point, box: str, layout: SketchLayout, slack: float = 0.75) -> bool:
    centre, size = layout.centres[box], layout.sizes[box]
    return (
        abs(point.across - centre.across) < size.across / 2 - slack
        and abs(point.along - centre.along) < size.along / 2 - slack
    )


def on(path: Path, steps: int = 12) -> list[Point]:
    """Points of a path's Bezier curves."""
    found = []
    for k in range(0, len(path.points) - 1, 3):
        a, b, c, d = path.points[k : k + 4]
        for step in range(steps + 1):
            t = step / steps
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
            found.append(
                Point(
                    sum(w * p.across for w, p in zip(weights, (a, b, c, d), strict=True)),
                    sum(w * p.along for w, p in zip(weights, (a, b, c, d), strict=True)),
                )
            )
    return found


def layouts() -> list[SketchLayout]:
    every = [layout for name in CELLS for layout in drawn(load(name))]
    return every + [layout for genotype in random_genotypes(12) for layout in drawn(genotype)]


def test_boxes_do_not_overlap() -> None:
    """No two boxes of a cell share a point; over the library and random cells."""
    for layout in layouts():
        for a, b in combinations(layout.centres, 2):
            (ax, ay), (bx, by) = layout.centres[a], layout.centres[b]
            (aw, ah), (bw, bh) = layout.sizes[a], layout.sizes[b]
            assert abs(ax - bx) >= (aw + bw) / 2 or abs(ay - by) >= (ah + bh) / 2, (a, b)


def test_wires_cross_no_box() -> None:
    """A wire is in no box, its own ends included, and goes from one to the other."""
    for layout in layouts():
        for path in layout.paths:
            points = on(path)
            start, end = layout.centres[path.wire.tail], layout.centres[path.wire.head]
            size = layout.sizes
            assert points[0].along == pytest.approx(
                start.along + size[path.wire.tail].along / 2, abs=1e-6
            )
            assert points[-1].along == pytest.approx(
                end.along - size[path.wire.head].along / 2, abs=1e-6
            )
            for box in layout.centres:
                hit = [point for point in points if inside(point, box, layout)]
                assert not hit, (path.wire, box)


def test_operands_stand_in_order_below_their_combine() -> None:
    """Left is left of right unless they commute; the combine is above the middle of the two."""
    for layout in layouts():
        for unit in layout.sketch.units:
            if unit.role != "block" or unit.head is None:
                continue
            feet = list(unit.feet)
            if unit.commutes:
                feet.sort(key=lambda box: layout.centres[box.id].across)
            left, right = (layout.centres[box.id] for box in feet)
            head = layout.centres[unit.head.id]
            assert left.across < right.across
            assert left.along < head.along
            edges = [
                layout.centres[box.id].across + side * layout.sizes[box.id].across / 2
                for box, side in zip(feet, (-1, 1), strict=True)
            ]
            assert head.across == pytest.approx(sum(edges) / 2)


def place(node: DotNode) -> tuple[float, float]:
    x, y = str(node.attributes["pos"]).split(",")
    return float(x), float(y)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_directions(direction: str) -> None:
    """States flow the way they are told; the left operand is left, or on top."""
    drawing = genotype_drawing(load("darts_v2"), DrawingOptions(direction=direction))
    at = {node.id: place(node) for node in drawing.graph.nodes}
    (x, y), (to_x, to_y) = at["normal.h[i]"], at["normal.output.0"]
    flows = {"up": to_y > y, "down": to_y < y, "right": to_x > x, "left": to_x < x}
    assert flows[direction]
    (left_x, left_y), (right_x, right_y) = at["normal.b0.left"], at["normal.b0.right"]
    assert left_x < right_x if direction in ("up", "down") else left_y > right_y
    cells = at["normal.title"], at["reduction.title"]
    assert cells[0][0] < cells[1][0] if direction in ("up", "down") else cells[0][1] > cells[1][1]


def test_nasnet_a_is_readable_at_half_a_page() -> None:
    """On 170 mm, half a page of A4, its letters are at least six points high."""
    nodes = genotype_drawing(load("nasnet_a")).graph.nodes
    xs = [
        place(node)[0] + side * float(node.attributes["width"]) * 36
        for node in nodes
        for side in (-1, 1)
    ]
    across = max(xs) - min(xs) + 20
    half_page = 170 / 25.4 * 72
    assert 10 * half_page / across >= 6


@pytest.mark.parametrize("blocks", [MAX_BLOCKS // 4, MAX_BLOCKS // 2, MAX_BLOCKS])
def test_large_cells_are_laid_out_with_little_work(blocks: int) -> None:
    """A cell that is drawn box by box takes fewer calls than five seconds have room for."""
    space = loads_space(f"ops nasnet\ncell normal {{ {blocks} * (?, ?, ?, ?, add) }}\n")
    (genotype,) = sample(space, 1, seed=1)
    assert calls(lambda: genotype_drawing(genotype)) < 5_000_000
    assert len(genotype_drawing(genotype).graph.nodes) >= 3 * blocks


# -- lettering and colours -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("sep_conv_5x5", ("sep", "conv", "5x5")),
        ("identity", ("identity",)),
        ("skip_connect", ("skip", "connect")),
        ("conv_1x7_7x1", ("conv", "1x7", "7x1")),
        ("a_b", ("a b",)),
        ("_private", ("_private",)),
        ("twice__over", ("twice__over",)),
        ("x" * 50, ("x" * 29 + "...",)),
        ("a\nb\0", ("a\\nb\\x00",)),
    ],
)
def test_names_become_lines(name: str, lines: tuple[str, ...]) -> None:
    """Words stand below one another; a name whose underscores part no words is left alone."""
    assert name_lines(name) == lines


def test_widths_are_those_of_helvetica() -> None:
    """From the font's metrics: s 500, e 556, p 556 thousandths."""
    assert width("sep", 10) == pytest.approx(16.12)
    assert width("\u6f22") == 10


def test_kinds_follow_from_what_an_op_does() -> None:
    """Equal ops of different names and vocabularies have one colour."""
    names = {
        "separable": ["sep_conv_3x3", "sep_conv_7x7"],
        "dilated": ["dil_conv_3x3"],
        "max_pool": ["max_pool_3x3"],
        "avg_pool": ["avg_pool_3x3"],
    }
    for vocabulary in map(library.vocabulary, library.vocabulary_names()):
        for kind, ops in names.items():
            assert {op_look(op, vocabulary) for op in ops if op in vocabulary.op} <= {kind}
    darts = library.vocabulary("darts")
    assert [op_look(op, darts) for op in ("none", "skip_connect", "no_such_op")] == [
        "zero",
        "identity",
        "other",
    ]
    assert op_look("conv_1x7_7x1", library.vocabulary("nasnet")) == "convolution"
    assert set(OP_LOOK_NAMES) <= set(get_args(BoxLook))


@pytest.mark.parametrize("name", THEMES)
def test_themes_are_complete_and_legible(name: str) -> None:
    """Every look and stroke has its colour; letters stand out from their box by 4.5 to 1."""
    look = find_theme(name)
    assert set(look.boxes) == set(get_args(BoxLook))
    assert set(look.strokes) == set(get_args(Stroke))
    for ink in look.boxes.values():
        assert contrast(ink.fill, ink.letters) >= 4.5
    assert contrast(look.background, look.letters) >= 4.5
    for colour in look.strokes.values():
        assert contrast(look.background, colour) >= 2.2


def contrast(a: str, b: str) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_print_has_no_colours() -> None:
    """The theme for paper is grey alone."""
    drawings = [
        genotype_drawing(load("nasnet_a"), DrawingOptions("print", legend=True)),
        difference_drawing(load("darts_v1"), load("darts_v2"), DrawingOptions("print")),
        network_drawing(network_graph(load("nasnet_a_large")), DrawingOptions("print")),
    ]
    for drawing in drawings:
        for colour in colours(drawing):
            assert colour[1:3] == colour[3:5] == colour[5:7], colour


def colours(drawing: Drawing) -> set[str]:
    items = (*drawing.graph.nodes, *drawing.graph.edges)
    values = (str(value) for item in items for value in item.attributes.values())
    return {value for value in values if value.startswith("#")}


def test_a_legend_names_what_is_there() -> None:
    """An entry for each look of the picture, and none for others."""
    dot = genotype_drawing(load("nasnet_a"), DrawingOptions(legend=True)).dot
    present = ("separable convolution", "average pooling", "max pooling", "combine", "output")
    assert all(f'"{words}"' in dot for words in present)
    assert "dilated" not in dot


def test_one_sketch_of_a_cell_alone_has_no_title() -> None:
    """A genotype of one cell needs no word for it."""
    (sketch,) = cell_sketches(load("pnasnet5"))
    assert isinstance(sketch, Sketch)
    assert sketch.title == ""


# -- notebooks -----------------------------------------------------------------------------


def test_values_show_themselves(monkeypatch) -> None:
    """Text always; the picture where Graphviz is, and no error where it is not."""
    genotype, space = load("nasnet_a"), load_space("nasnet_space")
    assert isinstance(space, Space)
    network = network_graph(load("nasnet_a_large"))
    monkeypatch.setenv("PATH", "/nowhere")
    for value, begins in (
        (genotype, "genotype nasnet_a\n"),
        (genotype.cells[0], "genotype cell\n\ncell normal {"),
        (space, "genotype nasnet_space\n"),
        (network, "nasnet_a_large, 6 @ 4032"),
    ):
        bundle = value._repr_mimebundle_(include=None, exclude=None)
        assert list(bundle) == ["text/plain"]
        assert bundle["text/plain"].startswith(begins)


# -- the documentation ---------------------------------------------------------------------


def documented() -> dict[str, Drawing]:
    large = load("nasnet_a_large")
    auxiliary = large.with_settings(replace(large.settings, auxiliary=True))
    return {
        "nasnet_a": genotype_drawing(load("nasnet_a")),
        "nasnet_space": space_drawing(load_space("nasnet_space")),
        "darts_v1_and_darts_v2": difference_drawing(load("darts_v1"), load("darts_v2")),
        "nasnet_a_large_network": network_drawing(network_graph(auxiliary)),
    }


@pytest.mark.parametrize(("name", "drawing"), documented().items(), ids=documented())
def test_pictures_of_the_documentation_are_up_to_date(name: str, drawing: Drawing) -> None:
    """Their boxes, letters and lines are those that would be drawn today."""
    root = ElementTree.parse(IMAGES / f"{name}.svg").getroot()
    parts = {
        kind: [part for part in root.iter() if part.get("class") == kind]
        for kind in ("node", "edge")
    }
    titles = {
        kind: ["".join(part[0].itertext()) for part in found] for kind, found in parts.items()
    }
    assert sorted(titles["node"]) == sorted(node.id for node in drawing.graph.nodes)
    ends = [f"{edge.tail}->{edge.head}" for edge in drawing.graph.edges]
    assert sorted(titles["edge"]) == sorted(ends)
    for node in drawing.graph.nodes:
        part = parts["node"][titles["node"].index(node.id)]
        written = [text.text for text in part if text.tag.endswith("text")]
        label = str(node.attributes["label"])
        assert written == (label.split("\\n") if label else [])


# -- without Graphviz ------------------------------------------------------------------------


def boxes_of(text: str) -> dict[str, list[str]]:
    """The lines of each box of an SVG that nasdsl wrote itself."""
    root = ElementTree.fromstring(text)
    found = {}
    for part in root.iter():
        if (box := part.get("data-box")) is not None:
            lines = [each for each in part if each.tag.endswith("text")]
            found[box] = ["".join(each.itertext()) for each in lines]
    return found


@pytest.mark.parametrize(("name", "drawing"), documented().items(), ids=documented())
def test_our_own_svg_has_every_box_and_line(name: str, drawing: Drawing) -> None:
    text = drawing.vector(name)
    found = boxes_of(text)
    for node in drawing.graph.nodes:
        label = str(node.attributes["label"])
        assert found.pop(node.id) == (label.split("\\n") if label else [])
    assert not found
    ends = [
        (part.get("data-tail"), part.get("data-head"))
        for part in ElementTree.fromstring(text).iter()
        if part.tag.endswith("path")
    ]
    assert ends == [(edge.tail, edge.head) for edge in drawing.graph.edges]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize(("name", "drawing"), documented().items(), ids=documented())
def test_our_own_svg_is_where_graphvizs_is(name: str, drawing: Drawing) -> None:
    """The lines of text have the places that `dot` gives them, within four points.

    By three of them Graphviz 2.43 and 14 differ.
    """
    ours, theirs = (
        sorted(
            (each.text or "", float(each.get("x", "nan")), float(each.get("y", "nan")))
            for each in ElementTree.fromstring(text).iter()
            if each.tag.endswith("text")
        )
        for text in (drawing.vector(name), svg(drawing))
    )
    assert [text for text, _, _ in ours] == [text for text, _, _ in theirs]
    # Graphviz moves everything by a transformation, the same for all.
    for at in (1, 2):
        moved = [one[at] - other[at] for one, other in zip(ours, theirs, strict=True)]
        assert max(moved) - min(moved) < 4.0
