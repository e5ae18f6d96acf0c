"""From a name, a path or a text to a genotype, with every finding of every stage.

Purpose: the one way in, shared by the Python API and the command line.
Non-goals: networks; findings about the settings of a file come from `nasdsl.network`.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path, PurePath

from nasdsl import library
from nasdsl.errors import CellError, Diagnostic, Source, Span, cell_error, listed, name_hints
from nasdsl.language import tree
from nasdsl.language.genotype.resolve import Resolution, resolve
from nasdsl.language.genotype.types import Block, Cell, Genotype, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.language.parser import Parsed, parse, read_file, read_stdin
from nasdsl.language.parser.read import is_model, read_model
from nasdsl.language.validator import validation_findings
from nasdsl.values import require_types

NameOrPath = str | os.PathLike[str]
#: From a name to the text of the file `NAME.cell` that lies beside another; None where no such
#: file is there. It may raise a CellError: the file is there and cannot be read.
Beside = Callable[[str], Source | None]

_WEIGHTS = frozenset({".pt", ".pth", ".npz", ".h5", ".keras", ".ckpt"})
_EXPORTS = frozenset({".py", ".pt2", ".onnx"})


@dataclass(frozen=True, slots=True)
class Analysis:
    """A text, what it means, and every finding about it, in the order of the text."""

    parsed: Parsed
    resolution: Resolution
    diagnostics: tuple[Diagnostic, ...]

    @property
    def space(self) -> Space | None:
        """The genotype or space, or None where there are errors or the text is a vocabulary."""
        return None if any(found.is_error for found in self.diagnostics) else self.resolution.space


# -- the Python API ----------------------------------------------------------------------


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


# -- stages ----------------------------------------------------------------------------


def source_of(name_or_path: NameOrPath) -> Source:
    """The text of `-` (standard input), a file, or a library name; in that order.

    A `.safetensors` file that nasdsl has written carries its text.

    Raises:
        CellError: it is none of these, or cannot be read.
    """
    require_types(name_or_path=(name_or_path, NameOrPath))
    name = os.fspath(name_or_path)
    if name == "-":
        return read_stdin()
    if "\0" in name:
        raise cell_error("NAS001", f"{name!r} is not the name of a file")
    if is_library_name(name):
        return library.source(name.removesuffix(".cell"))
    if not Path(name).exists():
        raise _not_found(name)
    if is_model(name):
        return read_model(name)
    _refuse_other_kinds(name)
    return read_file(name)


def _not_found(name: str) -> CellError:
    """That there is no file, and no library entry where a name of one may be meant."""
    if not _looks_like_path(name):
        known = [*library.names(), *library.vocabulary_names()]
        all_names = f"the library has {listed(library.names())}"
        hints = name_hints(name.removesuffix(".cell"), known, all_names)
        return cell_error("NAS001", f"no file and no library entry is called {name!r}", *hints)
    path = Path(name)
    if not path.parent.is_dir():
        return cell_error(
            "NAS001", f"no such file: {name!r}", f"there is no folder {str(path.parent)!r}"
        )
    there = [str(each) for each in path.parent.glob(f"*{escape(path.suffix)}")]
    by_name = library.names() if path.suffix == ".cell" and path.name == name else []
    hints = name_hints(name, there) or name_hints(path.stem, by_name)
    return cell_error("NAS001", f"no such file: {name!r}", *hints)


def _refuse_other_kinds(name: str) -> None:
    """A file whose suffix says that it holds no text of ours is not read for one."""
    suffix = Path(name).suffix.lower()
    if suffix in _WEIGHTS:
        hint = f"use weights together with a text: `nasdsl compile FILE.cell --weights {name}`"
        raise cell_error("NAS007", f"{name!r} contains weights, not cells", hint)
    refuse_exports(name)


def refuse_exports(name: str) -> None:
    """Refuse a file whose suffix says that it is an export, which other programs run.

    Raises:
        CellError: NAS007.
    """
    if Path(name).suffix.lower() in _EXPORTS:
        raise cell_error(
            "NAS007",
            f"{name!r} is a kind of file that nasdsl writes but does not read",
            "of the files that `nasdsl compile -o` writes, nasdsl reads .safetensors alone",
        )


def is_library_name(name: str) -> bool:
    """Whether `name` means a library entry: no file is called so, and the library has it."""
    stem = name.removesuffix(".cell")
    known = stem in library.names() or stem in library.vocabulary_names()
    return known and not Path(name).is_file()


def preset_name(name: str, preset: str) -> str:
    """The library's network of a genotype: `darts_v2` and `cifar` to `darts_v2_cifar`.

    Raises:
        CellError: NAS213, the library has no such network.
    """
    stem = name.removesuffix(".cell")
    found = library.presets(stem) if is_library_name(name) else {}
    if preset in found:
        return found[preset]
    if found:
        raise cell_error(
            "NAS213",
            f"`{stem}` has no preset `{preset[:60]}`",
            *name_hints(preset, found, f"its presets are {listed(found)}"),
        )
    raise cell_error(
        "NAS213",
        f"{name!r:.60} has no presets; the library's genotypes have",
        "the flags `--skeleton`, `--stem`, `--N` and `--filters` describe a network",
    )


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


def analysis_of(parsed: Parsed, *, network: bool = True, beside: Beside | None = None) -> Analysis:
    """Every stage's findings about a text that has been parsed; see `analyse`."""
    source = parsed.source
    beside = _folder(source) if beside is None else beside
    reading = PurePath(source.name).name
    resolution = resolve(parsed, _BesideCatalogue(beside, reading))
    findings = [*resolution.diagnostics, *validation_findings(resolution)]
    findings += _network_findings(resolution, findings) if network else []
    return Analysis(parsed, resolution, in_order(source, findings))


def in_order(source: Source, findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in the order of the text; last those without a place in it."""
    end = Span(len(source.text), len(source.text))
    return tuple(sorted(findings, key=lambda found: found.span or end))


def genotype_of(space: Space) -> Genotype:
    """The one member of a space without holes."""
    assert space.is_genotype
    return _first_member(space)


def _first_member(space: Space) -> Genotype:
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

    member = _first_member(space)
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


def setting_finding(found: Diagnostic, setting: str, resolution: Resolution) -> Diagnostic:
    """A finding about a setting, at the place in the text that the setting has."""
    return replace(found, source=resolution.parsed.source, span=resolution.settings.get(setting))


# -- names that other files define ------------------------------------------------------


def _looks_like_path(name: str) -> bool:
    return os.sep in name or "/" in name or bool(Path(name).suffix)


def nothing_beside(name: str) -> Source | None:
    """A `Beside` for a text that lies in no folder."""
    return None


def _folder(source: Source) -> Beside:
    path = Path(source.name)
    if source.name.startswith("<") or not path.is_file():
        return nothing_beside
    return beside_in(path.parent)


def beside_in(folder: Path) -> Beside:
    """A `Beside` that reads the files of a folder."""

    def beside(name: str) -> Source | None:
        found = folder / f"{name}.cell"
        return read_file(found) if found.is_file() else None

    return beside


class _BesideCatalogue(library.LibraryCatalogue):
    """Looks names up beside a file first, then in the library.

    A file that is being read does not find itself, nor do the files it leads to, so names
    that lead in a circle end in the library or in a finding.
    """

    def __init__(self, beside: Beside, *reading: str) -> None:
        self.beside, self.reading = beside, reading

    def vocabulary(self, name: str) -> Vocabulary | None:
        """The vocabulary of the file `name.cell` in the folder, else the library's."""
        try:
            found = self._analysis_beside(name)
        except CellError:
            return None
        if found is None:
            return super().vocabulary(name)
        return found.resolution.vocabulary if self._is_vocabulary(found) else None

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
        file = f"{name}.cell"
        if not name.isidentifier() or file in self.reading:
            return None
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
