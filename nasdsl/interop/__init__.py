"""Everybody's architectures: genotypes in the formats of other tools.

`read` and `write` convert; `find` lists what a text holds, to choose from. A conversion is exact,
or each thing that does not carry over is a finding (NAS655), and what cannot be said at all is an
error (NAS654). Nothing here executes a text.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from nasdsl.errors import CellError, Diagnostic, Source
from nasdsl.interop.choosing import ForeignGenotypes
from nasdsl.interop.foreign import Entry, Foreign, Options, foreign_text
from nasdsl.interop.formats import FORMATS, Format, format_of, formats_of
from nasdsl.interop.notebook import with_cells_as_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.values import require_types, typed

__all__ = [
    "FORMATS",
    "Entry",
    "ForeignGenotypes",
    "Reading",
    "Writing",
    "find",
    "format_of",
    "losses_as_errors",
    "read",
    "write",
]

#: How many genotypes of a text are read to find out whether its format is the right one.
_MAX_TRIED = 20


class Reading(NamedTuple):
    """The genotypes of a foreign text that can be read, in order, and what was found on the way."""

    genotypes: tuple[Genotype, ...]
    findings: tuple[Diagnostic, ...]
    format: str


class Writing(NamedTuple):
    """A foreign text, and what of the genotype it does not say."""

    text: str
    findings: tuple[Diagnostic, ...]


@typed
def find(
    text: str | Source,
    format: str | None = None,
    *,
    name: str | None = None,
    space: Space | None = None,
) -> ForeignGenotypes:
    """What genotypes a text in another tool's format holds.

    Args:
        text: the text, or a source with the name that findings give it.
        format: a name of `FORMATS`; None where the text shows which it is.
        name: what to call a genotype that the text does not name.
        space: the space a DNA belongs to.

    Returns:
        The genotypes, which `choose` chooses from and `read` reads.

    Raises:
        CellError: NAS650 for the format, NAS651 and NAS656 where the text holds none.
    """
    source = with_cells_as_text(text if isinstance(text, Source) else Source("<text>", text))
    foreign = foreign_text(source)
    options = Options(name, space)
    if format is not None:
        return _found(format, foreign, options)
    fitting = formats_of(source)
    if len(fitting) == 1:
        return _found(fitting[0], foreign, options)
    return _found(
        _readable_format(fitting, foreign, options) or format_of(source), foreign, options
    )


def _found(format: str, foreign: Foreign, options: Options) -> ForeignGenotypes:
    form = FORMATS.find(format)
    entries = _entries(form, foreign, options)
    return ForeignGenotypes(foreign, format, tuple(entries), options.name, form.is_ours)


def _readable_format(fitting: Sequence[str], foreign: Foreign, options: Options) -> str | None:
    """The one format of those that fit in which a genotype can be read; None for none or several.

    Programs that search have words of many formats, and genotypes of one.
    """
    readable = []
    for format in fitting:
        with suppress(CellError):
            held = _found(format, foreign, options)
            if any(not held.problem(entry) for entry in held.entries[:_MAX_TRIED]):
                readable.append(format)
    return readable[0] if len(readable) == 1 else None


def _entries(form: Format, foreign: Foreign, options: Options) -> list[Entry]:
    """What a format finds in a text; a format that reads all at once has read it."""
    if form.find is not None:
        return form.find(foreign, options)
    if form.read is None:
        return []
    fresh = foreign.without_findings()
    try:
        genotypes = form.read(fresh, options)
    except CellError as error:
        return [Entry(options.name or "", foreign.whole, partial(_failed, error))]
    return [
        Entry(genotype.name, foreign.whole, partial(_already_read, genotype, fresh.findings))
        for genotype in genotypes
    ]


def _failed(error: CellError, foreign: Foreign, name: str) -> Genotype:
    raise error


def _already_read(
    genotype: Genotype, findings: Sequence[Diagnostic], foreign: Foreign, name: str
) -> Genotype:
    foreign.findings += findings
    return genotype


@typed
def read(
    text: str | Source,
    format: str | None = None,
    *,
    name: str | None = None,
    space: Space | None = None,
) -> Reading:
    """Every genotype of a text in another tool's format that can be read.

    Args:
        text: the text, or a source with the name that findings give it.
        format: a name of `FORMATS`; None where the text shows which it is.
        name: what to call a genotype that the text does not name.
        space: the space a DNA belongs to.

    Returns:
        The genotypes; warnings for what is not carried over (NAS655) and for genotypes that
        cannot be read (NAS659).

    Raises:
        CellError: NAS650 for the format, NAS651 to NAS656 where no genotype can be read; findings
            point into the text.
    """
    held = find(text, format, name=name, space=space)
    genotypes: list[Genotype] = []
    findings: list[Diagnostic] = []
    errors: list[Diagnostic] = []
    for entry in held.entries:
        try:
            genotype, found = held.read(entry)
        except CellError as error:
            errors += error.diagnostics
            findings += [_unreadable(entry, found) for found in error.diagnostics if found.is_error]
        else:
            genotypes.append(genotype)
            findings += found
    if not genotypes:
        raise CellError(tuple(errors))
    return Reading(tuple(genotypes), tuple(findings), held.format)


def _unreadable(entry: Entry, error: Diagnostic) -> Diagnostic:
    """The warning that one of several genotypes is not among those that were read (NAS659)."""
    name = f"`{entry.path or entry.name}`" if entry.names else "a genotype without a name"
    text = f"{name} cannot be read: {error.message}"
    return Diagnostic("NAS659", text, error.source, error.span, hints=error.hints)


@typed
def write(genotype: Genotype, format: str, *, space: Space | None = None) -> Writing:
    """A genotype in another tool's format.

    Args:
        genotype: what to write.
        format: a name of `FORMATS`.
        space: the space whose decisions a DNA lists.

    Raises:
        CellError: NAS650 for the format, NAS654 where it cannot say something, NAS602 for a
            genotype that is not of the space.
    """
    text, findings = FORMATS.find(format).write(genotype, Options(space=space))
    return Writing(text, tuple(findings))


@typed
def losses_as_errors(findings: tuple[Diagnostic, ...]) -> CellError | None:
    """The error that `--strict` makes of what does not carry over; None where all does."""
    require_types(findings=(findings, Sequence))
    losses = tuple(found for found in findings if found.code == "NAS655")
    if not losses:
        return None
    parts = tuple(
        Diagnostic("NAS654", found.message, found.source, found.span, hints=found.hints)
        for found in losses
    )
    return CellError(parts)
