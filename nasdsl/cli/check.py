"""`nasdsl check`: every mistake of every file."""

import sys

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument
from nasdsl.errors import CellError, Diagnostic
from nasdsl.loading import analyse

FORMATS = ("text", "json", "github", "sarif")


@click.command(
    "check",
    cls=Command,
    examples="""
        nasdsl check my_cell.cell
        nasdsl check nasnet_a *.cell --format github
        cat my_cell.cell | nasdsl check -
    """,
)
@file_argument(several=True)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Output format.  [default: text]"
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors: exit with code 1.")
def command(file: tuple[str, ...], form: str | None, as_json: bool, strict: bool) -> int:
    """Report every mistake in .cell files.

    Findings go to standard output. The exit code is 0 if there are no errors, 1 if there are
    errors, and 2 if a file cannot be read.
    """
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} cannot be combined.")
    found = [finding for name in file for finding in findings(name)]
    _write(found, "json" if as_json else form or "text")
    errors = [finding for finding in found if finding.is_error]
    if not found:
        names = ", ".join(file) if len(file) < 4 else f"{len(file)} files"
        output.note(f"{names}: no findings")
    elif strict and not errors:
        output.note("warnings are treated as errors (--strict)")
    if any(finding.source is None for finding in errors):
        return 2
    return 1 if errors or (strict and found) else 0


def findings(name: str) -> tuple[Diagnostic, ...]:
    """What is wrong with a FILE argument, that it cannot be read included."""
    try:
        return analyse(reading.source(name)).diagnostics
    except CellError as error:
        return error.diagnostics


def _write(found: list[Diagnostic], form: str) -> None:
    if form == "text":
        output.report(found, sys.stdout)
        return
    from nasdsl import __version__, report

    if form == "json":
        output.data(report.as_json(found))
    elif form == "github":
        output.data(report.as_github(found))
    else:
        output.data(report.as_sarif(found, __version__))
