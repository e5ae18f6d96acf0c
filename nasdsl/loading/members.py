"""From an analysed text to its space or its genotype, and the functions of `nasdsl` that load one.

Purpose: refuse a text that has mistakes, no cells, or holes where a genotype is required.
Non-goals: the network around the cells (`nasdsl.loading.cells`).
"""

from nasdsl.errors import CellError, Diagnostic, Source
from nasdsl.language import tree
from nasdsl.language.analysis import Analysis
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.language.parser import Parsed
from nasdsl.loading.analysis import analyse, first_member
from nasdsl.loading.names import NameOrPath, source_of
from nasdsl.values import require_types


def load(name_or_path: NameOrPath) -> Genotype:
    """The genotype in a file, or of that name in the library.

    Args:
        name_or_path: a path, or a library name such as `nasnet_a` (with or without
            `.cell`; a file of that name comes first).

    Raises:
        CellError: the text has mistakes, or holes (NAS310); `diagnostics` lists them all.
    """
    return genotype_in(analyse(source_of(name_or_path)))


def loads(text: str) -> Genotype:
    """The genotype a text describes. Raises as `load` does."""
    require_types(text=(text, str))
    return genotype_in(analyse(Source("<text>", text)))


def load_space(name_or_path: NameOrPath) -> Space:
    """The space in a file, or of that name in the library; a genotype is a space of one.

    Raises:
        CellError: the text has mistakes; `diagnostics` lists them all.
    """
    return space_in(analyse(source_of(name_or_path)))


def loads_space(text: str) -> Space:
    """The space a text describes. Raises as `load_space` does."""
    require_types(text=(text, str))
    return space_in(analyse(Source("<text>", text)))


def check(name_or_path: NameOrPath) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with a file, or worth knowing about it, in the order of its text.

    Args:
        name_or_path: as `load` takes it; spaces and vocabularies are checked too.

    Returns:
        The findings of `nasdsl check`, among them that the file cannot be read. It does not raise.
    """
    try:
        return analyse(source_of(name_or_path)).diagnostics
    except CellError as error:
        return error.diagnostics


def cells_of_text(text: Source | str) -> Genotype:
    """The genotype of a text, for those who complete its settings themselves, in their own network.

    Raises:
        CellError: the text has mistakes other than those of its settings.
    """
    source = text if isinstance(text, Source) else Source("<text>", text)
    return genotype_in(analyse(source, network=False))


def space_in(analysis: Analysis) -> Space:
    """The space of an analysed text. Raises as `load_space` does."""
    space = analysis.space
    if space is not None:
        return space
    if any(found.is_error for found in analysis.diagnostics):
        raise CellError(analysis.diagnostics)
    name = analysis.parsed.source.name
    raise CellError(
        (
            *analysis.diagnostics,
            Diagnostic(
                "NAS313",
                f"{name!r} has no cells",
                analysis.parsed.source,
                hints=("a vocabulary is not a genotype",) if analysis.parsed.file.items else (),
            ),
        )
    )


def genotype_in(analysis: Analysis) -> Genotype:
    """The genotype of an analysed text. Raises as `load` does."""
    space = space_in(analysis)
    if not space.is_genotype:
        holes = hole_findings(analysis.parsed) or (
            Diagnostic(
                "NAS310",
                f"a genotype is required here, but `{space.name}` is a space",
                analysis.parsed.source,
                hints=("`nasdsl sample` draws genotypes from a space",),
            ),
        )
        raise CellError((*analysis.diagnostics, *holes))
    return genotype_of(space)


def genotype_of(space: Space) -> Genotype:
    """The one member of a space without holes."""
    assert space.is_genotype
    return first_member(space)


def hole_findings(parsed: Parsed) -> tuple[Diagnostic, ...]:
    """A finding for each hole of a text, for where a genotype is required."""
    holes = [
        field
        for item in parsed.file.items
        if isinstance(item, tree.Cell)
        for statement in item.statements
        if isinstance(statement, tree.Block | tree.Repeat)
        for field in statement.tuple.fields
        if isinstance(field, tree.Hole)
        or (isinstance(field, tree.Choice) and len(field.options) > 1)
    ]
    first = holes[:1]
    return tuple(
        Diagnostic(
            "NAS310",
            "a genotype is required here, but the text leaves "
            + (f"{len(holes)} fields open" if len(holes) > 1 else "a field open"),
            parsed.source,
            hole.span,
            label="the first hole" if len(holes) > 1 else "a hole",
            hints=("`nasdsl sample` draws genotypes from a space",),
        )
        for hole in first
    )
