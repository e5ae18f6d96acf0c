"""`nasdsl train --task detection`.

Purpose: flags to what `nasdsl.detection` takes, progress, and the result.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.cli import output, reading
from nasdsl.cli.output import INTERRUPTED, OK
from nasdsl.cli.seeds import print_seeds, seeds_from
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.detection.coco import CocoFolder
    from nasdsl.detection.epochs import DetectionEpoch
    from nasdsl.detection.seeds import DetectionSeed

#: Flags of classifiers that say nothing about a detector.
NOT_FOR_DETECTORS = (
    *("drop_background", "reset_classifier", "download", "no_scan", "precision"),
    *("accumulation", "compiled", "channels_last", "cuda_graph"),
)
_RECIPE = "detection_quick"
_DataOf = Callable[[str], "CocoFolder"]


def train(
    file: str | None,
    settings: Settings,
    out: str | None,
    resume: str | None,
    *,
    as_json: bool,
    recipe: str | None,
    **flags: Any,
) -> int:
    """Begin or continue the training of a detector, or of one for each of several seeds."""
    from nasdsl.detection.recipe import detection_recipe

    chosen = detection_recipe(recipe or _RECIPE, flags["changes"]) if resume is None else None
    from nasdsl.detection.coco import coco_folder
    from nasdsl.detection.precision import require_evaluation
    from nasdsl.detection.run import recorded_detection
    from nasdsl.detection.seeds import DetectionSeed, recorded_detection_seeds
    from nasdsl.train.results import Interrupted
    from nasdsl.train.run_folder import has_seeds

    require_evaluation()
    # Read once, however many runs there are.
    data_of = cache(coco_folder)
    if resume is None:
        assert file is not None
        assert out is not None
        path, runs = Path(out), _new_runs(file, settings, Path(out), chosen, flags, data_of)
    else:
        path = Path(resume)
        runs = (
            recorded_detection_seeds(path)
            if has_seeds(path)
            else [DetectionSeed(path, recorded_detection(path))]
        )
    try:
        if has_seeds(path):
            return _train_seeds(path, runs, flags, data_of, as_json)
        (run,) = runs
        return _print(run, _trained(run, flags, data_of)[-1], as_json)
    except Interrupted as interrupted:
        output.note(f"interrupted after step {interrupted.step}; everything is saved")
        output.note(f"to continue, run `nasdsl train --resume {path}`")
        return INTERRUPTED


def _new_runs(
    file: str, settings: Settings, out: Path, chosen: Any, flags: dict[str, Any], data_of: _DataOf
) -> "list[DetectionSeed]":
    from nasdsl.detection.run import begin_detection, plan_detection
    from nasdsl.detection.seeds import DetectionSeed, begin_detection_seeds
    from nasdsl.train.run_folder import RunFolder

    RunFolder(out).require_new()
    cells = reading.cells(file, flags["ops"])
    data = data_of(flags["data"])
    job = plan_detection(
        cells,
        data,
        chosen,
        settings,
        seed=flags["seed"],
        device=flags["device"],
        workers=flags["workers"],
        weights=_weights(flags),
        loggers=flags["loggers"],
    )
    output.warn(job.plan.network.warnings)
    for part in (data.train, data.val):
        if part is not None and part.left_out:
            output.note(f"note: {plural(part.left_out, 'annotation')} without an area left out")
    words, seeds = ["nasdsl", *sys.argv[1:]], flags["seeds"]
    if seeds is None:
        return [DetectionSeed(begin_detection(out, job, words), job)]
    return begin_detection_seeds(out, job, seeds_from(seeds, flags["seed"]), words)


def _weights(flags: dict[str, Any]) -> Any:
    from nasdsl.api.trained import WeightsFile
    from nasdsl.weights.files import require_weights

    if flags["weights"] is None:
        return None
    require_weights(Path(flags["weights"]))
    return WeightsFile(flags["weights"], flags["layout"])


def _trained(
    run: "DetectionSeed", flags: dict[str, Any], data_of: _DataOf
) -> "list[DetectionEpoch]":
    """Train a run, and show how far that is."""
    from nasdsl.cli.train_progress import close, view_for_terminal
    from nasdsl.detection.training import train_detection

    job, quiet = run.job, flags["quiet"]
    epochs, view = job.recipe.epochs, view_for_terminal(quiet)

    def show_epoch(epoch: "DetectionEpoch") -> None:
        view.finished(epoch.step, _epoch_line(epoch, epochs))

    def show_loss(step: int, loss: float) -> None:
        view.progressed(step, f"loss {loss:.4f}")

    data = data_of(job.data)
    if not quiet:
        output.note(f"{plural(len(job.names), 'kind')} of objects in {job.data}")
    try:
        return train_detection(
            run.path,
            job,
            data,
            save_seconds=60 * flags["save_minutes"],
            on_epoch=show_epoch,
            on_loss=show_loss,
            watchers=[view],
            tensorboard=flags["tensorboard"],
        )
    finally:
        close([view])


def _train_seeds(
    path: Path, runs: "list[DetectionSeed]", flags: dict[str, Any], data_of: _DataOf, as_json: bool
) -> int:
    from nasdsl.detection.seeds import MEASURES, means_of, train_detection_seeds

    def train_one(place: int, run: "DetectionSeed") -> "list[DetectionEpoch]":
        if not flags["quiet"]:
            output.note(f"{place}/{len(runs)}  seed {run.job.seed}")
        return _trained(run, flags, data_of)

    ended = train_detection_seeds(path, runs, train_one)
    members = None
    if as_json:
        members = {
            "task": "detection",
            "data": runs[0].job.data,
            "seeds": [_seed_members(run) for run in ended],
        }
    return print_seeds(path, [run.failure for run in ended], means_of(ended), MEASURES, members)


def _seed_members(run: "DetectionSeed") -> dict[str, Any]:
    return {
        "seed": run.job.seed,
        "run": os.fspath(run.path),
        "precision": None if run.last is None else run.last.precision,
        "failure": None if run.failure is None else run.failure.code,
    }


def _print(run: "DetectionSeed", last: "DetectionEpoch", as_json: bool) -> int:
    path = run.path
    if as_json:
        output.data_object(
            run=os.fspath(path),
            task="detection",
            seed=run.job.seed,
            data=run.job.data,
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
