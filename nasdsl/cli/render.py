"""`nasdsl render`: pictures of cells, spaces, networks and differences."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from nasdsl.atomic_write import replace_bytes
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import Words, file_argument, ops_option, preset_option, settings_options
from nasdsl.cli.picture_output import deliver, output_options, wanted_form
from nasdsl.drawing import (
    DIRECTIONS,
    THEMES,
    Drawing,
    DrawingOptions,
    PictureFormat,
    cells_drawing,
    difference_drawing,
    network_drawing,
    picture_bytes,
    svg,
)
from nasdsl.drawing.live import LiveContent, LivePage, changes
from nasdsl.drawing.rendering import require_dot
from nasdsl.drawing.themes import find_theme
from nasdsl.errors import CellError, cell_error, plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.report import as_text


@click.command(
    "render",
    cls=Command,
    examples="""
        nasdsl render nasnet_a -o nasnet_a.svg
        nasdsl render my_cell.cell --watch
        nasdsl render nasnet_a --network --N 6 --filters 4032 --stem imagenet -o network.pdf
        nasdsl render --diff nasnet_a nasnet_a_unused -o change.png
        nasdsl render nasnet_space --legend --theme dark -o space.svg
    """,
)
@file_argument(several=True)
@output_options()
@click.option("--network", is_flag=True, help="Draw the stack of cells instead of the cells.")
@click.option("--space", "as_space", is_flag=True, help="Draw a genotype the way spaces are drawn.")
@click.option("--diff", is_flag=True, help="Draw the differences between two files, A and B.")
@click.option(
    "--theme", type=Words(THEMES), default="light", show_default=True, help="Colour theme."
)
@click.option(
    "--direction",
    type=Words(DIRECTIONS),
    default="up",
    show_default=True,
    help="Direction in which the states flow; `up` puts the inputs at the bottom.",
)
@click.option("--legend", is_flag=True, help="Explain the colours.")
@click.option("--title", is_flag=True, help="Write the name of FILE's genotype above its cells.")
@click.option("--names", is_flag=True, help="Write the names of the blocks on their combines.")
@click.option("--watch", is_flag=True, help="Show the picture on a page that follows the file.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port of the page that --watch serves.  [default: a free port]",
)
@preset_option
@settings_options
@ops_option
def command(
    file: tuple[str, ...],
    out: str | None,
    form: str | None,
    network: bool,
    as_space: bool,
    diff: bool,
    theme: str,
    direction: str,
    legend: bool,
    title: bool,
    names: bool,
    watch: bool,
    port: int | None,
    settings: Settings,
    ops: str | None,
) -> None:
    """Draw the cells of FILE, in the style of the NASNet paper's Figure 4.

    Without -o the picture is written as SVG to standard output, or, on a terminal, to a file
    named after the genotype. A file with holes is drawn as a space.

    With --watch, a page served on this machine shows the picture and follows changes to the file
    until Ctrl-C; -o is rewritten as well.

    Every format except .dot needs Graphviz.
    """
    _ensure_compatible(file, network, as_space, diff, settings, ops)
    if port is not None and not watch:
        raise click.UsageError("--port requires --watch.")
    if (title or names) and (network or diff):
        flag = "--title" if title else "--names"
        raise click.UsageError(f"{flag} is for cells; leave out --network and --diff.")
    options = DrawingOptions(theme, direction, legend, title, names)  # type: ignore[arg-type]
    wanted = wanted_form(out, form)

    def draw() -> tuple[Drawing, str]:
        """The drawing, and what a file of it may be called."""
        if diff:
            a, b = (reading.genotype(name, ops) for name in file)
            return difference_drawing(a, b, options), f"{a.name}_and_{b.name}"
        if network:
            graph = reading.network(file[0], settings, ops)
            return network_drawing(graph, options), f"{graph.name}_network"
        space = reading.space(file[0]) if ops is None else reading.genotype(file[0], ops)
        return cells_drawing(space, options, as_space=as_space), space.name

    if watch:
        _watch(file, draw, options, out, wanted, port or 0)
        return
    drawing, stem = draw()
    _tell(drawing)
    deliver(picture_bytes(drawing, wanted), wanted, out, stem)


def _tell(drawing: Drawing) -> None:
    for remark in drawing.remarks:
        output.note(f"note: {remark}")


def _ensure_compatible(
    files: tuple[str, ...],
    network: bool,
    as_space: bool,
    diff: bool,
    settings: Settings,
    ops: str | None,
) -> None:
    """Refuse flags and files that contradict one another."""
    kinds = {"--network": network, "--space": as_space, "--diff": diff}
    flags = [flag for flag, given in kinds.items() if given]
    if len(flags) > 1:
        raise click.UsageError(f"{flags[0]} and {flags[1]} cannot be combined.")
    if len(files) != (2 if diff else 1):
        wanted = "two files, A and B" if diff else "one file (--diff takes two)"
        given = f"{plural(len(files), 'file')} {'was' if len(files) == 1 else 'were'}"
        raise click.UsageError(f"expected {wanted}, but {given} given.")
    if as_space and ops is not None:
        raise click.UsageError("--ops is for genotypes and cannot be combined with --space.")
    if settings.given() and not network:
        flag = next(iter(settings.given())).replace("_", "-")
        raise click.UsageError(f"--{flag} describes a network; use it with --network.")


# -- following changes --------------------------------------------------------------------


def _watch(
    files: tuple[str, ...],
    draw: Callable[[], tuple[Drawing, str]],
    options: DrawingOptions,
    out: str | None,
    form: PictureFormat,
    port: int,
) -> None:
    """Serve the picture and keep it up to date, until an interruption."""
    if "-" in files:
        raise click.UsageError("--watch needs a file; standard input cannot be watched.")
    if out == "-":
        raise click.UsageError("--watch cannot write to standard output; -o needs a file.")
    require_dot()
    for name in files:
        reading.source(name)

    def drawn(before: LiveContent) -> LiveContent:
        """The picture as the files are now; if they have mistakes, those and the last picture."""
        try:
            drawing, _ = draw()
            _tell(drawing)
            shown = LiveContent(svg(drawing))
            if out is not None:
                replace_bytes(out, picture_bytes(drawing, form))
        except CellError as error:
            output.report(error.diagnostics)
            return LiveContent(before.svg, as_text(error.diagnostics, colour=False))
        output.note(f"drawn at {time.strftime('%H:%M:%S')}")
        return shown

    # A vocabulary may lie beside a file.
    followed = changes([Path(name).resolve().parent for name in files])
    look = find_theme(options.theme)
    title, shown = " and ".join(files), drawn(LiveContent(""))
    try:
        live = LivePage(title, shown, port=port, colours=(look.background, look.letters))
    except OSError as error:
        raise cell_error("NAS006", f"cannot serve on port {port}: {error.strerror}") from None
    with live:
        output.note(f"showing {title} at {live.url}; press Ctrl-C to stop")
        sys.stderr.flush()
        for _ in followed:
            live.show(drawn(live.shown))
