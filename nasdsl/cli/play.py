"""`nasdsl play`: the playground in a browser, with a text."""

import sys
import webbrowser
from pathlib import Path

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument
from nasdsl.errors import cell_error
from nasdsl.play.link import LONGEST, fragment, text_of
from nasdsl.play.server import FileServer, built_files, is_playground


@click.command(
    "play",
    cls=Command,
    examples="""
        nasdsl play nasnet_a
        nasdsl play my.cell --port 8000 --no-browser
        nasdsl play my.cell --at https://example.org/playground/
    """,
)
@file_argument()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on which this machine serves the page.  [default: a free port]",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option(
    "--files",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the playground's files.  [default: what `make playground` built]",
)
@click.option("--at", metavar="URL", help="Print a link to a playground elsewhere; serve nothing.")
def command(file: str, port: int, no_browser: bool, files: Path | None, at: str | None) -> None:
    """Open FILE in the playground: a page that checks, draws and counts it as it is typed.

    The page is served on this machine until Ctrl-C. The text is in the part of the address that
    browsers send nowhere, and nasdsl itself runs in the page, so nothing leaves the machine.
    Changes stay in the page; its menu saves them as a file.

    A text with mistakes opens too. The files of the page are built by `make playground` in a
    checkout of nasdsl.
    """
    if at is not None and not at.startswith(("https://", "http://")):
        raise click.UsageError("--at is an address that begins with https:// or http://.")
    folder = None if at is not None else _folder(files)
    source = reading.source(file)
    carried = fragment(source.text)
    if text_of(carried) is None:
        raise cell_error(
            "NAS004",
            f"{source.name!r:.200} is too long for a link, which carries {LONGEST:,} bytes",
        )
    if folder is None:
        output.data(f"{(at or '').partition('#')[0]}{carried}\n")
        return
    try:
        server = FileServer(folder, port)
    except OSError as error:
        raise cell_error("NAS006", f"cannot serve on port {port}: {error.strerror}") from None
    with server:
        output.data(f"{server.url}{carried}\n")
        sys.stdout.flush()
        output.note(f"serving {source.name} until Ctrl-C")
        sys.stderr.flush()
        if not no_browser:
            webbrowser.open(server.url + carried)
        server.wait()


def _folder(files: Path | None) -> Path:
    """Where the playground's files are.

    Raises:
        CellError: NAS001, there are none.
    """
    build = "`make playground` in a checkout of nasdsl builds them into playground/dist"
    if files is not None:
        if not is_playground(files):
            raise cell_error("NAS001", f"{str(files)!r:.200} has no playground in it", build)
        return files
    found = built_files()
    if found is None:
        raise cell_error(
            "NAS001",
            "the files of the playground are not here",
            build,
            "`--files DIR` says where they are, `--at URL` leads to a playground elsewhere",
        )
    return found
