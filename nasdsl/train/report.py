"""`report.md`: a run for people.

Purpose: the result, the curves, a table of epochs, and how to do it again.
Non-goals: comparing runs.
"""

from collections.abc import Sequence

from nasdsl.atomic_write import replacing
from nasdsl.errors import CellError
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import loads
from nasdsl.train.curves import curves
from nasdsl.train.recipe_file import resolved_text
from nasdsl.train.results import Epoch, Evaluation, Fitted
from nasdsl.train.run_folder import CURVES, MODEL, REPORT, Job, RunFolder, write_text

#: Rows of the table of epochs, at most.
_ROWS = 20


def write_report(folder: RunFolder, job: Job, fitted: Fitted) -> None:
    """Write `report.md`, and `curves.svg` where matplotlib is installed."""
    try:
        picture: bytes | None = curves([fitted.history])
    except CellError:
        picture = None
    if picture is not None:
        with replacing(folder / CURVES) as beside:
            beside.write_bytes(picture)
    write_text(folder / REPORT, report(job, fitted, has_curves=picture is not None))


def report(job: Job, fitted: Fitted, has_curves: bool) -> str:
    """The text, in Markdown."""
    genotype = loads(job.network)
    parts = [
        f"# {genotype.name} on {job.data}, recipe {job.recipe.name}, seed {job.seed}",
        _results(fitted),
        f"![Loss and accuracy by epoch]({CURVES})" if has_curves else "",
        _table(fitted.history),
        "## Again",
        _again(genotype, job),
        "## The recipe",
        f"```toml\n{resolved_text(job.recipe).rstrip()}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _results(fitted: Fitted) -> str:
    lines = [
        _result(what, found)
        for what, found in (("Held out", fitted.held_out), ("Test", fitted.test))
        if found is not None
    ]
    minutes, seconds = divmod(round(fitted.seconds), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return "\n".join([*lines, f"- {fitted.steps:,} steps, {len(fitted.history)} epochs, {took}"])


def _result(what: str, found: Evaluation) -> str:
    return (
        f"- {what}: **{found.accuracy:.2%}** of {found.images:,} images, "
        f"loss {found.loss:.4f}, top 5 {found.accuracy_top5:.2%}"
    )


def _table(history: Sequence[Epoch]) -> str:
    """Epochs, evenly thinned out where there are many; the last is always there."""
    stride = -(-len(history) // _ROWS)
    shown = [epoch for epoch in history if (len(history) - epoch.epoch) % max(stride, 1) == 0]
    rows = [
        "| epoch | loss | accuracy | held out | learning rate | keep | images/s |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {epoch.epoch} | {epoch.loss:.4f} | {epoch.accuracy:.2%} "
        f"| {f'{epoch.held_out.accuracy:.2%}' if epoch.held_out else ''} "
        f"| {epoch.learning_rate:.3g} | {epoch.keep:.3f} | {epoch.images_per_second:,.0f} |"
        for epoch in shown
    ]
    return "\n".join(rows)


def _again(genotype: Genotype, job: Job) -> str:
    return (
        "In this folder:\n\n"
        "```sh\n"
        f"nasdsl train network.cell --data {job.data} --recipe recipe.toml "
        f"--seed {job.seed} --out again\n"
        f"nasdsl eval . --data {job.data}\n"
        f"nasdsl compile {MODEL} -o {genotype.name}.onnx\n"
        "```"
    )
