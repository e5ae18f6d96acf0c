"""The report of a detector's training: its result, and a line for each epoch.

Purpose: `report.md`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasdsl.detection.run import DetectionJob
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.detection.epochs import DetectionEpoch


def detection_report(job: DetectionJob, history: Sequence["DetectionEpoch"]) -> str:
    """The report as Markdown."""
    plan, network = job.plan, job.plan.network.configuration
    lines = [
        f"# {visible(plan.graph.name)} {network.size}, detector `{plan.style}`",
        "",
        f"Data `{visible(job.data)}` with {len(job.names)} kinds of objects, recipe "
        f"`{job.recipe.name}`, seed {job.seed}.",
        "",
        "| epoch | loss | AP | AP50 | AP75 | learning rate | seconds |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in history:
        found = each.precision or {}
        figures = [_percent(found.get(name)) for name in ("ap", "ap50", "ap75")]
        lines.append(
            f"| {each.epoch} | {each.loss:.4f} | {' | '.join(figures)} "
            f"| {each.learning_rate:.3g} | {each.seconds:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
