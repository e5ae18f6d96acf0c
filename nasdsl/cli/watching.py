"""`nasdsl render --watch`: draw again whenever a file changes.

Purpose: look at the files a few times a second, and put every change on a page.
Non-goals: serving (`nasdsl.drawing.live`).

Files are looked at rather than listened to, which works on every system, in containers and
on network drives alike.
"""

import time
from typing import TYPE_CHECKING

import click

from nasdsl.cli import output, reading
from nasdsl.cli.writing import replace_bytes
from nasdsl.drawing import Form, Options, rendered, svg
from nasdsl.drawing.live import LivePage, Shown
from nasdsl.drawing.rendering import ensure_dot
from nasdsl.drawing.themes import theme
from nasdsl.errors import CellError, cell_error
from nasdsl.report import as_text

if TYPE_CHECKING:
    from nasdsl.cli.render import Request

_INTERVAL = 0.25

Stamp = tuple[tuple[str, int, int], ...]


def watched(request: "Request", options: Options, out: str | None, form: Form, port: int) -> None:
    """Serve the picture and keep it up to date; ends with an interruption only.

    Raises:
        CellError: Graphviz is missing, or the first picture cannot be written.
        KeyboardInterrupt: as it came.
    """
    if "-" in request.files:
        raise click.UsageError("--watch follows a file, and standard input is none.")
    if out == "-":
        raise click.UsageError("--watch writes to a file; -o - has no end.")
    ensure_dot()
    for name in request.files:
        reading.source(name)
    look = theme(options.theme)
    stamp = _stamp(request)
    shown = _drawn(request, options, out, form, Shown(""))
    title = " and ".join(request.files)
    try:
        live = LivePage(title, shown, port=port, colours=(look.background, look.letters))
    except OSError as error:
        raise cell_error("NAS006", f"cannot serve on port {port}: {error.strerror}") from None
    with live:
        output.note(f"{live.url} shows {title}, until Ctrl-C")
        while True:
            time.sleep(_INTERVAL)
            now = _stamp(request)
            if now != stamp:
                stamp = now
                live.show(_drawn(request, options, out, form, live.shown))


def _stamp(request: "Request") -> Stamp:
    """What changes when a file does."""
    found = []
    for folder in request.watched:
        for path in sorted(folder.glob("*.cell")):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def _drawn(
    request: "Request", options: Options, out: str | None, form: Form, before: Shown
) -> Shown:
    """The picture of the files as they are; with mistakes in them, those and the last picture."""
    try:
        drawing, _ = request.drawing(options)
        made = svg(drawing)
        if out is not None:
            replace_bytes(out, rendered(drawing, form))
    except CellError as error:
        output.report(error.diagnostics)
        return Shown(before.svg, as_text(error.diagnostics, colour=False))
    output.note(f"drawn at {time.strftime('%H:%M:%S')}")
    return Shown(made)
