"""Syntax to meaning: `resolve` gives a space, or a vocabulary, and every finding.

Purpose: put the parts of a file together; places are kept for later findings.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from nasdsl.errors import Diagnostic, Fix, Label, Span, nearest
from nasdsl.language import tree
from nasdsl.language.genotype.blocks import CellPlaces, CellResolver, Meanings
from nasdsl.language.genotype.catalogue import Catalogue, report_unusable
from nasdsl.language.genotype.definitions import resolved_combine, resolved_op
from nasdsl.language.genotype.findings import (
    Findings,
    TooManyErrors,
    is_already_reported,
)
from nasdsl.language.genotype.network_block import ResolvedNetwork, resolved_network
from nasdsl.language.genotype.types import (
    CELL_KINDS,
    CellKind,
    CellSpace,
    Output,
    Space,
    hidden_state_count,
)
from nasdsl.language.genotype.vocabulary import Combine, Op, Vocabulary
from nasdsl.language.parser import Parsed


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text means.

    `space` is None where the text is a vocabulary or has errors. `places` has an entry for
    each cell of the space that the text itself defines; `settings` are where each network
    setting stands.
    """

    parsed: Parsed
    vocabulary: Vocabulary
    space: Space | None
    places: dict[CellKind, CellPlaces]
    settings: dict[str, Span]
    diagnostics: tuple[Diagnostic, ...]


def resolve(
    parsed: Parsed, catalogue: Catalogue, meanings: dict[CellKind, Meanings] | None = None
) -> Resolution:
    """The meaning of a parsed text. Syntax errors are passed on among the findings.

    Args:
        parsed: the text.
        catalogue: what other files define.
        meanings: of the blocks of the text before an edit, which save time; afterwards those of
            this text. They decide nothing about the meaning.
    """
    return _Resolver(parsed, catalogue, {} if meanings is None else meanings).run()


class _Resolver:
    def __init__(
        self, parsed: Parsed, catalogue: Catalogue, meanings: dict[CellKind, Meanings]
    ) -> None:
        self.parsed, self.catalogue, self.meanings = parsed, catalogue, meanings
        self.findings = Findings(parsed.source, parsed.diagnostics)
        self.items = parsed.file.items
        # A statement that could not be read may be the very one that seems to be missing.
        self.whole = not parsed.diagnostics

    def run(self) -> Resolution:
        try:
            return self.resolution()
        except TooManyErrors:
            findings = (*self.parsed.diagnostics, *self.findings)
            return Resolution(self.parsed, Vocabulary(""), None, {}, {}, findings)

    def resolution(self) -> Resolution:
        self.warn_of_empty()
        header = self.header()
        vocabulary = self.vocabulary(header)
        cells, places = self.cells(vocabulary)
        network = resolved_network(self.items, self.catalogue, self.findings, whole=self.whole)
        self.warn_of_unused(header, vocabulary, cells)
        findings = (*self.parsed.diagnostics, *self.findings)
        space = None
        if not any(found.is_error for found in findings):
            space = self.space(header, vocabulary, cells, network)
        return Resolution(
            self.parsed,
            vocabulary,
            space,
            places,
            network.places,
            (*self.parsed.diagnostics, *self.findings),
        )

    def space(
        self,
        header: tree.Header | None,
        vocabulary: Vocabulary,
        cells: tuple[CellSpace, ...],
        network: ResolvedNetwork,
    ) -> Space | None:
        name = header.name.text if header else _name_of(self.parsed.source.name)
        base = network.base
        if base is not None:
            return replace(base, name=name, settings=base.settings.override(network.settings))
        if cells:
            return Space(name, vocabulary, cells, network.settings)
        if header is not None and header.keyword.text == "genotype":
            self.findings.add(
                "NAS313",
                header.name.span,
                f"genotype `{name}` has no cells",
                label="expected `cell normal { ... }`",
            )
        return None

    def warn_of_empty(self) -> None:
        if self.items or not self.whole:
            return
        text = self.parsed.source.text
        self.findings.add(
            "NAS314",
            Span(0, 0),
            "the file has nothing but comments" if text.strip() else "the file is empty",
            label="expected `genotype NAME` or `vocabulary NAME`",
        )

    # -- header and vocabulary --------------------------------------------------------

    def header(self) -> tree.Header | None:
        headers = [item for item in self.items if isinstance(item, tree.Header)]
        for extra in headers[1:]:
            self.findings.add(
                "NAS108",
                extra.span,
                "the file has two headers",
                label="a second header",
                secondary=(Label(headers[0].span, "the first is here"),),
                hints=("a file holds one genotype or one vocabulary",),
            )
        if headers:
            self.refuse_cells_of_a_vocabulary(headers[0])
        return headers[0] if headers else None

    def refuse_cells_of_a_vocabulary(self, header: tree.Header) -> None:
        """No other file could name the vocabulary that such cells would have."""
        cell = next((item for item in self.items if isinstance(item, tree.Cell)), None)
        if header.keyword.text != "vocabulary" or cell is None:
            return
        self.findings.add(
            "NAS108",
            header.span,
            "a vocabulary has no cells",
            label="the header of a vocabulary",
            secondary=(Label(cell.kind.span, "a cell"),),
            hints=(f"a file with cells begins with `genotype {header.name.text}`",),
        )

    def vocabulary(self, header: tree.Header | None) -> Vocabulary:
        base = self.base_vocabulary()
        ops: dict[str, Op] = dict(base.op)
        combines: dict[str, Combine] = dict(base.combine)
        defined: dict[str, tree.Op | tree.Combine] = {}
        for item in self.items:
            if not isinstance(item, tree.Op | tree.Combine):
                continue
            name = item.name.text
            if name in defined and not is_already_reported(item.name):
                self.defined_twice(item, defined[name])
                continue
            defined[name] = item
            if isinstance(item, tree.Op):
                combines.pop(name, None)
                op = resolved_op(item, self.findings)
                ops[name] = op if op is not None else Op(name, ())
            else:
                ops.pop(name, None)
                combine = resolved_combine(item, self.findings)
                combines[name] = combine if combine is not None else Combine(name, "sum")
        name = base.name
        if header is not None and header.keyword.text == "vocabulary":
            return Vocabulary(header.name.text, tuple(ops.values()), tuple(combines.values()))
        return Vocabulary(
            name, tuple(ops.values()), tuple(combines.values()), tuple(defined), base.is_beside
        )

    def base_vocabulary(self) -> Vocabulary:
        named = [item for item in self.items if isinstance(item, tree.Ops)]
        for extra in named[1:]:
            self.findings.add(
                "NAS108",
                extra.span,
                "the file names two vocabularies",
                label="a second `ops`",
                secondary=(Label(named[0].span, "the first is here"),),
                hints=("a vocabulary may itself begin with `ops NAME` and add to it",),
            )
        if not named:
            self.refuse_no_vocabulary()
            return Vocabulary("")
        name = named[0].name
        found = None if is_already_reported(name) else self.catalogue.vocabulary(name.text)
        if found is not None:
            return found
        if is_already_reported(name):
            return Vocabulary(name.text)
        known, why = self.catalogue.vocabulary_names(), self.catalogue.why_not(name.text)
        report_unusable(self.findings, "NAS208", "vocabulary", name, known, why)
        # What is meant is known well enough to find the other mistakes of the file.
        guess = None if why else nearest(name.text, known)
        meant = None if guess is None else self.catalogue.vocabulary(guess)
        return meant or Vocabulary(name.text)

    def refuse_no_vocabulary(self) -> None:
        cells = [item for item in self.items if isinstance(item, tree.Cell)]
        definitions = any(isinstance(item, tree.Op) for item in self.items)
        if cells and self.whole and not definitions:
            start = Span(cells[0].span.start, cells[0].span.start)
            self.findings.add(
                "NAS208",
                cells[0].kind.span,
                "the file does not say which vocabulary its ops come from",
                label="the ops of this cell have no meaning yet",
                hints=("write `ops nasnet` above the cells",),
                fixes=(Fix(start, "ops nasnet\n\n", "put in `ops nasnet`"),),
            )

    def defined_twice(self, item: tree.Op | tree.Combine, first: tree.Op | tree.Combine) -> None:
        self.findings.add(
            "NAS209",
            item.name.span,
            f"`{item.name.text}` is defined twice",
            label="defined again here",
            secondary=(Label(first.name.span, "first defined here"),),
        )

    def warn_of_unused(
        self, header: tree.Header | None, vocabulary: Vocabulary, cells: tuple[CellSpace, ...]
    ) -> None:
        """A genotype's own definitions are there to be used; a vocabulary's need not be."""
        written = [item for item in self.items if isinstance(item, tree.Cell)]
        own = [item for item in self.items if isinstance(item, tree.Op | tree.Combine)]
        if not own or not written or not self.whole or len(cells) < len(written):
            return
        used = {
            name
            for cell in cells
            for block in cell.blocks
            for names in (*block.ops, block.combines)
            for name in names
        }
        for item in own:
            if item.name.text not in used:
                kind = "op" if isinstance(item, tree.Op) else "combine"
                self.findings.add(
                    "NAS210",
                    item.name.span,
                    f"{kind} `{item.name.text}` is defined but never used",
                    label="no block names it",
                )

    # -- cells ------------------------------------------------------------------------

    def cells(
        self, vocabulary: Vocabulary
    ) -> tuple[tuple[CellSpace, ...], dict[CellKind, CellPlaces]]:
        written = [item for item in self.items if isinstance(item, tree.Cell)]
        given = given_state_count(self.items)
        first: dict[str, tree.Cell] = {}
        spaces: list[CellSpace] = []
        places: dict[CellKind, CellPlaces] = {}
        for cell in written:
            kind = self.kind(cell, first)
            before = None if kind is None else self.meanings.get(kind)
            resolver = CellResolver(cell, vocabulary, given, self.findings, before)
            found = resolver.run(kind or "normal")
            if kind is not None:
                self.meanings[kind] = resolver.meanings
            if kind is not None and found is not None:
                spaces.append(found[0])
                places[kind] = found[1]
        spaces.sort(key=lambda cell: CELL_KINDS.index(cell.kind))
        return tuple(spaces), places

    def kind(self, cell: tree.Cell, first: dict[str, tree.Cell]) -> CellKind | None:
        name = cell.kind.text
        if is_already_reported(cell.kind):
            return None
        if name not in CELL_KINDS:
            self.findings.add_misspelt(
                "NAS211",
                cell.kind.span,
                f"unknown kind of cell `{name[:60]}`",
                nearest(name, CELL_KINDS),
                label="expected `normal` or `reduction`",
            )
            return None
        if name in first:
            self.findings.add(
                "NAS303",
                cell.kind.span,
                f"the file has two `{name}` cells",
                label="a second one",
                secondary=(Label(first[name].kind.span, "the first is here"),),
                hints=("a genotype has one `normal` and one `reduction` cell",),
            )
            return None
        first[name] = cell
        kind: Any = name
        return kind  # type: ignore[no-any-return]


def given_state_count(items: Iterable[tree.Item]) -> int:
    """How many hidden states the cells of a file are given; the tree may have mistakes."""
    cells = (item for item in items if isinstance(item, tree.Cell))
    return hidden_state_count(tuple(_sketched_output(cell) for cell in cells))


def _sketched_output(cell: tree.Cell) -> Output:
    """The output as written, enough to count what the cell appends."""
    for item in cell.statements:
        if isinstance(item, tree.Output) and item.kind.text == "each":
            names: Any = tuple("".join(atom.text.split()) for atom in item.states)
            return Output("each", names)
    return Output()


def _name_of(source_name: str) -> str:
    """A genotype's name from its file's, where it has no header."""
    stem = re.sub(r"\W", "_", PurePath(source_name).stem, flags=re.ASCII).strip("_")
    if not stem or not (stem[0].isalpha() or stem[0] == "_"):
        return "unnamed"
    return stem
