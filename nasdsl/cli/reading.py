"""From a FILE argument to what a command works on.

Purpose: read, tell about a fallback to the library, report warnings, refuse errors.
Non-goals: meaning; `nasdsl.loading` finds everything that is wrong.
"""

from nasdsl import library
from nasdsl.cli import output
from nasdsl.errors import Source
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import analyse, genotype_in, is_library_name, source_of, space_in


def source(name: str) -> Source:
    """The text of a FILE argument.

    Raises:
        CellError: it cannot be read.
    """
    if name.endswith(".cell") and is_library_name(name):
        output.note(f"note: there is no file {name!r}; this is the library's")
    return source_of(name)


def genotype(name: str, ops: str | None = None, settings: Settings = NO_SETTINGS) -> Genotype:
    """The genotype of a FILE argument; its warnings go to standard error.

    Args:
        name: the argument.
        ops: another vocabulary of the library to read the cells in.
        settings: flags, which win over the file's own settings.

    Raises:
        CellError: it cannot be read, has mistakes, has holes, or names an op or combine
            that the other vocabulary lacks.
    """
    analysis = analyse(source(name))
    found = genotype_in(analysis)
    output.warn(analysis.diagnostics)
    if ops is not None:
        # Imported here because it brings the network along, and `check` should start quickly.
        from nasdsl.api.request import in_vocabulary

        found = in_vocabulary(found, library.vocabulary(ops))
    return found if settings == NO_SETTINGS else _with_settings(found, settings)


def _with_settings(genotype: Genotype, settings: Settings) -> Genotype:
    """The genotype with flags; warnings that are theirs, not the file's, are reported."""
    from nasdsl.network.skeleton import settings_findings

    known = {found.code for _, found in settings_findings(genotype)}
    changed = genotype.with_settings(genotype.settings.override(settings))
    output.warn(found for _, found in settings_findings(changed) if found.code not in known)
    return changed


def space(name: str) -> Space:
    """The space of a SPACE argument; its warnings go to standard error.

    Raises:
        CellError: it cannot be read or has mistakes.
    """
    analysis = analyse(source(name))
    found = space_in(analysis)
    output.warn(analysis.diagnostics)
    return found
