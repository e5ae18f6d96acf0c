"""Findings about settings: what cannot be built, and the nearest that can.

Purpose: NAS304, NAS502, NAS503, NAS504, NAS506 and NAS507, each with the setting to look at.
Non-goals: shapes inside cells (NAS308 and NAS309 come from `nasdsl.network.cells`).
"""

from collections.abc import Iterator

from nasdsl.errors import Diagnostic
from nasdsl.language.genotype.settings import RULES, Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.choices import NEEDED_CELLS, chosen, image_size, normal_widths
from nasdsl.network.widths import Widths
from nasdsl.values import shown

#: A setting's name and what is wrong with it.
Finding = tuple[str, Diagnostic]

_AUXILIARY_WINDOW = 5


def settings_findings(genotype: Genotype) -> tuple[Finding, ...]:
    """What is wrong with a genotype's settings, each with the setting to look at."""
    illegal = tuple(_illegal_values(genotype.settings))
    if illegal:
        return illegal
    missing = tuple(_missing_cells(genotype))
    if missing:
        return missing
    return (
        *_ignored_cells(genotype),
        *_settings_without_effect(genotype.settings),
        *_filters_findings(genotype),
        *_image_findings(genotype.settings),
    )


def _illegal_values(settings: Settings) -> Iterator[Finding]:
    for name, value in settings.given().items():
        if RULES[name].legal(value) is None:
            given = value[:40] if isinstance(value, str) else shown(value)
            wants = f"it is {RULES[name].description}"
            yield name, Diagnostic("NAS502", f"`{name}` cannot be `{given}`; {wants}")


def _missing_cells(genotype: Genotype) -> Iterator[Finding]:
    if not genotype.cells:
        yield "skeleton", Diagnostic("NAS506", f"`{genotype.name}` has no cells to stack")
        return
    name, _, _ = chosen(genotype.settings)
    for kind in NEEDED_CELLS[name]:
        if genotype.cell(kind) is not None:
            continue
        hints = [f"add `cell {kind} {{ ... }}`"]
        if kind == "reduction":
            hints.append("`skeleton = pnasnet` strides normal cells and needs no other")
        yield (
            "skeleton",
            Diagnostic(
                "NAS304",
                f"the {name} skeleton stacks normal and reduction cells, "
                f"and `{genotype.name}` has no {kind} cell"
                if kind == "reduction"
                else f"every network ends in normal cells, and `{genotype.name}` has none",
                hints=tuple(hints),
            ),
        )


def _ignored_cells(genotype: Genotype) -> Iterator[Finding]:
    name, _, _ = chosen(genotype.settings)
    for cell in genotype.cells:
        if cell.kind not in NEEDED_CELLS[name]:
            yield (
                "skeleton",
                Diagnostic(
                    "NAS507",
                    f"the {name} skeleton stacks no {cell.kind} cells, so that of "
                    f"`{genotype.name}` is ignored",
                    hints=("`skeleton = nasnet` stacks normal and reduction cells",),
                ),
            )


def _settings_without_effect(settings: Settings) -> Iterator[Finding]:
    name, stem, _ = chosen(settings)
    if settings.skip_reduction_input is not None and name != "nasnet":
        yield (
            "skip_reduction_input",
            Diagnostic(
                "NAS502",
                f"skip_reduction_input does not apply to the {name} skeleton",
                hints=(
                    f"in {name} the cell after a reduction always takes the cell just before it",
                    "leave skip_reduction_input out, or choose `skeleton = nasnet`",
                ),
            ),
        )
    if settings.stem_filters is not None and (name, stem) == ("darts", "imagenet"):
        yield (
            "stem_filters",
            Diagnostic(
                "NAS502",
                "stem_filters does not apply to the darts skeleton's imagenet stem",
                hints=(
                    "its first convolution always has half the filters of the first cell",
                    "leave stem_filters out, or choose `stem = cifar`",
                ),
            ),
        )


def _filters_findings(genotype: Genotype) -> Iterator[Finding]:
    asked = genotype.settings.filters
    widths, fewest = normal_widths(genotype), _fewest(genotype)
    least, most = widths.penultimate(fewest), int(RULES["filters"].maximum)
    if asked is None:
        below = chosen(genotype.settings)[2].cell_filters
        asked = widths.penultimate(below)
    else:
        below = widths.at_most(asked)
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
        subject = "the default" if genotype.settings.filters is None else str(asked)
        text = f"{subject} is too small; {least} is the smallest legal number"
        if fewest > 1:
            hints.append(f"the first cell needs {fewest} filters to leave every layer a channel")
    else:
        wrong = f"not a multiple of {unit}" if regular else "not legal"
        legal = [str(value) for value in near if value <= most]
        text = f"{asked} is {wrong}; {' and '.join(legal)} {'are' if len(legal) > 1 else 'is'}"
    yield "filters", Diagnostic("NAS503", f"filters: {text}", hints=tuple(hints))


def _fewest(genotype: Genotype) -> int:
    """The least legal F, which leaves every layer of every cell a channel."""
    name, stem, _ = chosen(genotype.settings)
    normal, reduction = (
        Widths(cell, genotype.vocabulary).narrowest if cell else 1
        for cell in (genotype.cell("normal"), genotype.cell("reduction"))
    )
    strided = normal if name == "pnasnet" else reduction
    if stem == "cifar" or name == "darts":
        # The first strided cell has 2F filters; DARTS' first convolution has C / 2.
        return max(normal, -(-strided // 2), 1 if stem == "cifar" else 2)
    # slim's first stem cell is a strided one of F / 4 filters, rounded down.
    return max(normal, 4 * strided)


def _image_findings(settings: Settings) -> Iterator[Finding]:
    asked = image_size(settings)
    if _buildable(settings, asked):
        return
    # Larger images make larger states, so the sizes above the smallest legal one are legal.
    low, high = asked, int(RULES["image_size"].maximum)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _buildable(settings, middle) else (middle, high)
    needs = (
        "the auxiliary classifier's 5x5 pooling"
        if _after_stem(settings, asked) >= 1
        else "the stem's 3x3 convolution"
    )
    hints: tuple[str, ...] = (f"{needs} does not fit otherwise",)
    if settings.auxiliary:
        hints += ("without the auxiliary classifier smaller images are legal",)
    text = f"an image of {asked} pixels is too small; {high} is the smallest legal size"
    yield "image_size", Diagnostic("NAS504", text, hints=hints)


def _after_stem(settings: Settings, size: int) -> int:
    """The size the first cell sees; 0 where the stem leaves nothing."""
    name, stem, _ = chosen(settings)
    if stem == "cifar":
        return size
    if name == "darts":
        return -(-size // 8)  # three strided convolutions, padded
    # One strided convolution without padding, then two cells that halve.
    return -(-((size - 1) // 2) // 4)


def _buildable(settings: Settings, size: int) -> bool:
    left = _after_stem(settings, size)
    if left < 1 or not settings.auxiliary:
        return left >= 1
    name, _, _ = chosen(settings)
    # slim's classifier stands before the second reduction, ENAS' and DARTS' after it.
    return -(-left // (4 if name in ("enas", "darts") else 2)) >= _AUXILIARY_WINDOW
