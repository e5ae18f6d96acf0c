"""Where output goes, and what may stand in it.

Purpose: data to standard output, commentary to standard error, colour where it is welcome.
Non-goals: tables (`nasdsl.cli.cost` draws its own).
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import click

from nasdsl.errors import Diagnostic
from nasdsl.report.visible import visible

#: Exit codes.
OK, FINDINGS, USAGE, BUG, INTERRUPTED, BROKEN_PIPE, TERMINATED = 0, 1, 2, 70, 130, 141, 143
#: Of the JSON objects.
VERSION = 1


def data(text: str) -> None:
    """Write `text` to standard output; click takes its styles away where none are welcome."""
    click.echo(text, nl=False, color=colour_wish())


def data_row(beginning: str, text: str) -> None:
    """Write a row that ends with a text: in the width of a terminal, or as one line elsewhere."""
    if sys.stdout.isatty():
        # Imported here because most output has no such rows.
        import shutil
        import textwrap

        indent = len(click.unstyle(beginning))
        width = max(shutil.get_terminal_size().columns, indent + 20)
        lines = textwrap.wrap(text, width - indent, break_on_hyphens=False)
        text = f"\n{'':{indent}}".join(lines)
    data(f"{beginning}{text}\n")


def data_bytes(content: bytes) -> None:
    """Write `content` to standard output as it is, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def data_object(**members: Any) -> None:
    """Write a JSON object to standard output; its first key is `version`.

    A number that is not finite, such as the loss of a network that has diverged, is null: JSON has
    no word for it.
    """
    found: object = {"version": VERSION, **members}
    try:
        text = json.dumps(found, indent=2, allow_nan=False)
    except ValueError:
        plain = json.loads(json.dumps(found), parse_constant=lambda word: None)
        text = json.dumps(plain, indent=2)
    data(f"{text}\n")


def data_csv(rows: Iterable[Sequence[object]]) -> None:
    """Write CSV to standard output: as it is for programs, and spelt out for a terminal."""
    import csv
    import io

    shown = visible if sys.stdout.isatty() else str
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([shown(str(cell)) for cell in row] for row in rows)
    data(text.getvalue())


def note(text: str) -> None:
    """Write commentary to standard error, with whatever could drive a terminal spelt out."""
    click.echo("\n".join(map(visible, text.split("\n"))), err=True)


def warn(findings: Iterable[Diagnostic]) -> None:
    """Report what is worth knowing about an input that is used all the same."""
    report([finding for finding in findings if not finding.is_error])


def report(findings: Sequence[Diagnostic], stream: TextIO | None = None) -> None:
    """Write findings for people, to standard error unless another stream is given."""
    if not findings:
        return
    from nasdsl.report import as_text

    stream = sys.stderr if stream is None else stream
    text = as_text(findings, colour=colour(stream), limit=_limit(stream))
    click.echo(text, file=stream, nl=False, color=colour(stream))


def clock(seconds: float) -> str:
    """A duration as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def colour(stream: TextIO) -> bool:
    """Whether ANSI codes are welcome on a stream."""
    wish = colour_wish()
    return stream.isatty() if wish is None else wish


def colour_wish() -> bool | None:
    """What NO_COLOR and FORCE_COLOR say about colour; None leaves it to each stream."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def forgive_encodings() -> None:
    """A character that a stream cannot hold is written as an escape, not raised about."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _limit(stream: TextIO) -> int:
    from nasdsl.report.text import LIMIT

    if not stream.isatty():
        return LIMIT
    # A gutter of up to eight columns stands before a source line.
    # Imported here because it brings every kind of compression along.
    import shutil

    return max(60, shutil.get_terminal_size((LIMIT + 8, 24)).columns - 8)
