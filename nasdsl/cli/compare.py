"""`nasdsl compare`: runs side by side."""

from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import json_option
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.train.comparison import ComparedRun


@click.command(
    "compare",
    cls=Command,
    examples="""
        nasdsl compare runs/a runs/b
        nasdsl compare runs/five runs/other -o curves.svg
    """,
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "out",
    metavar="OUT",
    type=click.Path(),
    help="File to write the curves to: .svg, .png or .pdf.",
)
@json_option()
def command(runs: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Compare runs: their results, and the settings that differ.

    RUN may also be the folder of `nasdsl train --seeds`, which stands for its runs; their mean is
    printed below the table. Runs need not be finished. Accuracies are of the images held out, after
    the last epoch and after the best one, and of the test images at the end. OUT has the curves of
    all runs in one picture.
    """
    # Imported here because --help should not wait for them.
    from nasdsl.atomic_write import replace_bytes, require_writable
    from nasdsl.drawing import PLOT_FORMATS, form_of
    from nasdsl.train.comparison import (
        compared_runs,
        comparison_curves,
        differing_settings,
        means_of,
    )

    form = None if out is None else form_of(out, PLOT_FORMATS)
    if out is not None:
        require_writable(out)
    groups = [(path, compared_runs(path)) for path in runs]
    found = [run for _, group in groups for run in group]
    means = {path: means_of(group) for path, group in groups if len(group) > 1}
    differing = differing_settings(found)
    if out is not None and form is not None:
        replace_bytes(out, comparison_curves(found, form))
        output.note(f"wrote {out}")
    if as_json:
        output.data_object(
            runs=[_members(run) for run in found],
            differing=differing,
            means={
                path: {part: mean._asdict() for part, mean in parts.items()}
                for path, parts in means.items()
            },
        )
        return
    rows: list[tuple[str, ...]] = [("run", "epochs", "held out", "best", "test", "finished")]
    rows += [
        (
            run.path,
            f"{len(run.history)}/{run.settings['recipe.epochs']}",
            _percent(run.held_out),
            _percent(run.best),
            _percent(run.test),
            "yes" if run.finished else "no",
        )
        for run in found
    ]
    output.data(_table(rows))
    for path, parts in means.items():
        for part, mean in parts.items():
            output.data(f"{visible(path)}, {part.replace('_', ' ')}: {mean}\n")
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
        "test": run.test,
        "history": [epoch.as_members() for epoch in run.history],
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _value_text(value: object) -> str:
    return "" if value is None else str(value)


def _table(rows: list[tuple[str, ...]]) -> str:
    """Columns of equal width, the first a heading."""
    from rich.cells import cell_len

    safe = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*safe, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in safe
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
