"""`nasdsl sample`: seeded draws from a space."""

import os
from dataclasses import replace
from pathlib import Path

import click

from nasdsl.atomic_write import replace_text, write_errors
from nasdsl.canonical import canonical_hash
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument, json_option
from nasdsl.errors import cell_error, plural
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype
from nasdsl.space import sample


@click.command(
    "sample",
    cls=Command,
    examples="""
        nasdsl sample nasnet_space > one.cell
        nasdsl sample nasnet_space -n 100 --seed 7 -o samples
    """,
)
@file_argument("SPACE")
@click.option(
    "-n",
    "number",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="How many genotypes to draw.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option(
    "-o",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each genotype to a file in DIR.",
)
@json_option()
def command(space: str, number: int, seed: int, folder: Path | None, as_json: bool) -> None:
    """Draw random genotypes from a space. Every combination of decisions is equally likely.

    Without -o the genotypes go to standard output, separated by blank lines.
    """
    read = reading.space(space)
    width = len(str(max(number - 1, 0)))
    drawn = (
        replace(genotype, name=f"{read.name}_{index:0{width}}" if number > 1 else genotype.name)
        for index, genotype in enumerate(sample(read, number, seed))
    )
    if folder is not None:
        written = [_path_of_new_file(genotype, folder, space) for genotype in drawn]
        output.note(f"wrote {plural(len(written), 'file')} to {folder}")
        if as_json:
            output.data_object(space=read.name, seed=seed, files=written)
    elif as_json:
        output.data_object(space=read.name, seed=seed, genotypes=list(map(json_genotype, drawn)))
    else:
        for index, genotype in enumerate(drawn):
            output.data(("\n" if index else "") + genotype_text(genotype))


def json_genotype(genotype: Genotype) -> dict[str, str]:
    """A genotype as scripts get it."""
    text = genotype_text(genotype)
    return {"name": genotype.name, "hash": canonical_hash(genotype), "text": text}


def _path_of_new_file(genotype: Genotype, folder: Path, space: str) -> str:
    """Write a file, but not in the place of the space, which may have the genotype's name."""
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{genotype.name}.cell"
    if path.exists() and os.path.exists(space) and path.samefile(space):
        raise cell_error(
            "NAS006",
            f"cannot write {str(path)!r}: the space is in this file",
            "`-o DIR` with another folder keeps both",
        )
    replace_text(path, genotype_text(genotype))
    return str(path)
