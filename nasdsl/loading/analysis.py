"""From a text to its `Analysis`, with every finding of every stage.

Purpose: put the stages of the language together, and look up the names that other files define.
Non-goals: which text a name means (`nasdsl.loading.names`); findings about the settings of a file
come from `nasdsl.network`.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

from nasdsl import library
from nasdsl.errors import CellError, Diagnostic, Source, cell_error
from nasdsl.language.analysis import Analysis, in_order, setting_finding
from nasdsl.language.genotype.resolve import Resolution, resolve
from nasdsl.language.genotype.types import Block, Cell, Genotype, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.language.memory import TextMemory
from nasdsl.language.parser import Parsed, parse, read_file
from nasdsl.language.validator import validation_findings

#: From a name to the text of the file `NAME.cell` that lies beside another; None where no such
#: file is there. It may raise a CellError: the file is there and cannot be read.
Beside = Callable[[str], Source | None]
#: How many files may name one another in a row; each is read within the one that names it.
_MAX_FILES = 50


def analyse(source: Source, *, network: bool = True, beside: Beside | None = None) -> Analysis:
    """Every stage's findings about a text; never raises for what the text says.

    Args:
        source: the text.
        beside: where names that other files define are looked up before the library; the
            folder of the file where it is left out.
        network: whether to look at the text's own network. Who builds a network, perhaps of
            other settings, completes them once, and has all findings about them from that.
    """
    return analysis_of(parse(source), network=network, beside=beside)


def analysis_of(
    parsed: Parsed,
    *,
    network: bool = True,
    beside: Beside | None = None,
    memory: TextMemory | None = None,
) -> Analysis:
    """Every stage's findings about a text that has been parsed; see `analyse`."""
    source = parsed.source
    beside = _beside_of(source) if beside is None else beside
    reading = PurePath(source.name).name
    meanings = None if memory is None else memory.meanings
    resolution = resolve(parsed, _BesideCatalogue(beside, reading), meanings)
    findings = [*resolution.diagnostics, *validation_findings(resolution)]
    findings += _network_findings(resolution, findings) if network else []
    return Analysis(parsed, resolution, in_order(source, findings))


def _network_findings(resolution: Resolution, before: list[Diagnostic]) -> list[Diagnostic]:
    """What is wrong with the file's own network, placed at the settings it speaks of."""
    space = resolution.space
    if space is None or not resolution.settings:
        return []
    if any(found.is_error for found in before):
        return []
    # Imported here because most files have no network, and `check` should start quickly.
    from nasdsl.network.complete import complete, findings_of_all
    from nasdsl.network.cost import size_findings
    from nasdsl.network.expand import network_graph

    member = first_member(space)
    if not space.is_genotype:
        findings = findings_of_all(member)
    else:
        completed = complete(member)
        findings, network = completed.findings, completed.configuration
        if network is not None and network.auxiliary:
            # What cannot be built has no size; whoever builds it says why.
            with suppress(CellError):
                sizes = size_findings(network_graph(member, network))
                findings += tuple(("auxiliary", found) for found in sizes)
    return [setting_finding(found, setting, resolution) for setting, found in findings]


def first_member(space: Space) -> Genotype:
    """The member with the first option of every field."""
    cells = tuple(
        Cell(
            cell.kind,
            tuple(
                Block(
                    block.name,
                    (block.inputs[0][0], block.inputs[1][0]),
                    (block.ops[0][0], block.ops[1][0]),
                    block.combines[0],
                )
                for block in cell.blocks
            ),
            cell.output,
        )
        for cell in space.cells
    )
    return Genotype(space.name, space.vocabulary, cells, space.settings)


# -- names that other files define ------------------------------------------------------


def nothing_beside(name: str) -> Source | None:
    """A `Beside` for a text that lies in no folder."""
    return None


def _beside_of(source: Source) -> Beside:
    path = Path(source.name)
    if source.in_library or source.name.startswith("<") or not os.path.isfile(path):
        return nothing_beside
    return beside_in(path.parent)


def beside_in(folder: Path) -> Beside:
    """A `Beside` that reads the files of a folder."""

    def beside(name: str) -> Source | None:
        found = folder / f"{name}.cell"
        return read_file(found) if os.path.isfile(found) else None

    return beside


class _BesideCatalogue(library.LibraryCatalogue):
    """Looks names up beside a file first, then in the library.

    A file that is being read does not find itself, nor do the files it leads to, so names
    that lead in a circle end in the library or in a finding.
    """

    def __init__(self, beside: Beside, *reading: str) -> None:
        self.beside, self.reading = beside, reading
        # What is wrong with a file is asked for after its vocabulary, and each file names another.
        self._analyses: dict[str, Analysis | CellError | None] = {}

    def vocabulary(self, name: str) -> Vocabulary | None:
        """The vocabulary of the file `name.cell` in the folder, else the library's."""
        try:
            found = self._analysis_beside(name)
        except CellError:
            return None
        if found is None:
            return super().vocabulary(name)
        if not self._is_vocabulary(found):
            return None
        vocabulary = found.resolution.vocabulary
        # A copy of the library's has its name everywhere.
        known = super().vocabulary(vocabulary.name)
        return known if known == vocabulary else replace(vocabulary, is_beside=True)

    def space(self, name: str) -> Space | None:
        """The genotype or space of the file `name.cell` in the folder, else the library's."""
        try:
            found = self._analysis_beside(name)
        except CellError:
            return None
        return super().space(name) if found is None else found.space

    def why_not(self, name: str) -> str:
        """What is wrong with the file `name.cell` in the folder, or with the library's entry."""
        try:
            found = self._analysis_beside(name)
        except CellError as error:
            return error.diagnostics[0].message
        if found is None:
            again = f"{name}.cell" in self.reading
            return f"`{name}.cell` leads back to itself" if again else super().why_not(name)
        errors = [finding for finding in found.diagnostics if finding.is_error]
        if errors:
            return f"`{name}.cell` has mistakes: {errors[0].place}: {errors[0].message}"
        kind = "vocabulary" if found.space is None else "genotype"
        return f"`{name}.cell` is a {kind}"

    def _analysis_beside(self, name: str) -> Analysis | None:
        if name not in self._analyses:
            try:
                self._analyses[name] = self._new_analysis(name)
            except CellError as error:
                self._analyses[name] = error
        found = self._analyses[name]
        if isinstance(found, CellError):
            raise found
        return found

    def _new_analysis(self, name: str) -> Analysis | None:
        file = f"{name}.cell"
        if not name.isidentifier() or file in self.reading:
            return None
        if len(self.reading) > _MAX_FILES:
            raise cell_error("NAS208", f"more than {_MAX_FILES} files lead to `{file}`")
        source = self.beside(name)
        if source is None:
            return None
        parsed = parse(source)
        resolution = resolve(parsed, _BesideCatalogue(self.beside, *self.reading, file))
        return Analysis(
            parsed, resolution, (*resolution.diagnostics, *validation_findings(resolution))
        )

    def _is_vocabulary(self, found: Analysis) -> bool:
        errors = any(finding.is_error for finding in found.diagnostics)
        return not errors and found.resolution.space is None and bool(found.parsed.file.items)
