"""`nasdsl search top`: the best networks of a search, as .cell texts."""

from pathlib import Path

import click

from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command
from nasdsl.cli.writing import replace_text
from nasdsl.errors import cell_error


@click.command(
    "top",
    cls=Command,
    examples="""
        nasdsl search top s1.db
        nasdsl search top s1.db -n 5 -o best
    """,
)
@click.argument("store", metavar="STORE", type=click.Path())
@click.option("-n", "count", type=click.IntRange(1), default=1, show_default=True, help="How many.")
@click.option("-o", "folder", metavar="DIR", help="Write a file each: 001.cell and so on.")
@json_option()
def command(store: str, count: int, folder: str | None, as_json: bool) -> None:
    """Print the best unique networks of a search, the best first, with their scores in comments."""
    from nasdsl.cli.searching import commented, summary
    from nasdsl.search.store import Reader

    with Reader(Path(store)) as opened:
        best = opened.best(count)
    if as_json:
        output.data_object(store=store, best=[summary(trial) for trial in best])
        return
    if folder is None:
        output.data("\n".join(commented(trial) for trial in best))
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise cell_error("NAS006", f"cannot make the folder {folder!r}: {reason}") from None
    width = max(3, len(str(len(best))))
    for place, trial in enumerate(best, 1):
        replace_text(Path(folder) / f"{place:0{width}}.cell", commented(trial))
    output.note(f"wrote {len(best)} files to {folder}")
