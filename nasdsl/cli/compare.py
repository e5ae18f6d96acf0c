"""`nasdsl compare`: runs side by side."""

from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import json_option

if TYPE_CHECKING:
    from nasdsl.train.comparison import ComparedRun


@click.command(
    "compare",
    cls=Command,
    examples="""
        nasdsl compare runs/a runs/b
        nasdsl compare runs/five/seed-* -o curves.svg
    """,
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o", "out", metavar="OUT", type=click.Path(), help="SVG file to write the curves to."
)
@json_option()
def command(runs: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Compare runs: their results, and the settings that differ.

    Runs need not be finished. Accuracies are of the images held out, after the last epoch and
    after the best one. OUT is one picture with the curves of all runs.
    """
    # Imported here because --help should not wait for them.
    from nasdsl.atomic_write import replace_bytes, require_writable
    from nasdsl.train.comparison import compared_run, comparison_curves, differing_settings

    if out is not None and not out.lower().endswith(".svg"):
        raise click.UsageError(f"-o writes .svg, not {out[:60]!r}.")
    if out is not None:
        require_writable(out)
    found = [compared_run(path) for path in runs]
    differing = differing_settings(found)
    if out is not None:
        replace_bytes(out, comparison_curves(found))
        output.note(f"wrote {out}")
    if as_json:
        output.data_object(runs=[_members(run) for run in found], differing=differing)
        return
    rows: list[tuple[str, ...]] = [("run", "epochs", "held out", "best", "finished")]
    rows += [
        (
            run.path,
            f"{len(run.history)}/{run.settings['recipe.epochs']}",
            _percent(run.held_out),
            _percent(run.best),
            "yes" if run.finished else "no",
        )
        for run in found
    ]
    output.data(_table(rows))
    if differing:
        rows = [("setting", *(run.path for run in found))]
        rows += [(name, *map(_value_text, values)) for name, values in differing.items()]
        output.data(f"\n{_table(rows)}")
    elif len(found) > 1:
        output.note("the settings are the same")


def _members(run: "ComparedRun") -> dict[str, Any]:
    """What scripts get."""
    return {
        "run": run.path,
        "epochs": len(run.history),
        "finished": run.finished,
        "held_out": run.held_out,
        "best": run.best,
        "history": [epoch.as_members() for epoch in run.history],
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _value_text(value: object) -> str:
    return "" if value is None else str(value)


def _table(rows: list[tuple[str, ...]]) -> str:
    """Columns of equal width, the first a heading."""
    from rich.cells import cell_len

    from nasdsl.report.visible import visible

    safe = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*safe, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in safe
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
