"""From a FILE argument to what a command works on.

Purpose: read, tell about a fallback to the library, report warnings, refuse errors.
Non-goals: meaning; `nasdsl.loading` finds everything that is wrong.
"""

from nasdsl import library
from nasdsl.cli import output
from nasdsl.errors import Source
from nasdsl.genotype.types import Genotype, Space
from nasdsl.loading import examine, genotype_in, is_library_name, source_of, space_in


def source(name: str) -> Source:
    """The text of a FILE argument.

    Raises:
        CellError: it cannot be read.
    """
    if name.endswith(".cell") and is_library_name(name):
        output.note(f"note: there is no file {name!r}; this is the library's")
    return source_of(name)


def genotype(name: str, ops: str | None = None) -> Genotype:
    """The genotype of a FILE argument; its warnings go to standard error.

    Args:
        name: the argument.
        ops: another vocabulary of the library to read the cells in.

    Raises:
        CellError: it cannot be read, has mistakes, has holes, or names an op or combine
            that the other vocabulary lacks.
    """
    examined = examine(source(name))
    found = genotype_in(examined)
    output.warn(examined.diagnostics)
    if ops is None:
        return found
    # Imported here because it brings the network along, and `check` should start quickly.
    from nasdsl.request import in_vocabulary

    return in_vocabulary(found, library.vocabulary(ops))


def space(name: str) -> Space:
    """The space of a SPACE argument; its warnings go to standard error.

    Raises:
        CellError: it cannot be read or has mistakes.
    """
    examined = examine(source(name))
    found = space_in(examined)
    output.warn(examined.diagnostics)
    return found
