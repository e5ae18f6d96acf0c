"""`nasdsl fmt`: .cell files in the one style."""

import difflib
from collections.abc import Iterator

import click

from nasdsl.atomic_write import replace_text
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.files import matching_files, refuse_unchangeable
from nasdsl.cli.options import file_argument
from nasdsl.errors import CellError, Source, cell_error, plural
from nasdsl.language.parser import parse
from nasdsl.language.parser.read import is_model
from nasdsl.language.printer.format import formatted_text
from nasdsl.report.visible import visible


@click.command(
    "fmt",
    cls=Command,
    examples="""
        nasdsl fmt my_cell.cell
        nasdsl fmt --check cells
        nasdsl fmt --diff *.cell
        nasdsl fmt - < rough.cell > fine.cell
    """,
)
@file_argument(several=True)
@click.option(
    "--check",
    is_flag=True,
    help="List the files that would change, and exit with code 1; write nothing.",
)
@click.option(
    "--diff",
    "show_diff",
    is_flag=True,
    help="Show what would change, and exit with code 1 if anything would; write nothing.",
)
def command(file: tuple[str, ...], check: bool, show_diff: bool) -> int:
    """Format .cell files in place.

    Comments stay where they are, and formatting a formatted file changes nothing. A file with
    syntax errors is reported and not changed. If FILE is a folder, every .cell file in it is
    formatted. If FILE is -, the text is read from standard input
    and the result goes to standard output.
    """
    if not (check or show_diff):
        refuse_unchangeable(file)
    code, changed, names = 0, 0, list[str]()
    for name in file:
        try:
            names += matching_files(name)
        except CellError as error:
            code = max(code, _exit_code(error))
    for name in names:
        try:
            source, text = _source_and_text(name)
        except CellError as error:
            code = max(code, _exit_code(error))
            continue
        differs = text != source.text
        changed += differs
        if show_diff:
            output.data(_diff(source, text))
        elif check:
            output.data(f"{visible(source.name)}\n" if differs else "")
        elif name == "-":
            # UTF-8 and bare newlines, whatever the platform prefers: it is a file's content.
            output.data_bytes(text.encode("utf-8"))
        elif differs:
            try:
                replace_text(name, text)
            except CellError as error:
                code = max(code, _exit_code(error))
                continue
            output.note(f"formatted {name}")
    if (check or show_diff) and changed:
        output.note(f"{changed} of {plural(len(names), 'file')} would be formatted")
        code = max(code, 1)
    return code


def _exit_code(error: CellError) -> int:
    """The exit code of an error, after it was reported."""
    from nasdsl.cli.run import code_of

    output.report(error.diagnostics)
    return code_of(error)


def _source_and_text(name: str) -> tuple[Source, str]:
    if is_model(name):
        # Its text could be read, but writing it back would replace the weights.
        raise cell_error("NAS006", f"{name!r} is a model, and only .cell files are formatted")
    source = reading.source(name)
    parsed = parse(source)
    if any(finding.is_error for finding in parsed.diagnostics):
        raise CellError(parsed.diagnostics)
    return source, formatted_text(parsed)


def _diff(source: Source, text: str) -> str:
    return "".join(_diff_lines(source, text))


def _diff_lines(source: Source, text: str) -> Iterator[str]:
    # The parser has refused every other character that ends a line.
    before, after = (each.splitlines(keepends=True) for each in (source.text, text))
    styles = {"+": "green", "-": "red", "@": "cyan"}
    name = visible(source.name)
    for line in difflib.unified_diff(before, after, name, f"{name} (formatted)"):
        # A tab stays, so that a difference can be applied.
        shown = "\t".join(map(visible, line.removesuffix("\n").split("\t")))
        colour = styles.get(shown[:1])
        yield (click.style(shown, fg=colour) if colour else shown) + "\n"
        if not line.endswith("\n"):
            yield "\\ No newline at end of file\n"
