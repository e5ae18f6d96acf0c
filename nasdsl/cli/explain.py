"""`nasdsl explain`: what an error code means."""

import shutil
import sys
import textwrap
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import json_option
from nasdsl.errors import CODES
from nasdsl.errors.explain import explanation
from nasdsl.report.visible import visible_source

_WIDTH = 80


def complete_code(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The codes, with their titles."""
    start = incomplete.upper()
    return [
        CompletionItem(code, help=row.title)
        for code, row in CODES.items()
        if code.startswith(start)
    ]


@click.command(
    "explain",
    cls=Command,
    examples="""
        nasdsl explain NAS201
        nasdsl explain
    """,
)
@click.argument("code", shell_complete=complete_code, required=False)
@json_option()
def command(code: str | None, as_json: bool) -> None:
    """Explain an error code: what it means, why it matters, and how to fix it.

    Without CODE, all codes are listed.
    """
    if code is None:
        _list(as_json)
        return
    text = explanation(code)
    name = text[2:8]
    title, severity = CODES[name]
    if as_json:
        output.data_object(code=name, title=title, severity=severity, text=text)
        return
    output.data("".join(f"{line}\n" for line in _lines(text)))


def _list(as_json: bool) -> None:
    if as_json:
        output.data_object(
            codes=[
                {"code": code, "title": row.title, "severity": row.severity}
                for code, row in CODES.items()
            ]
        )
        return
    for code, row in CODES.items():
        warning = " (warning)" if row.severity == "warning" else ""
        output.data_row(f"{click.style(code, bold=True)}  ", f"{row.title}{warning}")


def _lines(text: str) -> Iterator[str]:
    """Headings in bold, paragraphs in lines of a readable length, examples as they are."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    in_example = False
    for line in text.rstrip("\n").split("\n"):
        shown = visible_source(line)
        if line.startswith("```"):
            in_example = not in_example
        elif in_example:
            yield f"    {shown}".rstrip()
        elif line.startswith("#"):
            yield click.style(shown.lstrip("# "), bold=True)
        else:
            yield textwrap.fill(shown, min(columns, _WIDTH), break_on_hyphens=False)
