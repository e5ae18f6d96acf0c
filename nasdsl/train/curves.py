"""Pictures of trainings: loss and accuracy by epoch, in two panels side by side."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from nasdsl.errors import cell_error, install_hint

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_and_accuracy(draw: "Callable[[Axes, Axes], None]") -> bytes:
    """The picture as SVG, the same for the same lines.

    Args:
        draw: draws the lines, labels and legend of the two panels: loss, on a logarithmic scale,
            and accuracy.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise cell_error(
            "NAS701",
            "curves need matplotlib, which is not installed",
            install_hint("train"),
        ) from None
    settings: dict[Any, Any] = {"svg.hashsalt": "nasdsl", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(8.4, 3.2), facecolor="white", layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        draw(loss, accuracy)
        loss.set_yscale("log")
        for axes in (loss, accuracy):
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(True, color="#e4e4e8", linewidth=0.5)
            axes.spines[["top", "right"]].set_visible(False)
        content = BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()
