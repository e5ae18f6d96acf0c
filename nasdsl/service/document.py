"""`Document`: one text of an editor, and what is known about it.

Purpose: every question an editor asks begins with a `Document`. What a question needs (the tree,
the meaning, the network) is worked out when it is first asked for, and kept.
Non-goals: files, editors' positions, and when a text is looked at again (`nasdsl.lsp`). Nothing in
this package reads files, starts threads or imports PyTorch.
"""

from dataclasses import dataclass, field
from functools import cached_property

from nasdsl.errors import CellError, Diagnostic, Source, Span
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.language.genotype.types import CellKind, CellSpace, Genotype, Space
from nasdsl.language.memory import TextMemory
from nasdsl.language.parser import Parsed, parse
from nasdsl.language.validator import Width, block_widths
from nasdsl.loading import Analysis, Beside, analysis_of, genotype_of, nothing_beside
from nasdsl.network.configuration import Configuration
from nasdsl.network.cost import Cost, graph_cost
from nasdsl.network.graph import NetworkGraph
from nasdsl.service.names import Name, names_in, placed_before


@dataclass(frozen=True)
class Document:
    """A text in an editor.

    Attributes:
        source: the text, and the path or name that messages have for it.
        beside: finds the texts of other files in the same folder, by name.
        settings: of the network that is counted, in place of the file's own.
        neighbours: the names of those other files, for completion.
        memory: of the text before its last edit, which makes this one quicker to analyse.
    """

    source: Source
    beside: Beside = nothing_beside
    settings: Settings = NO_SETTINGS
    neighbours: tuple[str, ...] = ()
    memory: TextMemory = field(default_factory=TextMemory, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The text itself."""
        return self.source.text

    @cached_property
    def parsed(self) -> Parsed:
        """The tree of the text; any text has one."""
        return parse(self.source, self.memory.blocks)

    @cached_property
    def analysis(self) -> Analysis:
        """What the text means, and every finding about it."""
        return analysis_of(self.parsed, beside=self.beside, memory=self.memory)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every finding, in the order of the text."""
        return self.analysis.diagnostics

    @property
    def space(self) -> Space | None:
        """The genotype or space; None where there are errors, or the text is a vocabulary."""
        return self.analysis.space

    @cached_property
    def genotype(self) -> Genotype | None:
        """The genotype; None where there is none, or where fields are open."""
        space = self.space
        return genotype_of(space) if space is not None and space.is_genotype else None

    @cached_property
    def network(self) -> NetworkGraph | None:
        """The network of the file's settings (with defaults); None where none can be built."""
        if self.genotype is None:
            return None
        # Most questions are not about a network, and building one takes the longest.
        from nasdsl.network.expand import network_graph

        try:
            return network_graph(self.genotype, self.settings)
        except CellError:
            return None

    @cached_property
    def cost(self) -> Cost | None:
        """What that network costs."""
        return None if self.network is None else graph_cost(self.network)

    @property
    def configuration(self) -> Configuration | None:
        """Every choice about that network."""
        return None if self.network is None else self.network.configuration

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """Every name of the text and its role, in the order of the text."""
        return names_in(self.parsed.file)

    def name_at(self, offset: int) -> Name | None:
        """The name that stands at an offset, or ends there."""
        for index in placed_before(self.names, offset):
            if self.names[index].span.start <= offset <= self.names[index].span.end:
                return self.names[index]
        return None

    @cached_property
    def cells(self) -> tuple[CellSpace, ...]:
        """The cells that the text itself defines, where it has no errors."""
        space = self.space
        if space is None:
            return ()
        return tuple(cell for cell in space.cells if cell.kind in self.analysis.resolution.places)

    @cached_property
    def widths(self) -> dict[CellKind, tuple[frozenset[Width], ...]]:
        """The widths of the state that each block of `cells` makes, over all members."""
        space = self.space
        if space is None:
            return {}
        return {
            cell.kind: tuple(each.made for each in block_widths(space.vocabulary, cell))
            for cell in self.cells
        }

    @cached_property
    def blocks_at(self) -> dict[Span, list[tuple[CellSpace, int]]]:
        """The blocks (a cell and an index) by where their names, counts and fields stand.

        A repeated block stands for several, so a place leads to a list.
        """
        found: dict[Span, list[tuple[CellSpace, int]]] = {}
        for cell in self.cells:
            places = self.analysis.resolution.places[cell.kind]
            for index, place in enumerate(places.blocks):
                for span in (place.name, *place.fields):
                    found.setdefault(span, []).append((cell, index))
        return found
