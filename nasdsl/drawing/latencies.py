"""Accuracy or size against latency: a point for each network in each runtime."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nasdsl.drawing.lettering import LONGEST_NAME
from nasdsl.drawing.rendering import PictureFormat
from nasdsl.drawing.sizes import figure_content
from nasdsl.drawing.themes import find_theme
from nasdsl.report.plots import add_legend_below, label, write_plain_numbers
from nasdsl.report.visible import shortened, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKERS = "osD^vPX*"


class LatencyPoint(NamedTuple):
    """A network that was measured: its name, where it ran, and how it did.

    Attributes:
        network: its name.
        runtime: where it ran, in words.
        milliseconds: of a batch.
        value: its accuracy in percent, or its parameters in millions.
    """

    network: str
    runtime: str
    milliseconds: float
    value: float


def latencies_plot(
    points: Sequence[LatencyPoint], value: str, *, form: PictureFormat = "svg"
) -> bytes:
    """The plot as a file's content; the same bytes for the same points.

    Args:
        points: a colour for each runtime, and a name beside the fastest of each network.
        value: what their values are, in words.
        form: `svg`, `png` or `pdf`.

    Raises:
        CellError: matplotlib is not installed (NAS701).
    """
    theme = find_theme("light")

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for number, runtime in enumerate(dict.fromkeys(point.runtime for point in points)):
            here = [point for point in points if point.runtime == runtime]
            axes.plot(
                [point.milliseconds for point in here],
                [point.value for point in here],
                linestyle="none",
                marker=_MARKERS[number % len(_MARKERS)],
                label=label(runtime),
            )
        for name in dict.fromkeys(point.network for point in points):
            fastest = min(
                (point for point in points if point.network == name),
                key=lambda point: point.milliseconds,
            )
            axes.annotate(
                visible(shortened(name, LONGEST_NAME)),
                (fastest.milliseconds, fastest.value),
                xytext=(6, -9),
                textcoords="offset points",
                fontsize=7,
                parse_math=False,
            )
        write_plain_numbers(axes.xaxis)
        axes.set_xlabel("milliseconds a batch", color=theme.letters)
        axes.set_ylabel(value, color=theme.letters)
        axes.grid(True, which="major", color=theme.dim_stroke, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        add_legend_below(figure, columns=4, fontsize=8)

    return figure_content(draw, (5.6, 4.1), form, theme)
