"""What all plots share: colours, frames, and bytes that do not depend on the day."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from nasdsl.errors import cell_error, install_hint
from nasdsl.report.visible import visible

#: Of one line after the other.
COLOURS = ("#2f66a3", "#c2562d", "#3c8a4e", "#7a4fa3", "#8a6d1d", "#4b4d55")
#: More points than that become one image, because they would make the file of a picture large.
_MAX_POINTS = 2000
#: More points than that are drawn smaller, so that they do not hide each other.
_MANY = 200


@contextmanager
def new_picture(
    size: tuple[float, float],
    who: str = "the figure needs",
    *,
    extra: str = "plot",
    background: str = "white",
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """A matplotlib figure, to be filled in the block.

    Args:
        size: width and height in inches.
        who: needs matplotlib, with the verb.
        extra: brings it.
        background: the colour of what it stands on.
        settings: more of matplotlib's settings.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise cell_error(
            "NAS701",
            f"{who} matplotlib, which is not installed",
            install_hint(extra),
        ) from None
    wanted: dict[Any, Any] = {"svg.hashsalt": "nasdsl", "font.size": 9, **(settings or {})}
    with matplotlib.rc_context(wanted):
        yield Figure(figsize=size, facecolor=background, layout="constrained")


def frame(axes: Any, across: str, up: str) -> None:
    """Name the axes, and draw a grid in place of a box."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    draw_grid(axes)


def draw_grid(axes: Any) -> None:
    """A grid in place of a box."""
    axes.grid(True, color="#e4e4e8", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def draw_points(axes: Any, across: Sequence[float], up: Sequence[float], colour: str) -> None:
    """Single results, behind the lines that sum them up."""
    size, is_image = 5 if len(up) > _MANY else 16, len(up) > _MAX_POINTS
    axes.scatter(across, up, size, colour, alpha=0.4, lw=0, rasterized=is_image)


def add_legend_below(picture: Any, *entries: Any, columns: int, **style: Any) -> None:
    """A legend under all axes, in no more columns than fit; what is wider would be cut off.

    Args:
        picture: the figure, in which everything else is drawn.
        *entries: lines and their names; those of the axes where there are none.
        columns: the most there may be.
        **style: as matplotlib has it.
    """
    for count in range(columns, 0, -1):
        legend = picture.legend(
            *entries, loc="outside lower center", ncols=count, frameon=False, **style
        )
        if count == 1 or legend.get_window_extent().width <= picture.bbox.width:
            return
        legend.remove()


def count_along(axes: Any) -> None:
    """Number whole things from left to right, once everything is drawn.

    There is no epoch 1.5, and a line that has only one point yet is a dot.
    """
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    for line in axes.lines:
        if len(line.get_xydata()) == 1:
            line.set_marker("o")


def write_plain_numbers(axis: Any) -> None:
    """Write 2.5 and not 2.5 x 10^0 along a logarithmic axis, once everything is drawn."""
    axis.set_major_formatter("{x:,g}")
    least, most = axis.get_view_interval()
    axis.set_minor_formatter("{x:,g}" if most < 10 * least else "")


def content_of(picture: Any, format: str, dpi: int = 160) -> bytes:
    """The picture as a file."""
    content = BytesIO()
    no_date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    picture.savefig(content, format=format, dpi=dpi, metadata=no_date.get(format))
    return content.getvalue()


def label(name: str) -> str:
    """A name as matplotlib draws it as text, in legends too.

    A part between dollars would be a formula, and a legend leaves out what begins with `_`: a
    hair space stands before it.
    """
    shown = visible(name).replace("$", r"\$")
    return f"\u200a{shown}" if shown.startswith("_") else shown
