"""Curves of one or several trainings, as an SVG picture.

Purpose: loss and accuracy by epoch, on the training and the held-out images.
Non-goals: anything interactive; TensorBoard has that.

matplotlib takes long to import, so it is imported on use.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from nasdsl.errors import cell_error, install_hint
from nasdsl.train.results import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRAINING, _HELD_OUT = "#7d7f86", "#2f66a3"


def curves(histories: Sequence[Sequence[Epoch]]) -> bytes:
    """The picture's bytes, the same for the same histories; a line for each of them.

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
        for history in histories:
            _lines(loss, history, "loss")
            _lines(accuracy, history, "accuracy")
        loss.set_yscale("log")
        loss.set_ylabel("loss (nats)")
        accuracy.set_ylabel("accuracy (%)")
        for axes in (loss, accuracy):
            axes.set_xlabel("epoch")
            axes.grid(True, color="#e4e4e8", linewidth=0.5)
            axes.spines[["top", "right"]].set_visible(False)
        handles, labels = accuracy.get_legend_handles_labels()
        by_label = dict(zip(labels, handles, strict=True))
        accuracy.legend(by_label.values(), by_label.keys(), frameon=False, loc="lower right")
        content = BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def _lines(axes: "Axes", history: Sequence[Epoch], what: str) -> None:
    scale = 100 if what == "accuracy" else 1
    style: dict[str, Any] = {"linewidth": 1.2}
    axes.plot(
        [epoch.epoch for epoch in history],
        [scale * getattr(epoch, what) for epoch in history],
        color=_TRAINING,
        label="training",
        **style,
    )
    measured = [epoch for epoch in history if epoch.held_out is not None]
    if measured:
        axes.plot(
            [epoch.epoch for epoch in measured],
            [scale * getattr(epoch.held_out, what) for epoch in measured],
            color=_HELD_OUT,
            label="held out",
            **style,
        )
