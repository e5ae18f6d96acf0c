"""`nasdsl search plot`: the best networks against the number evaluated."""

from pathlib import Path

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.writing import replace_bytes
from nasdsl.errors import cell_error


@click.command(
    "plot",
    cls=Command,
    examples="""
        nasdsl search plot s1.db -o figure6.svg
        nasdsl search plot ppo.db random.db -o compared.png
    """,
)
@click.argument("stores", metavar="STORE...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "out", metavar="OUT", required=True, help="An .svg, .png or .pdf file.")
def command(stores: tuple[str, ...], out: str) -> None:
    """Draw the paper's Figure 6: the best network, and the means of the 5 and 25 best, so far.

    Networks are counted once however often they are proposed.
    """
    from nasdsl.search.figures import FORMATS, figure, unique_rewards
    from nasdsl.search.store import Reader

    format = Path(out).suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise cell_error("NAS712", f"{out!r} is no picture", f"there are {', '.join(FORMATS)}")
    searches = {}
    # Stores of one name in different folders are told apart by their paths.
    stems = [Path(path).stem for path in stores]
    for path, stem in zip(stores, stems, strict=True):
        with Reader(Path(path)) as store:
            shown = stem if stems.count(stem) == 1 else path
            name = f"{store.settings().get('algorithm')} ({shown})"
            searches[name] = unique_rewards(store.trials())
    replace_bytes(out, figure(searches, format))
    output.note(f"wrote {out}")
