"""`nasdsl convert`: genotypes from and to the formats of other tools."""

from importlib.resources import files
from pathlib import Path

import click

from nasdsl.atomic_write import replace_text
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import complete_file
from nasdsl.errors import Source
from nasdsl.interop.formats import FORMATS
from nasdsl.language.parser.read import read_file
from nasdsl.loading import is_library_name

_FORMAT = click.Choice(list(FORMATS))


def _print_formats(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        width = max(map(len, FORMATS))
        for name, form in FORMATS.usable().items():
            output.data(f"{name:<{width}}  {form.title}\n")
        ctx.exit()


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
        nasdsl convert nasnet_a --to slim
        nasdsl convert arch.txt --from enas -o enas.cell
        nasdsl convert found.cell --to darts --strict
    """,
)
@click.argument("file", metavar="FILE", shell_complete=complete_file)
@click.option("--from", "source_format", type=_FORMAT, help="Format of FILE.  [default: detected]")
@click.option("--to", "target_format", type=_FORMAT, help="Format to write.  [default: cell]")
@click.option("--name", metavar="NAME", help="Genotype to convert, if FILE has several.")
@click.option("--space", metavar="SPACE", help="Space that a DNA belongs to.")
@click.option("--strict", is_flag=True, help="Fail if something cannot be converted.")
@click.option("-o", "out", metavar="OUT", help="File to write.  [default: standard output]")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_formats,
    help="List the formats and exit.",
)
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of json and yaml and exit.",
)
def command(
    file: str,
    source_format: str | None,
    target_format: str | None,
    name: str | None,
    space: str | None,
    strict: bool,
    out: str | None,
) -> None:
    """Convert a genotype from one format to another.

    The format of FILE is detected automatically; if it is ambiguous, --from must name it. Python
    files are parsed and never run. The result goes to standard output. Whatever cannot be
    converted is reported on standard error.
    """
    # Imported here because `--help` and `--list` should not wait for them.
    from nasdsl import interop

    source = _source(file)
    target = target_format or _format_of_path(out) or "cell"
    around = None if space is None else reading.space(space)
    stem = None if source.name.startswith("<") else Path(source.name).stem
    read = interop.read(source, source_format, name=name or stem, space=around)
    genotype = interop.chosen(read, name)
    written = interop.write(genotype, target, space=around)
    told = (*read.findings, *written.findings)
    problem = interop.refused(told) if strict else None
    if problem is not None:
        raise problem
    output.warn(told)
    if out is None:
        output.data(written.text)
        return
    replace_text(out, written.text)
    output.note(f"wrote {out}")


def _source(name: str) -> Source:
    """The text of FILE, whatever its format: a library entry, standard input, or a file."""
    if name == "-" or is_library_name(name) or name.lower().endswith((".cell", ".safetensors")):
        return reading.source(name)
    return read_file(name) if Path(name).exists() else reading.source(name)


def _format_of_path(out: str | None) -> str | None:
    """The format that the suffix of an output file means, where it means one."""
    endings = {".cell": "cell", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}
    return None if out is None else endings.get(Path(out).suffix.lower())
