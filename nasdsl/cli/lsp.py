"""`nasdsl lsp`: the language server."""

import gc
import logging
import os
import sys

import click

from nasdsl.cli.command import Command
from nasdsl.errors import cell_error, install_hint

_HOST = "127.0.0.1"


@click.command(
    "lsp",
    cls=Command,
    examples="""
        nasdsl lsp
        nasdsl lsp --tcp 2087
    """,
)
@click.option(
    "--tcp", "port", type=click.IntRange(1, 65535), help="Listen on this port instead of stdio."
)
@click.option("--host", default=_HOST, show_default=True, help="Address on which --tcp listens.")
@click.option("--log", is_flag=True, help="Log messages to standard error.")
def command(port: int | None, host: str, log: bool) -> None:
    """Run the language server, which editors start by themselves.

    It speaks the Language Server Protocol on standard input and output. docs/editors.md says how
    editors are set up. It needs the extra lsp.
    """
    if host != _HOST and port is None:
        raise click.UsageError("--host needs --tcp.")
    # Standard output belongs to the protocol.
    level = logging.DEBUG if log else logging.CRITICAL
    logging.basicConfig(stream=sys.stderr, level=level, format="%(name)s: %(message)s")
    try:
        import pygls  # noqa: F401 (whether it is installed)
    except ImportError:
        raise cell_error(
            "NAS701", "`nasdsl lsp` needs the package pygls", install_hint("lsp")
        ) from None
    from nasdsl.lsp.features import cell_server

    # The tree of a long text is many objects without cycles. Looking through them at every edit
    # takes longer than making them.
    gc.set_threshold(100_000, 50, 100)
    server = cell_server()
    if port is None:
        server.start_io()
        # A thread still waits for input, and Python would wait for the thread.
        sys.stderr.flush()
        os._exit(server.exit_code)
    else:
        try:
            server.start_tcp(host, port)
        except OSError as error:
            reason = error.strerror or error
            raise cell_error("NAS006", f"cannot listen on {host}:{port}: {reason}") from None
