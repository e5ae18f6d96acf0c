"""Everybody's architectures: genotypes in the formats of other tools.

Purpose: `read` and `write`. A conversion is exact, or each thing that does not carry over is a
finding (NAS655) and what cannot be said at all an error (NAS654).
Non-goals: weights (`nasdsl.weights`), networks, tables of results. Nothing here executes a text.
"""

from typing import NamedTuple

from nasdsl.errors import CellError, Diagnostic, Source, cell_error, listed, name_hints
from nasdsl.interop.foreign import Foreign, checked_size
from nasdsl.interop.formats import FORMATS, format_of
from nasdsl.interop.naming import genotype_name
from nasdsl.interop.options import Options
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype, Space

__all__ = ["FORMATS", "Reading", "Writing", "chosen", "format_of", "read", "refused", "write"]


class Reading(NamedTuple):
    """The genotypes of a foreign text, in order, and what of it does not carry over."""

    genotypes: tuple[Genotype, ...]
    findings: tuple[Diagnostic, ...]
    format: str


class Writing(NamedTuple):
    """A foreign text, and what of the genotype it does not say."""

    text: str
    findings: tuple[Diagnostic, ...]


def read(
    text: str | Source,
    format: str | None = None,
    *,
    name: str | None = None,
    space: Space | None = None,
) -> Reading:
    """Every genotype of a text in another tool's format.

    Args:
        text: the text, or a source with the name that findings tell.
        format: a name of `FORMATS`; None where the text shows which it is.
        name: what to call a genotype that the text does not name.
        space: the space a DNA belongs to.

    Returns:
        The genotypes; warnings (NAS655) for what is not carried over.

    Raises:
        CellError: NAS650 for the format, NAS651 to NAS656 for the text; findings point into it.
    """
    source = text if isinstance(text, Source) else Source("<text>", text)
    foreign = checked_size(source)
    chosen_format = format or format_of(source)
    form = FORMATS.find(chosen_format)
    found = form.read(foreign, Options(name, space))
    checked = [] if form.is_ours else [one for made in found for one in _checked(made, foreign)]
    return Reading(tuple(found), (*foreign.findings, *checked), chosen_format)


def _checked(genotype: Genotype, foreign: Foreign) -> list[Diagnostic]:
    """The language's own findings about a genotype of another format.

    Raises:
        CellError: the language refuses it; the findings are told of the foreign text.
    """
    # Imported here because it brings the whole language along.
    from nasdsl.loading import analyse

    examined = analyse(Source(genotype.name, genotype_text(genotype)))
    found = [
        Diagnostic(
            finding.code,
            f"{genotype.name}: {finding.message}",
            foreign.source,
            foreign.whole,
            hints=finding.hints,
        )
        for finding in examined.diagnostics
    ]
    if any(finding.is_error for finding in found):
        raise CellError((*foreign.findings, *found))
    return found


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


def chosen(reading: Reading, name: str | None) -> Genotype:
    """The genotype of that name, or the only one.

    Raises:
        CellError: there are several or none of that name (NAS657).
    """
    names = [genotype.name for genotype in reading.genotypes]
    if name is None and len(names) == 1:
        return reading.genotypes[0]
    if name is None:
        hint = f"`--name NAME` chooses one of {listed(names)}"
        raise cell_error("NAS657", f"the text has {len(names)} genotypes", hint)
    plain = genotype_name(name, name)
    wanted = [one for one in reading.genotypes if one.name in (name, plain)]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        raise cell_error("NAS657", f"{len(wanted)} genotypes of the text are called {name!r}")
    raise cell_error(
        "NAS657",
        f"no genotype of the text is called {name!r:.60}",
        *name_hints(name, names, f"there are {listed(names)}"),
    )


def refused(findings: tuple[Diagnostic, ...]) -> CellError | None:
    """The error that `--strict` makes of what does not carry over; None where all does."""
    lost = tuple(found for found in findings if found.code == "NAS655")
    if not lost:
        return None
    parts = tuple(
        Diagnostic("NAS654", found.message, found.source, found.span, hints=found.hints)
        for found in lost
    )
    return CellError(parts)
