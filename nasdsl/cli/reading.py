"""From a FILE argument to what a command works on.

Purpose: read, tell about a fallback to the library, report warnings, refuse errors.
Non-goals: meaning; `nasdsl.loading` finds everything that is wrong.
"""

from typing import TYPE_CHECKING

from nasdsl import library
from nasdsl.cli import output
from nasdsl.errors import Source
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import analyse, genotype_in, is_library_name, source_of, space_in
from nasdsl.loading.vocabulary import in_vocabulary

if TYPE_CHECKING:
    from nasdsl.network.graph import NetworkGraph
    from nasdsl.network.source import SourceCells


def source(name: str) -> Source:
    """The text of a FILE argument.

    Raises:
        CellError: it cannot be read.
    """
    _note_library(name)
    return source_of(name)


def _note_library(name: str) -> None:
    if name.endswith(".cell") and is_library_name(name):
        output.note(f"note: there is no file {name!r}; using the one of the library")


def genotype(name: str, ops: str | None = None) -> Genotype:
    """The genotype of a FILE argument; its warnings go to standard error.

    Args:
        name: the argument.
        ops: another vocabulary of the library to read the cells in.

    Raises:
        CellError: it cannot be read, has mistakes, has holes, or names an op or combine
            that the other vocabulary lacks.
    """
    analysis = analyse(source(name))
    found = genotype_in(analysis)
    output.warn(analysis.diagnostics)
    return found if ops is None else in_vocabulary(found, library.vocabulary(ops))


def cells(name: str, ops: str | None) -> "SourceCells":
    """The cells of a FILE argument, whose network is not looked at yet.

    Raises:
        CellError: as `genotype` does.
    """
    from nasdsl.loading.cells import source_cells

    _note_library(name)
    return source_cells(name, ops=ops)


def network(name: str, settings: Settings, ops: str | None) -> "NetworkGraph":
    """The network of a FILE argument and flags; warnings go to standard error.

    Args:
        name: the argument.
        settings: the flags, which win over the file's network.
        ops: another vocabulary of the library to read the cells in.

    Raises:
        CellError: as `genotype` does, and where the settings have mistakes.
    """
    # Imported here because it brings the network along, and `check` should start quickly.
    from nasdsl.network.cost import size_findings

    found = cells(name, ops).network(settings)
    output.warn(found.warnings)
    graph = found.graph()
    output.warn(size_findings(graph))
    return graph


def space(name: str) -> Space:
    """The space of a SPACE argument; its warnings go to standard error.

    Raises:
        CellError: it cannot be read or has mistakes.
    """
    analysis = analyse(source(name))
    found = space_in(analysis)
    output.warn(analysis.diagnostics)
    return found
