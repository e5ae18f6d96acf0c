"""The picture of a one-shot search: how strong each option was, by epoch."""

from collections.abc import Sequence
from typing import Any

from nasdsl.language.genotype.types import CellSpace, Hidden, Space
from nasdsl.oneshot.mixing import Mixture, mixtures
from nasdsl.report.plots import COLOURS, content_of, count_along, draw_grid, label, new_picture
from nasdsl.report.visible import visible

_COLOURS = (*COLOURS, "#b03a6b", "#2a8c8c")
_COLUMNS, _MOST = 5, 100


def _title(cell: CellSpace, mixture: Mixture, row: int) -> str:
    """Which choice a panel shows, with the names that the space's text has."""
    names = [visible(block.name) for block in cell.blocks]
    title = f"{cell.kind} {names[mixture.block]}"
    if mixture.word != "edge":
        title += f" {mixture.word}"
    if not mixture.inputs:
        return title
    word, number = mixture.inputs[row][0], int(mixture.inputs[row][1:])
    return f"{title} from {Hidden(number) if word == 'h' else names[number]}"


def strengths_picture(history: Sequence[Any], space: Space) -> bytes:
    """A panel for each choice, with a line for each option, as SVG; the same for the same numbers.

    Args:
        history: the epochs (`nasdsl.oneshot.watching.SearchEpoch`), at least one.
        space: which was searched.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    found = [
        (_title(cell, mixture, row), mixture, row)
        for cell in space.cells
        for mixture in mixtures(cell)
        if mixture.name in history[0].strengths
        for row in range(max(len(mixture.inputs), 1))
    ][:_MOST]
    rows = -(-len(found) // _COLUMNS)
    options = dict.fromkeys(option for _, mixture, _ in found for option in mixture.options)
    colours = {option: _COLOURS[number % len(_COLOURS)] for number, option in enumerate(options)}
    epochs = [epoch.epoch for epoch in history]
    columns = min(_COLUMNS, len(found))
    size = 2.0 * columns, 1.5 * rows + 0.6
    with new_picture(size, "the picture needs", settings={"font.size": 7}) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
        for (title, mixture, row), axes in zip(found, panels, strict=False):
            axes.set_title(title, fontsize=7)
            for column, option in enumerate(mixture.options):
                line = [epoch.strengths[mixture.name][row][column] for epoch in history]
                axes.plot(epochs, line, ".-", markersize=2, linewidth=1, color=colours[option])
            count_along(axes)
            draw_grid(axes)
        every = list(figure.axes)
        for axes in every[len(found) :]:
            axes.set_visible(False)
        # The lowest that is seen of each column has numbers.
        for axes in every[max(len(found) - columns, 0) : len(found)]:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("epoch")
        figure.supylabel("strength", fontsize=7)
        from matplotlib.lines import Line2D

        figure.legend(
            [Line2D([], [], color=colour) for colour in colours.values()],
            [label(option) for option in colours],
            loc="outside lower center",
            ncols=min(len(colours), 6),
            frameon=False,
        )
        return content_of(figure, "svg")
