"""`nasdsl eval` of a detector's run.

Purpose: COCO's figures of a run, or of the runs of several seeds.
"""

import os
from pathlib import Path
from typing import Any

import click

from nasdsl.cli import output
from nasdsl.errors import cell_error, plural
from nasdsl.memory import memory_errors
from nasdsl.report.visible import visible

#: Flags of classifiers; a detector is evaluated in PyTorch, on the part `val`.
NOT_FOR_EVALUATION = ("recipe", "split", "network", "runtime", "dtype", "threads")


def evaluate(what: str, data: str | None, device: str | None, as_json: bool) -> None:
    """Print COCO's figures of a run's detector; of several seeds, those of each and their mean."""
    from nasdsl.detection.precision import require_evaluation

    require_evaluation()
    from nasdsl.train.run_folder import has_seeds, seed_folders

    if not has_seeds(what):
        found = _evaluated(Path(what), data, device)
        if as_json:
            output.data_object(**found)
        else:
            _print_figures(found)
        return
    from nasdsl.detection.seeds import MEASURES
    from nasdsl.train.results import mean_of

    every = []
    for folder in seed_folders(what):
        every.append({"run": os.fspath(folder.path), **_evaluated(folder.path, data, device)})
        if not as_json:
            output.data(f"{visible(os.fspath(folder.path))}: ")
            _print_figures(every[-1])
    means = {
        measure: mean_of(values)
        for measure in MEASURES
        if (values := [each[measure] for each in every if each[measure] is not None])
    }
    if as_json:
        output.data_object(runs=every, mean={name: mean._asdict() for name, mean in means.items()})
        return
    for measure, mean in means.items():
        output.data(f"mean {MEASURES[measure]:<4} {mean}\n")


def _evaluated(path: Path, data: str | None, device: str | None) -> dict[str, Any]:
    """COCO's figures of a run's detector, as scripts get them."""
    from nasdsl.detection.coco import coco_folder, differing_categories
    from nasdsl.detection.inference import detections, usable_device
    from nasdsl.detection.model_file import read_detector
    from nasdsl.detection.precision import average_precision
    from nasdsl.detection.run import MODEL, recorded_detection

    job = recorded_detection(path)
    if not (path / MODEL).is_file():
        raise cell_error(
            "NAS843",
            f"the run in {os.fspath(path)!r} is not finished",
            f"`nasdsl train --resume {path}` continues it; metrics.jsonl has its figures so far",
        )
    found = coco_folder(data or job.data)
    if found.names != job.names:
        raise cell_error(
            "NAS955",
            f"the categories of `{found.name}` are not those of the run",
            differing_categories(
                dict(enumerate(found.names, 1)),
                "the data",
                dict(enumerate(job.names, 1)),
                "the run",
            ),
        )
    part = found.val
    if part is None:
        raise cell_error("NAS847", f"`{found.name}` has no part to evaluate on")
    chosen = usable_device(device)
    trained = read_detector(path / MODEL)
    with memory_errors("`--device cpu` looks at them on the CPU", what="these images"):
        seen = detections(trained.detector.to(chosen), part, chosen)
    precision = average_precision(part, found.numbers, seen)
    return {
        "network": job.plan.graph.name,
        "data": found.name,
        "split": "val",
        "images": len(part),
        **precision._asdict(),
    }


def _print_figures(found: dict[str, Any]) -> None:
    from nasdsl.detection.precision import AveragePrecision

    images = plural(found["images"], "image")
    output.data(f"{found['network']} on {visible(found['data'])}, {images}\n")
    for name in AveragePrecision._fields:
        value = found[name]
        shown = "-" if value is None else click.style(f"{value:.2%}", bold=name == "ap")
        output.data(f"{name:<9} {shown}\n")
