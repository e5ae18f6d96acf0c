"""Pictures of trainings: loss and accuracy by epoch, in two panels side by side."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nasdsl.drawing import PictureFormat
from nasdsl.report.plots import content_of, count_along, draw_grid, new_picture, write_plain_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_and_accuracy(draw: "Callable[[Axes, Axes], None]", form: PictureFormat = "svg") -> bytes:
    """The picture as a file, the same for the same lines.

    Args:
        draw: draws the lines, labels and legend of the two panels: loss, on a logarithmic scale
            where it is not 0 throughout, and accuracy.
        form: of the file.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    with new_picture((8.4, 3.2), "curves need", extra="train") as picture:
        loss, accuracy = picture.subplots(1, 2)
        draw(loss, accuracy)
        # Nothing else can be on such a scale: with a single class, the loss is 0 throughout.
        if any(value > 0 for line in loss.lines for value in line.get_ydata()):
            loss.set_yscale("log")
        write_plain_numbers(loss.yaxis)
        for axes in (loss, accuracy):
            axes.set_xlabel("epoch")
            count_along(axes)
            draw_grid(axes)
        return content_of(picture, form)
