"""`nasdsl check`: every mistake of every file."""

import sys
from collections.abc import Iterator

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.files import matching_files, refuse_unchangeable
from nasdsl.cli.options import Words, file_argument
from nasdsl.errors import CellError, Diagnostic, Source, cell_error, plural
from nasdsl.language.fixes import fixed_text, safe_fixes
from nasdsl.language.parser.read import is_model
from nasdsl.loading import Analysis, analyse

#: One fix may show the next mistake; nothing hand-written needs more rounds.
_MAX_ROUNDS = 20
FORMATS = ("text", "json", "github", "sarif")


@click.command(
    "check",
    cls=Command,
    examples="""
        nasdsl check my_cell.cell
        nasdsl check cells --fix
        nasdsl check nasnet_a *.cell --format github
        cat my_cell.cell | nasdsl check -
    """,
)
@file_argument(several=True)
@click.option("--format", "form", type=Words(FORMATS), help="Output format.  [default: text]")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors: exit with code 1.")
@click.option("--fix", is_flag=True, help="Apply safe fixes to the files, and report what is left.")
def command(file: tuple[str, ...], form: str | None, as_json: bool, strict: bool, fix: bool) -> int:
    """Report every mistake in .cell files.

    If FILE is a folder, every .cell file in it is checked. With --fix, mistakes that can only
    mean one thing, such as a missing comma, are corrected in the file.

    Findings go to standard output. The exit code is 0 if there are no errors, 1 if there are
    errors, and 2 if a file cannot be read.
    """
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} cannot be combined.")
    if fix:
        refuse_unchangeable(file)
        if "-" in file:
            raise click.UsageError("--fix needs a file; standard input cannot be changed.")
    found = [finding for name in file for finding in findings(name, fix=fix)]
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


def findings(name: str, *, fix: bool = False) -> Iterator[Diagnostic]:
    """What is wrong with the files of a FILE argument, including that one cannot be read.

    Args:
        name: the argument.
        fix: whether to apply safe fixes first.
    """
    try:
        files = matching_files(name)
    except CellError as error:
        yield from error.diagnostics
        return
    for each in files:
        try:
            yield from (
                _analysis_after_fixes(each) if fix else analyse(reading.source(each))
            ).diagnostics
        except CellError as error:
            yield from error.diagnostics


def _analysis_after_fixes(name: str) -> Analysis:
    """The analysis of a file after its safe fixes, which are written to it."""
    if is_model(name):
        raise cell_error("NAS006", f"{name!r} is a model, and only .cell files are fixed")
    source = before = reading.source(name)
    analysis, count = analyse(source), 0
    for _ in range(_MAX_ROUNDS):
        fixes = safe_fixes(analysis.diagnostics)
        if not fixes:
            break
        source = Source(name, fixed_text(source.text, fixes))
        analysis, count = analyse(source), count + len(fixes)
    if source.text != before.text:
        from nasdsl.atomic_write import replace_text

        replace_text(name, source.text)
        output.note(f"{name}: {plural(count, 'mistake')} fixed")
    return analysis


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
