"""Names are hostile until escaped: ten thousand of them through DOT, SVG and HTML.

Names that a `.cell` file can hold are identifiers. Names that a Python caller puts into a
genotype are not, and neither is the text of a diagnostic.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice
from random import Random
from xml.etree import ElementTree

import pytest

from nasdsl.drawing import Drawing, DrawingOptions, genotype_drawing, svg
from nasdsl.drawing.difference import difference_sketches
from nasdsl.drawing.draw import difference_drawing, network_drawing, space_drawing
from nasdsl.drawing.live import LiveContent, LivePage
from nasdsl.drawing.sizes import GenotypeSize, sizes_plot
from nasdsl.language.genotype.types import (
    Block,
    BlockSpace,
    Cell,
    CellSpace,
    Genotype,
    Hidden,
    Output,
    Space,
)
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.loading import load
from nasdsl.network import network_graph
from tests.thorough import many

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")

SVG = "{http://www.w3.org/2000/svg}"
BLOCKS = 50
SEEDS = [
    "x\\",
    '" color=red URL=abc]; evil -> a //',
    "<b>html</b>",
    "<<table><tr><td href='http://x'>a</td></tr></table>>",
    "</title></svg><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<image href="http://x"/>',
    "javascript:alert(1)",
    "a\n} digraph b { c -> d",
    "\\N \\G \\E \\T \\H \\L \\l \\r \\n",
    "&lt;script&gt; &#60;a&#62; &amp;amp; &quot;",
    "a\0b",
    "\x1b[31mred\x07",
    "\u202egnp.exe",
    "\ud800 lone",
    "/* comment */ // # <!-- --> ]]> <![CDATA[",
    "{a|b|<port> c}",
    "'; DROP TABLE ops; --",
    "\u6f22\u5b57 \U0001f4a9 e\u0301",
    "%s %n {0} {nonce} $x^2$",
    "",
    " ",
    "_",
    "x" * 5000,
    "-->",
    '"',
    '\\"',
    '\\\\"',
]
PIECES = [
    "\\",
    '"',
    "<",
    ">",
    "&",
    ";",
    "]",
    "}",
    "->",
    "\n",
    "_",
    "a",
    " ",
    "/",
    "=",
    "#",
    "\0",
    "\u2028",
]


def labels() -> Iterator[str]:
    """The seeds, then short strings of what means something to DOT, XML or HTML."""
    yield from SEEDS
    random = Random(14)
    while True:
        yield "".join(random.choice(PIECES) for _ in range(random.randrange(1, 12)))


def genotype(names: Iterator[str]) -> Genotype:
    """A genotype of `3 * BLOCKS` hostile labels, and block names that are hostile too."""
    blocks = []
    for k in range(BLOCKS):
        left, right, combine = islice(names, 3)
        inputs = (Hidden(0), Hidden(1))
        blocks.append(Block(f"{k}{left}", inputs, (left, right), combine))
    return Genotype(next(names), Vocabulary(""), (Cell("normal", tuple(blocks)),))


def counted(drawing: Drawing) -> tuple[int, int]:
    """What was meant to be drawn: nodes and edges."""
    return len(drawing.graph.nodes), len(drawing.graph.edges)


def found(text: str) -> tuple[int, int]:
    """What an SVG has: nodes and edges; nothing in it leads anywhere or runs."""
    root = ElementTree.fromstring(text)
    classes = Counter(element.get("class") for element in root.iter())
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "title", "text", "path", "polygon", "polyline", "ellipse"}
    names = {name for element in root.iter() for name in element.attrib}
    assert not any("href" in name or name.startswith("on") for name in names)
    assert "<!" not in text
    return classes["node"], classes["edge"]


@needs_dot
def test_many_labels() -> None:
    """Every label is drawn as itself: same nodes, same edges, same letters, nothing else.

    A thousand labels, and ten thousand with HYPOTHESIS_PROFILE=thorough.
    """
    names = labels()
    seen = 0
    while seen < many(10_000, usually=1_000):
        drawing = genotype_drawing(genotype(names))
        text = svg(drawing)
        assert counted(drawing) == found(text)
        assert lettered(drawing) == written(text)
        seen += 3 * BLOCKS


def lettered(drawing: Drawing) -> Counter[str]:
    """The letters a drawing asks for, without spaces, which SVG folds."""
    lines = (line for node in drawing.graph.nodes for line in protected(node).split("\\n"))
    return Counter(unescaped(line) for line in lines if unescaped(line))


def protected(node: object) -> str:
    """A label with its doubled backslashes put out of the way of line breaks."""
    return str(node.attributes["label"]).replace("\\\\", "\ue000")  # type: ignore[attr-defined]


def unescaped(line: str) -> str:
    plain = line.replace('\\"', '"').replace("&amp;", "&").replace("\ue000", "\\")
    return re.sub(r"\s+", "", plain)


def written(text: str) -> Counter[str]:
    """The letters of an SVG."""
    root = ElementTree.fromstring(text)
    texts = ("".join(element.itertext()) for element in root.iter(f"{SVG}text"))
    return Counter(stripped for each in texts if (stripped := re.sub(r"\s+", "", each)))


@needs_dot
@pytest.mark.parametrize("kind", ["space", "difference", "network"])
def test_other_drawings(kind: str) -> None:
    """Names of options, blocks, genotypes and networks are as harmless."""
    for start in range(0, len(SEEDS), 4):
        a, b, c, d = (SEEDS + SEEDS)[start : start + 4]
        if kind == "space":
            drawing = space_drawing(hostile_space(a, b, c, d), DrawingOptions(legend=True))
        elif kind == "difference":
            drawing = difference_drawing(*hostile_pair(a, b, c, d))
        else:
            graph = network_graph(load("nasnet_a_mobile"))
            drawing = network_drawing(type(graph)(a + b + c, graph.configuration, graph.modules))
        assert counted(drawing) == found(svg(drawing))


def hostile_space(a: str, b: str, c: str, d: str) -> Space:
    states = (Hidden(0), Hidden(1))
    many = (a, b, c, d, f"{a}{b}")
    blocks = (
        BlockSpace(a, (states, states), ((a, b), (c,)), (c, d)),
        BlockSpace(b + "2", (states[:1], states[1:]), (many, many[::-1]), (d,)),
    )
    return Space(d, Vocabulary(""), (CellSpace("normal", blocks),))


def hostile_pair(a: str, b: str, c: str, d: str) -> tuple[Genotype, Genotype]:
    inputs = (Hidden(0), Hidden(1))
    one = Block(a, inputs, (a, b), c)
    other = Block(a, inputs, (c, d), d)
    more = Block(b + "2", inputs, (c, c), a)
    first = Genotype(a, Vocabulary(""), (Cell("normal", (one,), Output()),))
    return first, Genotype(b, Vocabulary(""), (Cell("normal", (other, more)),))


def test_identities_follow_from_positions() -> None:
    """No name of a genotype is part of the name of a node."""
    drawing = genotype_drawing(genotype(labels()))
    ids = [node.id for node in drawing.graph.nodes]
    assert len(set(ids)) == len(ids)
    assert all(
        re.fullmatch(r"normal\.(b\d+(\.left|\.right)?|h\[i(-1)?\]|output\.0)", id) for id in ids
    )
    pair = difference_sketches(*hostile_pair(*SEEDS[:4]))
    assert all(
        re.fullmatch(r"normal\.[a-z0-9.\[\]-]+", box.id)
        for sketch in pair
        for unit in sketch.units
        for box in unit.boxes
    )


def test_dot_has_a_statement_a_line() -> None:
    """Read as lines of quoted strings, the DOT text has the nodes and edges that were meant."""
    drawing = genotype_drawing(genotype(labels()))
    quoted = r'"(?:[^"\\]|\\.)*"'
    attributes = rf"\[(?:\w+={quoted}(?:, )?)*\];"
    forms = {
        "shared": rf"    (?:graph|node|edge) {attributes}",
        "node": rf"    {quoted} {attributes}",
        "edge": rf"    {quoted} -> {quoted} {attributes}",
    }
    head, *lines, tail = drawing.dot.split("\n")[:-1]
    assert (head, tail) == ("digraph nasdsl {", "}")
    kinds = [next(k for k, form in forms.items() if re.fullmatch(form, line)) for line in lines]
    counts = Counter(kinds)
    assert (counts["node"], counts["edge"]) == counted(drawing)
    assert counts["shared"] == 3
    assert drawing.dot.isprintable() or set(re.sub(r"[ -~\n]", "", drawing.dot)).isdisjoint(
        {chr(code) for code in (*range(32), 127, *range(128, 160), 0x202E, 0x2028)}
    )


class Tags(HTMLParser):
    """The tags and attributes a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}


def tags_of(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    parser.close()
    return parser


def page(title: str, message: str) -> str:
    live = LivePage(title, LiveContent("<svg></svg>", message), colours=("#ffffff", "#000000"))
    try:
        return live.page("nonce")
    finally:
        live._server.server_close()


def test_html_of_ten_thousand_messages() -> None:
    """A page with hostile names in its title and its message is the same page."""
    plain = tags_of(page("title", "message"))
    assert plain.tags["script"] == 1
    names = labels()
    for _ in range(100):
        html = page("\n".join(islice(names, 10)), "\n".join(islice(names, 100)))
        hostile = tags_of(html)
        assert hostile.tags == plain.tags
        assert hostile.attributes == plain.attributes


def test_plots() -> None:
    """A plot takes any name, dollars included, and has no element more for it."""
    pytest.importorskip("matplotlib")
    names = [seed.encode("utf-8", "replace").decode() for seed in SEEDS]
    visible = [name for name in names if name.strip()]
    invisible = [name for name in names if not name.strip()]
    for some in (*batched(visible, 10), invisible):
        found, expected = (
            Counter(element.tag for element in ElementTree.fromstring(plot).iter())
            for plot in (plotted(some), plotted(["name"] * len(some)))
        )
        assert not {f"{SVG}script", f"{SVG}image", f"{SVG}a"} & found.keys()
        assert some is invisible or found == expected


def batched(names: list[str], size: int) -> list[list[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]


def plotted(names: list[str]) -> bytes:
    """A plot of genotypes of these names, every second of which has an accuracy."""
    return sizes_plot(
        tuple(
            GenotypeSize(name, 10**7 * (number + 1), 10**9, 80.0 if number % 2 else None)
            for number, name in enumerate(names)
        )
    )


def test_our_own_svg_holds_hostile_names() -> None:
    """What nasdsl writes itself has nothing in it either that leads anywhere or runs."""
    names = labels()
    drawings = [genotype_drawing(genotype(names)) for _ in range(6)]
    drawings += [space_drawing(hostile_space(*SEEDS[:4]), DrawingOptions(legend=True))]
    drawings += [difference_drawing(*hostile_pair(*SEEDS[2:6]))]
    for drawing in drawings:
        for title in SEEDS[:6]:
            text = drawing.vector(title)
            root = ElementTree.fromstring(text)
            tags = {element.tag.removeprefix(SVG) for element in root.iter()}
            assert tags <= {"svg", "g", "title", "text", "rect", "path", "polygon"}
            attributes = {name for element in root.iter() for name in element.attrib}
            assert not any("href" in name or name.startswith("on") for name in attributes)
            assert "<!" not in text
            assert lettered(drawing) == written(text)
