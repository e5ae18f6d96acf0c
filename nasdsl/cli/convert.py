"""`nasdsl convert`: genotypes from and to the formats of other tools."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasdsl.atomic_write import replace_text
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_file
from nasdsl.cli.options import Words, json_option
from nasdsl.errors import Source
from nasdsl.interop.formats import FORMATS
from nasdsl.language.parser.read import read_file
from nasdsl.loading import is_library_name
from nasdsl.report.visible import shortened, visible

if TYPE_CHECKING:
    from nasdsl.interop import ForeignGenotypes

_FORMAT = Words(list(FORMATS))
#: How much of a genotype's name a list shows.
_MAX_NAME = 40


def _print_schema(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        text = files("nasdsl.interop").joinpath("genotype.schema.json").read_text("utf-8")
        output.data(text)
        ctx.exit()


@click.command(
    "convert",
    cls=Command,
    examples="""
        nasdsl convert genotypes.py --name DARTS_V2
        nasdsl convert --list search.log
        nasdsl convert search.log --last -o found.cell
        nasdsl convert nasnet_a --to slim
        nasdsl convert found.cell --to darts --strict
    """,
)
@click.argument("file", metavar="FILE", shell_complete=complete_file, required=False)
@click.option("--from", "source_format", type=_FORMAT, help="Format of FILE.  [default: detected]")
@click.option("--to", "target_format", type=_FORMAT, help="Format to write.  [default: cell]")
@click.option("--name", metavar="NAME", help="Convert the genotype of FILE with this name.")
@click.option(
    "--number", metavar="N", type=int, help="Convert the genotype with this number in --list."
)
@click.option("--line", metavar="N", type=int, help="Convert the genotype on this line of FILE.")
@click.option("--last", is_flag=True, help="Convert the last genotype of FILE, or of that name.")
@click.option("--space", metavar="SPACE", help="Space that the DNA in FILE belongs to.")
@click.option("--strict", is_flag=True, help="Fail if something cannot be converted.")
@click.option("-o", "out", metavar="OUT", help="File to write.  [default: standard output]")
@click.option(
    "--list",
    "lists",
    is_flag=True,
    help="List the genotypes of FILE with their numbers; without FILE, the formats.",
)
@json_option("With --list, print a JSON object.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of json and yaml and exit.",
)
@click.pass_context
def command(
    ctx: click.Context,
    file: str | None,
    source_format: str | None,
    target_format: str | None,
    name: str | None,
    number: int | None,
    line: int | None,
    last: bool,
    space: str | None,
    strict: bool,
    out: str | None,
    lists: bool,
    as_json: bool,
) -> None:
    """Convert a genotype from one format to another.

    The format of FILE is detected automatically; if it is ambiguous, --from must name it. Python
    files are parsed and never run. If FILE has several genotypes, --name, --number, --line or
    --last chooses one. The result goes to standard output. Whatever cannot be converted is
    reported on standard error.
    """
    # Imported here because `--help` and `--list` should not wait for them.
    from nasdsl import interop

    if as_json and not lists:
        raise click.UsageError("--json is for --list.", ctx)
    if file is None:
        if not lists:
            raise click.MissingParameter(ctx=ctx, param=ctx.command.params[0])
        _print_formats(as_json)
        return
    source = _source(file)
    target = target_format or _format_of_path(out) or "cell"
    around = None if space is None else reading.space(space)
    stem = None if source.name.startswith("<") else Path(source.name).stem
    held = interop.find(source, source_format, name=name or stem, space=around)
    if lists:
        _print_genotypes(held, as_json)
        return
    genotype, findings = held.read(held.choose(name, number=number, line=line, last=last))
    written = interop.write(genotype, target, space=around)
    findings = (*findings, *written.findings)
    problem = interop.losses_as_errors(findings) if strict else None
    if problem is not None:
        raise problem
    output.warn(findings)
    if out is None:
        output.data(written.text)
        return
    replace_text(out, written.text)
    output.note(f"wrote {out}")


def _print_formats(as_json: bool) -> None:
    formats = FORMATS.usable()
    if as_json:
        output.data_object(
            formats=[{"name": name, "title": form.title} for name, form in formats.items()]
        )
        return
    width = max(map(len, formats))
    for name, form in formats.items():
        output.data_row(f"{name:<{width}}  ", form.title)


def _print_genotypes(held: "ForeignGenotypes", as_json: bool) -> None:
    """Number, name and line of every genotype, and why it cannot be read where it cannot."""
    rows = [
        (number, label, held.line(entry), held.problem(entry))
        for number, (label, entry) in enumerate(zip(held.labels(), held.entries, strict=True), 1)
    ]
    if as_json:
        found = [
            {"number": number, "name": name or None, "line": line, "problem": problem or None}
            for number, name, line, problem in rows
        ]
        output.data_object(format=held.format, genotypes=found)
        return
    names = [visible(shortened(name or "-", _MAX_NAME)) for _, name, _, _ in rows]
    widths = max(map(len, names)), len(str(rows[-1][0])), len(str(rows[-1][2]))
    for (number, _, line, problem), name in zip(rows, names, strict=True):
        text = f"cannot be read: {visible(problem)}" if problem else "readable"
        output.data_row(
            f"{number:>{widths[1]}}  {name:<{widths[0]}}  line {line:<{widths[2]}}  ", text
        )


def _source(name: str) -> Source:
    """The text of FILE, whatever its format: a library entry, standard input, or a file."""
    if name == "-" or is_library_name(name) or name.lower().endswith((".cell", ".safetensors")):
        return reading.source(name)
    return read_file(name) if Path(name).exists() else reading.source(name)


def _format_of_path(out: str | None) -> str | None:
    """The format that the suffix of an output file means, where it means one."""
    endings = {".cell": "cell", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}
    return None if out is None else endings.get(Path(out).suffix.lower())
