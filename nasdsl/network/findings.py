"""Findings about settings: what cannot be built, and the nearest that can.

Purpose: `choices_of`, the skeleton, stem and cells that settings mean, and `findings_about` them,
each with the setting to look at.
Non-goals: shapes inside cells (NAS308 and NAS309 come from `nasdsl.network.cells`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from nasdsl.errors import CellError, Diagnostic, listed
from nasdsl.language.genotype.settings import (
    DEFAULT_SKELETON,
    RULES,
    Settings,
    conflicting_settings,
)
from nasdsl.language.genotype.types import Cell, CellKind, Genotype
from nasdsl.network.skeleton import SKELETONS, Skeleton, Stem
from nasdsl.network.stack import PlannedCell
from nasdsl.network.widths import Widths, narrowest
from nasdsl.values import shown

#: A setting's name and what is wrong with it.
Finding = tuple[str, Diagnostic]
#: Up to so many, a number is more likely meant for the first cell: NASNet-A has 32 to 168.
_USUAL_FIRST = 168


@dataclass(frozen=True, slots=True)
class NetworkChoices:
    """The skeleton, stem and cells that a genotype and its settings mean.

    Attributes:
        genotype: with a cell of each kind that the skeleton stacks.
        skeleton: the skeleton.
        stem_name: the stem's name.
        stem: the stem.
        plan: the cells of the stack; as the default has them where `layers` does not apply.
    """

    genotype: Genotype
    skeleton: Skeleton
    stem_name: str
    stem: Stem
    plan: tuple[PlannedCell, ...]

    @property
    def settings(self) -> Settings:
        """What was said."""
        return self.genotype.settings

    @property
    def N(self) -> int | None:
        """Normal cells between reductions; None where the number of layers is given."""
        if self.settings.layers is not None:
            return None
        return self.stem.N if self.settings.N is None else self.settings.N

    @property
    def image_size(self) -> int:
        """Pixels a side."""
        asked = self.settings.image_size
        return self.stem.image_size if asked is None else asked

    @property
    def widths(self) -> Widths:
        """The widths of the last cell, which the head reads."""
        return self.skeleton.widths(self.genotype, self.plan)

    def cell(self, kind: CellKind) -> Cell:
        """The cell of that kind."""
        found = self.genotype.cell(kind)
        assert found is not None, "choices_of refuses a genotype without it"
        return found


def choices_of(genotype: Genotype) -> NetworkChoices | tuple[Finding, ...]:
    """What a genotype's settings mean, or why they mean nothing."""
    settings = genotype.settings
    illegal = tuple(_illegal_values(settings)) or tuple(_conflict_findings(settings))
    if illegal:
        return illegal
    if not genotype.cells:
        nothing = Diagnostic("NAS506", f"`{genotype.name}` has no cells to stack")
        return (("skeleton", nothing),)
    try:
        skeleton = SKELETONS.find(settings.skeleton or DEFAULT_SKELETON)
    except CellError as error:
        return tuple(("skeleton", found) for found in error.diagnostics)
    stem_name = settings.stem or skeleton.default_stem
    if stem_name not in skeleton.stems:
        text = f"`stem` cannot be `{stem_name:.40}` in the {skeleton.name} skeleton"
        wants = listed(skeleton.stems, "or")
        return (("stem", Diagnostic("NAS502", f"{text}; it is {wants}")),)
    missing = tuple(_missing_cells(genotype, skeleton))
    if missing:
        return missing
    stem = skeleton.stems[stem_name]
    takes_layers = "layers" not in skeleton.does_not_apply(stem_name)
    layers = settings.layers if takes_layers else None
    N = None if layers else settings.N or stem.N
    plan = skeleton.planned(stem_name, N, layers)
    return NetworkChoices(genotype, skeleton, stem_name, stem, plan)


def findings_about(choices: NetworkChoices) -> tuple[Finding, ...]:
    """What is wrong with choices or worth knowing, each with the setting to look at."""
    return (*_filters_findings(choices), *findings_without_widths(choices))


def findings_without_widths(choices: NetworkChoices) -> tuple[Finding, ...]:
    """Those that all members of a space share: which widths are legal depends on the blocks."""
    return (
        *_ignored_cells(choices),
        *_settings_without_effect(choices),
        *_image_findings(choices),
    )


def _illegal_values(settings: Settings) -> Iterator[Finding]:
    for name, value in settings.given().items():
        if RULES[name].legal(value) is None:
            given = value[:40] if isinstance(value, str) else shown(value)
            wants = f"it is {RULES[name].description}"
            yield name, Diagnostic("NAS502", f"`{name}` cannot be `{given}`; {wants}")


def _conflict_findings(settings: Settings) -> Iterator[Finding]:
    for _, other, text in conflicting_settings(settings):
        yield other, Diagnostic("NAS505", text, hints=("leave one of them out",))


def _missing_cells(genotype: Genotype, skeleton: Skeleton) -> Iterator[Finding]:
    for kind in skeleton.cells:
        if genotype.cell(kind) is not None:
            continue
        hints = [f"add `cell {kind} {{ ... }}`"]
        if kind == "reduction":
            hints.append("`skeleton = pnasnet` strides normal cells and needs no other")
        kinds = " and ".join(skeleton.cells)
        yield (
            "skeleton",
            Diagnostic(
                "NAS304",
                f"the {skeleton.name} skeleton stacks {kinds} cells, "
                f"and `{genotype.name}` has no {kind} cell"
                if kind == "reduction"
                else f"every network ends in normal cells, and `{genotype.name}` has none",
                hints=tuple(hints),
            ),
        )


def _ignored_cells(choices: NetworkChoices) -> Iterator[Finding]:
    skeleton, genotype = choices.skeleton, choices.genotype
    for cell in genotype.cells:
        if cell.kind not in skeleton.cells:
            yield (
                "skeleton",
                Diagnostic(
                    "NAS507",
                    f"the {skeleton.name} skeleton stacks no {cell.kind} cells, so that of "
                    f"`{genotype.name}` is ignored",
                    hints=("`skeleton = nasnet` stacks normal and reduction cells",),
                ),
            )


def _settings_without_effect(choices: NetworkChoices) -> Iterator[Finding]:
    given, name = choices.settings.given(), choices.skeleton.name
    stem = f"skeleton's {choices.stem_name} stem"
    for setting, hints in choices.skeleton.does_not_apply(choices.stem_name).items():
        if setting in given:
            where = stem if setting in choices.stem.fixed else "skeleton"
            text = f"{setting} does not apply to the {name} {where}"
            yield setting, Diagnostic("NAS502", text, hints=hints)
    if given.get("auxiliary") and choices.stem.auxiliary is None:
        text = f"networks of the {name} skeleton have no auxiliary classifier"
        yield "auxiliary", Diagnostic("NAS502", text, hints=("leave auxiliary out",))


def _filters_findings(choices: NetworkChoices) -> Iterator[Finding]:
    given, first = choices.settings.filters, choices.settings.cell_filters
    widths, fewest = choices.widths, _fewest(choices)
    least, most = widths.penultimate(fewest), int(RULES["filters"].values.maximum)
    if first is not None:
        yield from _cell_filters_findings(first, fewest, widths.penultimate(first), most)
        return
    below = choices.stem.cell_filters if given is None else widths.at_most(given)
    asked = widths.penultimate(below) if given is None else given
    if below >= fewest and widths.penultimate(below) == asked:
        return
    unit, near = widths.penultimate(1), [widths.penultimate(below + more) for more in (0, 1)]
    hints = []
    regular = unit > 0 and near == [below * unit, (below + 1) * unit]
    if regular:
        hints.append(f"the last cell passes on {unit:,} channels per filter of the first cell")
    if least > most:
        text = f"no number up to {most:,} is legal for this cell"
    elif below < fewest:
        subject = "the default" if given is None else str(asked)
        text = f"{subject} is too small; {least} is the smallest legal number"
        if fewest > 1:
            hints.append(f"the first cell needs {fewest} filters to leave every layer a channel")
    else:
        wrong = f"not a multiple of {unit}" if regular else "not legal"
        legal = [str(value) for value in near if value <= most]
        text = f"{asked} is {wrong}; {' and '.join(legal)} {'are' if len(legal) > 1 else 'is'}"
    if given is not None and fewest <= given <= _USUAL_FIRST:
        hints.append(f"`cell_filters` is the number of filters in the first cell, such as {given}")
    yield "filters", Diagnostic("NAS503", f"filters: {text}", hints=tuple(hints))


def _cell_filters_findings(given: int, fewest: int, made: int, most: int) -> Iterator[Finding]:
    if given < fewest:
        text = f"{given} is too small; {fewest} is the smallest legal number"
        hint = "every layer needs a channel"
    elif made > most:
        text = f"{given} is too large; the penultimate layer would have {made:,} channels"
        hint = f"it may have {most:,}"
    else:
        return
    yield "cell_filters", Diagnostic("NAS503", f"cell_filters: {text}", hints=(hint,))


def _fewest(choices: NetworkChoices) -> int:
    """The least legal F, which leaves every layer of the stem and of every cell a channel."""
    vocabulary = choices.genotype.vocabulary
    of_kind = {kind: narrowest(choices.cell(kind), vocabulary) for kind in choices.skeleton.cells}
    if own := choices.skeleton.own:
        of_kind |= {cell.kind: narrowest(cell, own.vocabulary) for cell in own.cells}
    widths = {(cell.kind, cell.times, cell.over) for cell in choices.plan}
    # F * times // over is at least n where F is at least n * over / times.
    cells = (-(-of_kind[kind] * over // times) for kind, times, over in widths)
    return max(choices.stem.least_cell_filters, *cells)


def _image_findings(choices: NetworkChoices) -> Iterator[Finding]:
    asked = choices.image_size
    if _buildable(choices, asked):
        return
    # Larger images make larger states, so the sizes above the smallest legal one are legal.
    low, high = asked, int(RULES["image_size"].values.maximum)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _buildable(choices, middle) else (middle, high)
    needs = (
        "the auxiliary classifier's 5x5 pooling"
        if choices.stem.size_after(asked) >= 1
        else f"the stem's {choices.stem.window}"
    )
    hints: tuple[str, ...] = (f"{needs} does not fit otherwise",)
    if choices.settings.auxiliary:
        hints += ("without the auxiliary classifier smaller images are legal",)
    text = f"an image of {asked} pixels is too small; {high} is the smallest legal size"
    yield "image_size", Diagnostic("NAS504", text, hints=hints)


def _buildable(choices: NetworkChoices, size: int) -> bool:
    left, auxiliary = choices.stem.size_after(size), choices.stem.auxiliary
    if left < 1 or not choices.settings.auxiliary or auxiliary is None:
        return left >= 1
    place = next(i for i, cell in enumerate(choices.plan, 1) if cell.before_auxiliary)
    return -(-left // prod(cell.stride for cell in choices.plan[:place])) >= auxiliary.window
