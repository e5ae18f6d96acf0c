"""Where a picture goes: a file, standard output, or a file of a name it is given.

Purpose: one rule for `nasdsl render` and `nasdsl plot`. `-o` decides where there is one, its
suffix the format. Without it a pipe gets the picture, and a terminal, which cannot show one,
a word about the file it was written to.
Non-goals: pictures.
"""

import sys
from typing import Any, cast

import click

from nasdsl.atomic_write import replace_bytes
from nasdsl.cli import output
from nasdsl.cli.options import Decorator, Words
from nasdsl.drawing import PICTURE_FORMATS, PictureFormat, form_of
from nasdsl.drawing.rendering import suffixes


def output_options(forms: tuple[PictureFormat, ...] = PICTURE_FORMATS) -> Decorator:
    """`-o` and `--format`, passed on as `out` and `form`."""

    def decorated(command: Any) -> Any:
        named = click.option(
            "-o",
            "out",
            metavar="OUT",
            type=click.Path(),
            help=f"File to write, {suffixes(forms)}; - is standard output.",
        )
        kind = click.option(
            "--format",
            "form",
            type=Words(forms),
            help="Format, if the suffix of OUT does not say it.  [default: svg]",
        )
        return named(kind(command))

    return decorated


def wanted_form(
    out: str | None, form: str | None, forms: tuple[PictureFormat, ...] = PICTURE_FORMATS
) -> PictureFormat:
    """The format a picture is wanted in: `--format`, else the suffix of `-o`, else SVG.

    Raises:
        CellError: the suffix is not that of a format, and no format was named (NAS712).
    """
    if form is not None:
        return cast(PictureFormat, form)
    if out is None or out == "-":
        return "svg"
    return form_of(out, forms, "`--format` names the format of a file of any name")


def deliver(content: bytes, form: PictureFormat, out: str | None, stem: str) -> None:
    """Put a picture where it belongs; `stem` names the file where nothing else does.

    Raises:
        CellError: it cannot be written (NAS006).
    """
    if out == "-" or (out is None and not sys.stdout.isatty()):
        output.data_bytes(content)
        return
    path = f"{stem}.{form}" if out is None else out
    replace_bytes(path, content)
    output.note(f"wrote {path}")
