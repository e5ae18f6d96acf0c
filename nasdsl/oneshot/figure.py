"""The picture of a one-shot search: how strong each option was, by epoch."""

from collections.abc import Sequence
from typing import Any

from nasdsl.language.genotype.types import Space
from nasdsl.oneshot.mixing import mixtures
from nasdsl.report.plots import COLOURS, content_of, count_along, draw_grid, label, new_picture

_COLOURS = (*COLOURS, "#b03a6b", "#2a8c8c")
_COLUMNS, _MOST = 5, 100


def strengths_picture(history: Sequence[Any], space: Space) -> bytes:
    """A panel for each choice, with a line for each option, as SVG; the same for the same numbers.

    Args:
        history: the epochs (`nasdsl.oneshot.watching.SearchEpoch`), at least one.
        space: which was searched.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    found = [
        (mixture, row)
        for cell in space.cells
        for mixture in mixtures(cell)
        if mixture.name in history[0].strengths
        for row in range(max(len(mixture.inputs), 1))
    ][:_MOST]
    rows = -(-len(found) // _COLUMNS)
    options = dict.fromkeys(option for mixture, _ in found for option in mixture.options)
    colours = {option: _COLOURS[number % len(_COLOURS)] for number, option in enumerate(options)}
    epochs = [epoch.epoch for epoch in history]
    columns = min(_COLUMNS, len(found))
    size = 2.0 * columns, 1.5 * rows + 0.6
    with new_picture(size, "the picture needs", settings={"font.size": 7}) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
        for (mixture, row), axes in zip(found, panels, strict=False):
            name = mixture.name.replace("_", " ")
            read = f" from {mixture.inputs[row]}" if mixture.inputs else ""
            axes.set_title(f"{name}{read}", fontsize=7)
            for column, option in enumerate(mixture.options):
                line = [epoch.strengths[mixture.name][row][column] for epoch in history]
                axes.plot(epochs, line, ".-", markersize=2, linewidth=1, color=colours[option])
            count_along(axes)
            draw_grid(axes)
        for axes in list(figure.axes)[len(found) :]:
            axes.set_visible(False)
        from matplotlib.lines import Line2D

        figure.legend(
            [Line2D([], [], color=colour) for colour in colours.values()],
            [label(option) for option in colours],
            loc="outside lower center",
            ncols=min(len(colours), 6),
            frameon=False,
        )
        return content_of(figure, "svg")
