"""`report.md` and `curves.svg`: a run for people to read.

The result, curves of loss and accuracy by epoch, a table of epochs, and the commands that
reproduce the run.
"""

import csv
import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.atomic_write import atomic_write
from nasdsl.errors import CellError, plural
from nasdsl.report.visible import visible
from nasdsl.train.curves import loss_and_accuracy
from nasdsl.train.planning import RunPlan
from nasdsl.train.recipe_file import recipe_toml
from nasdsl.train.results import Confusion, Epoch, Evaluation, Fitted
from nasdsl.train.run_folder import (
    CONFUSION,
    CURVES,
    MODEL,
    REPORT,
    RESULTS,
    Job,
    RunFolder,
    write_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The most rows in the table of epochs.
_MAX_ROWS = 20
#: The most classes whose confusions the report shows; and characters of their names.
_MAX_COLUMNS, _MAX_NAME = 12, 40


def write_report(folder: RunFolder, plan: RunPlan, fitted: Fitted) -> None:
    """Write `report.md`, `results.json`, and `curves.svg` if matplotlib is installed."""
    has_curves = write_curves(folder.path, [fitted.history])
    if fitted.confusion is not None:
        write_text(folder / CONFUSION, confusion_csv(fitted.confusion))
    write_text(folder / RESULTS, results_json(fitted))
    write_text(folder / REPORT, report(plan, fitted, has_curves=has_curves))


def write_curves(folder: Path, histories: Sequence[Sequence[Epoch]]) -> bool:
    """Write `curves.svg` if matplotlib is installed and there are any; whether it was written."""
    if not histories:
        return False
    try:
        picture = curves(histories)
    except CellError:
        return False
    with atomic_write(folder / CURVES) as temporary:
        temporary.write_bytes(picture)
    return True


def results_json(fitted: Fitted) -> str:
    """How good the network is, for programs: null where there are no such images."""
    parts = {"held_out": fitted.held_out, "test": fitted.test}
    found = {name: None if part is None else asdict(part) for name, part in parts.items()}
    return json.dumps(found, indent=2) + "\n"


def report(plan: RunPlan, fitted: Fitted, has_curves: bool) -> str:
    """The text, in Markdown."""
    job, name = plan.job, plan.graph.name
    parts = [
        f"# {name} on {visible(job.data)}, recipe {job.recipe.name}, seed {job.seed}",
        _results(fitted),
        *(f"**Warning {found.code}**: {found.message}." for found in fitted.findings),
        f"![Loss and accuracy by epoch]({CURVES})" if has_curves else "",
        _table(fitted.history),
        *_classes(fitted),
        "## How to reproduce it",
        _commands(name, job),
        "## The recipe",
        f"```toml\n{recipe_toml(job.recipe).rstrip()}\n```",
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
    return "\n".join(
        [
            *lines,
            f"- {plural(fitted.steps, 'step')}, {plural(len(fitted.history), 'epoch')}, {took}",
        ]
    )


def _result(what: str, found: Evaluation) -> str:
    return (
        f"- {what}: **{found.accuracy:.2%}** of {plural(found.images, 'image')}, "
        f"loss {found.loss:.4f}, top 5 {found.accuracy_top5:.2%}"
    )


def _classes(fitted: Fitted) -> list[str]:
    """The accuracy of each class, and which are taken for which."""
    found = fitted.confusion
    if found is None or not any(map(sum, found.counts)):
        return []
    labels, part = found.labels, "test images" if fitted.test else "held-out images"
    order = [index for index, accuracy in enumerate(found.accuracies) if accuracy is not None]
    order.sort(key=lambda index: found.accuracies[index] or 0)
    rows = ["| class | images | accuracy | most often taken for |", "|---|---:|---:|---|"]
    for index in order[:_MAX_ROWS]:
        row = found.counts[index]
        others = [0 if other == index else count for other, count in enumerate(row)]
        wrong = max(range(len(row)), key=others.__getitem__)
        most = f"{_cell(labels[wrong])} ({others[wrong]:,})" if others[wrong] else ""
        share = f"{row[index] / sum(row):.2%}"
        rows.append(f"| {_cell(labels[index])} | {sum(row):,} | {share} | {most} |")
    more = len(order) - _MAX_ROWS
    rest = f" The other {more:,} do better." if more > 0 else ""
    text = f"Of the {part}, the worst first.{rest} [{CONFUSION}]({CONFUSION}) has all counts."
    parts = ["## Classes", text, "\n".join(rows)]
    if len(labels) <= _MAX_COLUMNS:
        heads = [_cell(label) for label in labels]
        matrix = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
        matrix += [
            f"| **{head}** | {' | '.join(map(str, row))} |"
            for head, row in zip(heads, found.counts, strict=True)
        ]
        parts += ["Images of a class (rows), by what they are taken for:", "\n".join(matrix)]
    return parts


def _cell(text: str) -> str:
    """A name in a cell of a table."""
    return visible(text).replace("|", "\\|")[:_MAX_NAME]


def confusion_csv(found: Confusion) -> str:
    """The counts with their labels, as a spreadsheet reads them."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", *found.labels])
    writer.writerows([label, *row] for label, row in zip(found.labels, found.counts, strict=True))
    return text.getvalue()


def _table(history: Sequence[Epoch]) -> str:
    """The epochs, evenly thinned out if there are many, always with the last."""
    stride = -(-len(history) // _MAX_ROWS)
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


def _commands(name: str, job: Job) -> str:
    data = visible(shlex.quote(job.data))
    return (
        "In this folder:\n\n"
        "```sh\n"
        f"nasdsl train network.cell --data {data} --recipe recipe.toml "
        f"--seed {job.seed}{_weights_flags(job)} --out again\n"
        f"nasdsl eval . --data {data}\n"
        f"nasdsl compile {MODEL} -o {name}.onnx\n"
        "```"
    )


def _weights_flags(job: Job) -> str:
    """The flags that name what a run started from."""
    start = job.weights
    if start is None:
        return ""
    words = ["--weights", start.path, "--layout", start.layout]
    words += ["--drop-background"] * start.drop_background
    words += ["--reset-classifier"] * start.reset_classifier
    return " " + shlex.join(words)


_TRAINING, _HELD_OUT = "#7d7f86", "#2f66a3"


def curves(histories: Sequence[Sequence[Epoch]]) -> bytes:
    """The picture as SVG, the same for the same histories, with a line for each of them.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """

    def draw(loss: "Axes", accuracy: "Axes") -> None:
        for history in histories:
            _lines(loss, history, "loss")
            _lines(accuracy, history, "accuracy")
        loss.set_ylabel("loss (nats)")
        accuracy.set_ylabel("accuracy (%)")
        handles, labels = accuracy.get_legend_handles_labels()
        by_label = dict(zip(labels, handles, strict=True))
        accuracy.legend(by_label.values(), by_label.keys(), frameon=False, loc="lower right")

    return loss_and_accuracy(draw)


def _lines(axes: "Axes", history: Sequence[Epoch], what: str) -> None:
    scale = 100 if what == "accuracy" else 1
    style: dict[str, Any] = {"linewidth": 1.2}
    axes.plot(
        [epoch.epoch for epoch in history],
        [scale * getattr(epoch, what) for epoch in history],
        color=_TRAINING,
        label="training",
        **style,
    )
    measured = [epoch for epoch in history if epoch.held_out is not None]
    if measured:
        axes.plot(
            [epoch.epoch for epoch in measured],
            [scale * getattr(epoch.held_out, what) for epoch in measured],
            color=_HELD_OUT,
            label="held out",
            **style,
        )
