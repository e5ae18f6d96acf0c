"""Drawings: from what nasdsl knows to DOT, one function for each kind of picture.

Purpose: the public face of this package. A drawing is data; nothing here runs Graphviz.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nasdsl.drawing.cell import MAX_BLOCKS, cell_sketches
from nasdsl.drawing.difference import difference_sketches
from nasdsl.drawing.network import network_page
from nasdsl.drawing.page import DotGraph, Page, dot_graph, dot_text
from nasdsl.drawing.picture import cells_page, difference_entries, legend_entries, with_heading
from nasdsl.drawing.sketch import Sketch
from nasdsl.drawing.space import space_sketches
from nasdsl.drawing.themes import DEFAULT, DrawingOptions, Theme, find_theme
from nasdsl.drawing.vector import page_svg
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import genotype_of
from nasdsl.network import NetworkGraph
from nasdsl.values import typed


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture.

    Attributes:
        page: the picture; every place in it is decided.
        theme: what it looks like.
        remarks: what a reader should know that the picture does not say, such as what was
            left out.
    """

    page: Page
    theme: Theme
    remarks: tuple[str, ...] = ()

    @property
    def graph(self) -> DotGraph:
        """The picture as Graphviz can render it."""
        return dot_graph(self.page, self.theme)

    @property
    def dot(self) -> str:
        """The DOT text; the same drawing gives the same text, everywhere."""
        return dot_text(self.graph)

    def vector(self, title: str) -> str:
        """The picture as SVG, without Graphviz; `title` is what a screen reader says it is."""
        return page_svg(self.page, self.theme, title)


@typed
def cells_drawing(
    space: Space | Genotype, options: DrawingOptions = DEFAULT, *, as_space: bool = False
) -> Drawing:
    """The cells of a genotype or a space, drawn as what it is: a space where a field is open.

    Args:
        space: whose cells to draw.
        options: how.
        as_space: whether to draw a space of one genotype as a space.
    """
    if isinstance(space, Genotype):
        return genotype_drawing(space, options)
    if as_space or not space.is_genotype:
        return space_drawing(space, options)
    return genotype_drawing(genotype_of(space), options)


@typed
def genotype_drawing(genotype: Genotype, options: DrawingOptions = DEFAULT) -> Drawing:
    """The cells of a genotype side by side, after Figure 4 of Zoph et al. 2018."""
    sketches = cell_sketches(genotype, names=options.names)
    remarks = _fold_words((cell.kind, len(cell.blocks)) for cell in genotype.cells)
    return _drawing(genotype.name, sketches, options, remarks)


@typed
def space_drawing(space: Space, options: DrawingOptions = DEFAULT) -> Drawing:
    """The cells of a space, holes drawn as choices."""
    sketches, notes = space_sketches(space)
    remarks = _fold_words((cell.kind, len(cell.blocks)) for cell in space.cells)
    return _drawing(space.name, sketches, options, remarks, notes)


@typed
def difference_drawing(a: Genotype, b: Genotype, options: DrawingOptions = DEFAULT) -> Drawing:
    """Two genotypes in one picture: what both have, what only one has.

    Raises:
        CellError: a cell is too large (NAS713).
    """
    theme = find_theme(options.theme)
    page = cells_page(difference_sketches(a, b), options, difference_entries(a.name, b.name, theme))
    return Drawing(page, theme)


@typed
def network_drawing(network: NetworkGraph, options: DrawingOptions = DEFAULT) -> Drawing:
    """The stack of a whole network, after Figure 2 of Zoph et al. 2018."""
    return Drawing(network_page(network, options), find_theme(options.theme))


def _drawing(
    name: str,
    sketches: Sequence[Sketch],
    options: DrawingOptions,
    remarks: tuple[str, ...],
    notes: Sequence[str] = (),
) -> Drawing:
    theme = find_theme(options.theme)
    legend = legend_entries(sketches, theme) if options.legend else ()
    page = cells_page(sketches, options, legend, notes)
    page = with_heading(page, name, theme) if options.title else page
    return Drawing(page, theme, remarks)


def _fold_words(cells: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    return tuple(
        f"the {kind} cell has {count} blocks, and more than {MAX_BLOCKS} are drawn as one box"
        for kind, count in cells
        if count > MAX_BLOCKS
    )
