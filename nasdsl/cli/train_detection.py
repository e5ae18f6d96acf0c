"""`nasdsl train --task detection` and `nasdsl eval` of such a run.

Purpose: flags to what `nasdsl.detection` takes, progress, and the result.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.output import INTERRUPTED, OK
from nasdsl.errors import cell_error, plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.detection.run import DetectionJob
    from nasdsl.detection.training import DetectionEpoch

#: Flags of classifiers that say nothing about a detector.
NOT_FOR_DETECTORS = (
    *("seeds", "drop_background", "reset_classifier", "download", "no_scan", "precision"),
    *("accumulation", "compiled", "channels_last", "loggers", "no_tensorboard"),
)
#: The same of an evaluation; a detector is evaluated in PyTorch, on the part `val`.
NOT_FOR_EVALUATION = ("recipe", "split", "network", "runtime", "dtype", "threads")
_RECIPE = "detection_quick"


def train(
    file: str | None,
    settings: Settings,
    out: str | None,
    resume: str | None,
    *,
    save_minutes: float,
    quiet: bool,
    as_json: bool,
    recipe: str | None,
    **flags: Any,
) -> int:
    """Begin or continue the training of a detector."""
    from nasdsl.detection.recipe import detection_recipe

    chosen = detection_recipe(recipe or _RECIPE, flags["changes"]) if resume is None else None
    from nasdsl.detection.coco import coco_folder
    from nasdsl.detection.precision import require_evaluation
    from nasdsl.detection.run import begin_detection, plan_detection, recorded_detection
    from nasdsl.train.run_folder import RunFolder

    require_evaluation()
    if resume is None:
        assert file is not None
        assert out is not None
        assert chosen is not None
        RunFolder(out).require_new()
        cells = reading.cells(file, flags["ops"])
        data = coco_folder(flags["data"])
        job = plan_detection(
            cells,
            data,
            chosen,
            settings,
            seed=flags["seed"],
            device=flags["device"],
            workers=flags["workers"],
            weights=_weights(flags),
        )
        output.warn(job.plan.network.warnings)
        for part in (data.train, data.val):
            if part is not None and part.left_out:
                output.note(f"note: {plural(part.left_out, 'annotation')} without an area left out")
        path = begin_detection(out, job, ["nasdsl", *sys.argv[1:]])
    else:
        path = Path(resume)
        job = recorded_detection(path)
        data = coco_folder(job.data)
    return _trained(path, job, data, save_minutes, quiet, as_json)


def _weights(flags: dict[str, Any]) -> Any:
    from nasdsl.api.trained import WeightsFile
    from nasdsl.weights.files import require_weights

    if flags["weights"] is None:
        return None
    require_weights(Path(flags["weights"]))
    return WeightsFile(flags["weights"], flags["layout"])


def _trained(
    path: Path, job: "DetectionJob", data: Any, save_minutes: float, quiet: bool, as_json: bool
) -> int:
    from nasdsl.cli.train_progress import close, view_for_terminal
    from nasdsl.detection.training import train_detection
    from nasdsl.train.loop import Interrupted

    epochs, view = job.recipe.epochs, view_for_terminal(quiet)

    def show_epoch(epoch: "DetectionEpoch") -> None:
        view.finished(epoch.step, _epoch_line(epoch, epochs))

    def show_loss(step: int, loss: float, rate: float) -> None:
        view.stepped(step, rate)
        view.progressed(step, f"loss {loss:.4f}")

    if not quiet:
        output.note(f"{plural(len(job.names), 'kind')} of objects in {job.data}")
    try:
        history = train_detection(
            path,
            job,
            data,
            save_seconds=60 * save_minutes,
            on_epoch=show_epoch,
            on_start=view.started,
            on_loss=show_loss,
        )
    except Interrupted as interrupted:
        close([view])
        output.note(f"interrupted after step {interrupted.step}; everything is saved")
        output.note(f"to continue, run `nasdsl train --resume {path}`")
        return INTERRUPTED
    finally:
        close([view])
    last = history[-1]
    if as_json:
        output.data_object(
            run=os.fspath(path),
            task="detection",
            seed=job.seed,
            data=job.data,
            epochs=last.epoch,
            steps=last.step,
            precision=last.precision,
            model=os.fspath(path / "model.safetensors"),
        )
        return OK
    if last.precision is not None:
        output.data(f"{_figures(last.precision)}\n")
    for what, name in (("model", "model.safetensors"), ("report", "report.md")):
        output.data(f"{what:<9} {visible(os.fspath(path / name))}\n")
    return OK


def _epoch_line(epoch: "DetectionEpoch", epochs: int) -> str:
    line = f"epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.4f}"
    if epoch.precision is not None:
        line += f"  {_figures(epoch.precision)}"
    return f"{line}  {epoch.seconds:.1f} s"


def _figures(precision: dict[str, float | None]) -> str:
    named = (("AP", "ap"), ("AP50", "ap50"), ("AP75", "ap75"))
    shown = ((title, precision[name]) for title, name in named)
    return "  ".join(f"{title} {value:.2%}" for title, value in shown if value is not None)


def evaluate(what: str, data: str | None, device: str | None, as_json: bool) -> None:
    """Print COCO's figures of a run's detector, or of a model file's."""
    from nasdsl.detection.precision import average_precision, require_evaluation

    require_evaluation()
    from nasdsl.detection.coco import coco_folder
    from nasdsl.detection.model_file import read_detector
    from nasdsl.detection.run import MODEL, recorded_detection
    from nasdsl.detection.training import detections, memory_errors, usable_device

    path = Path(what)
    job = recorded_detection(path)
    if not (path / MODEL).is_file():
        raise cell_error(
            "NAS843",
            f"the run in {what!r} is not finished",
            f"`nasdsl train --resume {what}` continues it; metrics.jsonl has its figures so far",
        )
    found = coco_folder(data or job.data)
    if found.names != job.names:
        raise cell_error(
            "NAS955",
            f"the categories of `{found.name}` are not those of the run",
            f"the detector knows {len(job.names)} kinds of objects",
        )
    part = found.val
    if part is None:
        raise cell_error("NAS847", f"`{found.name}` has no part to evaluate on")
    chosen = usable_device(device)
    trained = read_detector(path / MODEL)
    with memory_errors():
        seen = detections(trained.detector.to(chosen), part, chosen)
    precision = average_precision(part, found.numbers, seen)
    if as_json:
        output.data_object(
            network=job.plan.graph.name,
            data=found.name,
            split="val",
            images=len(part),
            **precision._asdict(),
        )
        return
    output.data(f"{job.plan.graph.name} on {visible(found.name)}, {plural(len(part), 'image')}\n")
    for name, value in precision._asdict().items():
        shown = "-" if value is None else click.style(f"{value:.2%}", bold=name == "ap")
        output.data(f"{name:<9} {shown}\n")
