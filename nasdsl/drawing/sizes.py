"""Accuracy against size, after Figure 5 of Zoph et al. 2018.

Purpose: published models (`nasdsl.library.published`), and genotypes at their computed cost.
Accuracies are not guessed: a genotype without one is a line across the plot at its size.

matplotlib takes long to import and is an extra, so it is imported on use.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nasdsl.drawing.lettering import LONGEST_NAME
from nasdsl.drawing.rendering import PictureFormat
from nasdsl.drawing.themes import Theme, ThemeName, find_theme
from nasdsl.library.published import Published, models
from nasdsl.network.cost import graph_cost
from nasdsl.network.graph import NetworkGraph
from nasdsl.report.plots import add_legend_below, content_of, new_picture
from nasdsl.report.visible import shortened, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measure = Literal["mult_adds", "params"]
MEASURES: tuple[Measure, ...] = ("mult_adds", "params")
_WORDS: dict[Measure, str] = {
    "mult_adds": "mult-adds for one image (millions)",
    "params": "parameters (millions)",
}
_STYLES = {
    "NASNet-A": ("#c2331f", "o", "-"),
    "NASNet-B": ("#c2331f", "P", ""),
    "NASNet-C": ("#c2331f", "X", ""),
    "PNASNet": ("#2f66a3", "s", ""),
    "AmoebaNet": ("#1b7f37", "^", ""),
    "DARTS": ("#b07400", "D", ""),
    "by hand": ("#7d7f86", "v", ""),
}
_MINE = "#8b2fa3"


@dataclass(frozen=True, slots=True)
class GenotypeSize:
    """A genotype at its computed cost; `accuracy` in percent, where it is known."""

    name: str
    params: int
    mult_adds: int
    accuracy: float | None = None

    def millions(self, measure: Measure) -> float:
        """Its size by that measure, in millions."""
        return (self.params if measure == "params" else self.mult_adds) / 1e6


def genotype_size(network: NetworkGraph, accuracy: float | None = None) -> GenotypeSize:
    """A network at its cost."""
    counted = graph_cost(network)
    return GenotypeSize(network.name, counted.params, counted.mult_adds, accuracy)


def imagenet_models() -> tuple[Published, ...]:
    """The published models for ImageNet."""
    return tuple(model for model in models() if model.data == "ImageNet")


def sizes_plot(
    mine: tuple[GenotypeSize, ...] = (),
    *,
    form: PictureFormat = "svg",
    measures: tuple[Measure, ...] = MEASURES,
    theme_name: ThemeName = "light",
) -> bytes:
    """The plot as a file's content; the same bytes on every run.

    Args:
        mine: genotypes to add.
        form: `svg`, `png` or `pdf`.
        measures: a panel for each.
        theme_name: as pictures of cells.

    Raises:
        CellError: matplotlib is not installed (NAS701).
    """
    theme = find_theme(theme_name)

    def draw(figure: "Figure") -> None:
        for place, measure in enumerate(measures):
            axes = figure.add_subplot(1, len(measures), place + 1)
            _panel(axes, measure, mine, theme)
        _key(figure, theme)

    return figure_content(draw, (4.6 * len(measures), 4.1), form, theme)


def figure_content(
    draw: Callable[["Figure"], None], size: tuple[float, float], form: PictureFormat, theme: Theme
) -> bytes:
    """A plot as a file's content, the same bytes on every run.

    Args:
        draw: draws on the figure.
        size: of the figure, in inches.
        form: `svg`, `png` or `pdf`.
        theme: says what it stands on.

    Raises:
        CellError: matplotlib is not installed (NAS701).
    """
    settings = {
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "font.family": "sans-serif",
        "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    }
    stands_on = theme.background
    with (
        new_picture(size, "plots need", background=stands_on, settings=settings) as figure,
        _quiet_about_fonts(),
    ):
        draw(figure)
        return content_of(figure, form, dpi=200)


@contextmanager
def _quiet_about_fonts() -> Iterator[None]:
    """No warnings about missing fonts: others take their place."""
    logger = logging.getLogger("matplotlib.font_manager")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
            yield
    finally:
        logger.setLevel(before)


def _panel(axes: "Axes", measure: Measure, mine: tuple[GenotypeSize, ...], theme: Theme) -> None:
    axes.set_facecolor(theme.background)
    axes.set_xscale("log")
    families = dict.fromkeys(model.family for model in imagenet_models())
    for family in families:
        colour, marker, line = _STYLES[family]
        models = [model for model in imagenet_models() if model.family == family]
        points = [(size, model.accuracy) for model in models if (size := getattr(model, measure))]
        if points:
            across, up = zip(*sorted(points), strict=True)
            style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": line or "none"}
            axes.plot(across, up, **style, markersize=5.5, linewidth=1.1, label=family)
        for model in models:
            size = getattr(model, measure)
            if model.label and size:
                at: dict[str, Any] = {"xytext": (6, -9), "textcoords": "offset points"}
                axes.annotate(model.label, (size, model.accuracy), **at, color=colour, fontsize=7)
    for number, genotype in enumerate(mine):
        _mark_genotype(axes, genotype, measure, number, theme)
    axes.set_xlabel(_WORDS[measure], color=theme.letters)
    axes.set_ylabel("ImageNet top-1 accuracy (%)", color=theme.letters)
    axes.tick_params(colors=theme.letters, which="both")
    axes.grid(True, which="major", color=theme.dim_stroke, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.letters)


def _mark_genotype(
    axes: "Axes", genotype: GenotypeSize, measure: Measure, number: int, theme: Theme
) -> None:
    """A star where the accuracy is known, else a line at the size."""
    size, name = genotype.millions(measure), visible(shortened(genotype.name, LONGEST_NAME))
    behind = {"facecolor": theme.background, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    common: dict[str, Any] = {"color": _MINE, "fontsize": 8, "parse_math": False, "bbox": behind}
    if genotype.accuracy is None:
        axes.axvline(size, color=_MINE, linestyle=(0, (4, 2)), linewidth=1.0)
        height = 0.985 - 0.02 * (number % 3)
        place: dict[str, Any] = {"xy": (size, height), "xycoords": ("data", "axes fraction")}
        axes.annotate(
            name,
            **place,
            xytext=(3, 0),
            textcoords="offset points",
            rotation=90,
            va="top",
            ha="left",
            **common,
        )
        return
    axes.plot([size], [genotype.accuracy], marker="*", markersize=11, color=_MINE, linestyle="none")
    axes.annotate(
        name, (size, genotype.accuracy), xytext=(7, -3), textcoords="offset points", **common
    )


def _key(figure: "Figure", theme: Theme) -> None:
    found: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        found.update(zip(labels, handles, strict=True))
    entries = list(found.values()), list(found)
    add_legend_below(figure, *entries, columns=len(found), labelcolor=theme.letters, fontsize=8)
