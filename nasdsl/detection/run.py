"""RUN/: the folder of a detector's training, and what it was asked for.

network.cell         the network, with every setting
recipe.toml          the recipe, with every value
run.json             data, categories, seed, device, versions, git's state, the command
metrics.jsonl        a line for each epoch
checkpoints/         the newest two
model.safetensors    the trained detector, at the end
report.md            the result and its curve, at the end

Purpose: writing it at the start, and reading it to resume or to use it.
Non-goals: the training (`nasdsl.detection.training`).
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from nasdsl.api.trained import WeightsFile
from nasdsl.atomic_write import replace_text
from nasdsl.canonical import canonical_hash
from nasdsl.detection.coco import CocoFolder
from nasdsl.detection.plan import DetectorPlan, plan_detector
from nasdsl.detection.recipe import DetectionRecipe, detection_recipe
from nasdsl.detection.run_kind import RUN, TASK
from nasdsl.documents import document_text
from nasdsl.errors import Source, cell_error
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import cells_of_text
from nasdsl.network.self_contained import network_genotype, network_text
from nasdsl.network.source import SourceCells
from nasdsl.train.execution import Execution, provenance
from nasdsl.train.loggers import require_usable
from nasdsl.train.recipe_file import recipe_toml
from nasdsl.train.records import read_errors, record, recorded_value, versioned
from nasdsl.train.run_folder import RunFolder, logging_members, recorded_loggers
from nasdsl.values import CountOrNone, Seed, require_types, typed

NETWORK, RECIPE, MODEL = "network.cell", "recipe.toml", "model.safetensors"
METRICS, REPORT = "metrics.jsonl", "report.md"
_VERSION = 1
#: Images of up to so many pixels get the CIFAR stem, which halves less.
_SMALL = 64


@dataclass(frozen=True, slots=True)
class DetectionJob:
    """What a training of a detector does.

    Attributes:
        plan: the detector.
        recipe: how it is trained.
        data: `coco:DIR`, absolute.
        names: of the categories, by label from 1.
        numbers: COCO's numbers of them.
        seed: of everything that is drawn.
        device: None for an accelerator if there is one.
        workers: processes that load images.
        weights: a file to start from; None starts from weights that are drawn.
        loggers: names of what its figures are sent to, besides the files of the run.
    """

    plan: DetectorPlan
    recipe: DetectionRecipe
    data: str
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    seed: int = 0
    device: str | None = None
    workers: int = 0
    weights: WeightsFile | None = None
    loggers: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """All that decides what a run computes and how it runs, by name, in plain values."""
        genotype = network_genotype(self.plan.graph)
        return {
            "task": TASK,
            "data": self.data,
            "seed": self.seed,
            "cells": canonical_hash(genotype),
            **{f"network.{key}": value for key, value in genotype.settings.given().items()},
            **{f"recipe.{key}": value for key, value in asdict(self.recipe).items()},
            "weights.path": None if self.weights is None else os.fspath(self.weights.path),
            "execution.device": self.device,
            "execution.workers": self.workers,
        }


@typed
def plan_detection(
    cells: SourceCells,
    data: CocoFolder,
    recipe: DetectionRecipe,
    settings: Settings,
    *,
    seed: Seed = 0,
    device: str | None = None,
    workers: CountOrNone = 0,
    weights: WeightsFile | None = None,
    loggers: Sequence[str] = (),
) -> DetectionJob:
    """What a training would do; nothing is written.

    Settings win over the text of the cells. Classes follow from the data.

    Raises:
        CellError: NAS850 and NAS701 for loggers; NAS823, there are no images to train on; NAS844, a
            setting contradicts the data; NAS950 and NAS951; as `nasdsl.compile` does.
    """
    require_usable(loggers)
    if data.train is None:
        raise cell_error("NAS823", f"`{data.name}` has no part to train on")
    given: dict[str, Any] = dict(settings.given())
    classes = given.pop("classes", data.classes)
    if classes != data.classes:
        raise cell_error(
            "NAS844",
            f"`classes` is {classes}, and the data `{data.name}` have {data.classes}",
            f"{len(data.names)} categories and the background; leave `--classes` out",
        )
    size = given.pop("image_size", None) or recipe.image_size or None
    own = cells.genotype.settings
    if size is not None and size <= _SMALL and own.stem is None:
        given.setdefault("stem", "cifar")
    if recipe.norm_momentum and own.batch_norm_momentum is None:
        given.setdefault("batch_norm_momentum", recipe.norm_momentum)
    if not recipe.drop_paths and own.drop_path is None:
        given.setdefault("drop_path", 0.0)
    recipe = recipe.changed({"image_size": size or 0})
    plan = detector_plan(cells.genotype, recipe, data.classes, given)
    absolute = None
    if weights is not None:
        absolute = WeightsFile(
            os.path.abspath(weights.path), weights.layout, weights.drop_background
        )
    return DetectionJob(
        plan,
        recipe,
        data.name,
        data.names,
        data.numbers,
        seed,
        device,
        workers,
        absolute,
        tuple(loggers),
    )


def detector_plan(
    genotype: Genotype, recipe: DetectionRecipe, classes: int, settings: dict[str, Any]
) -> DetectorPlan:
    """The detector that a recipe trains."""
    planned = partial(
        plan_detector,
        genotype,
        style=recipe.style,
        classes=classes,
        image_size=recipe.image_size or None,
        proposals=recipe.proposals or None,
        crop=recipe.crop or None,
        training_boxes=recipe.training_boxes or None,
        **settings,
    )
    plan = planned()
    if not recipe.least_anchor:
        return plan
    # As many as the style has: in a pyramid one for each map that the network gives.
    count = sum(len(sizes) for sizes in plan.numbers.anchor_sizes)
    return planned(anchor_sizes=[recipe.least_anchor * 2**power for power in range(count)])


@typed
def begin_detection(
    path: str | os.PathLike[str], job: DetectionJob, command: Sequence[str]
) -> Path:
    """The folder of a new run.

    Raises:
        CellError: NAS841, something is there, or the folder is in use; NAS006, it cannot be
            written.
    """
    require_types(command=(command, Sequence))
    folder = RunFolder(path)
    weights = job.weights
    with folder.created():
        replace_text(folder / NETWORK, network_text(job.plan.graph))
        replace_text(folder / RECIPE, recipe_toml(job.recipe))
        about = {
            "version": _VERSION,
            "task": TASK,
            "data": job.data,
            "categories": dict(zip(map(str, job.numbers), job.names, strict=True)),
            "seed": job.seed,
            "device": job.device,
            "workers": job.workers,
            "weights": weights
            and [os.fspath(weights.path), weights.layout, weights.drop_background],
            **logging_members(job.loggers),
            "command": list(command),
            **provenance(),
        }
        # Last, because this file makes the folder a run.
        replace_text(folder / RUN, json.dumps(about, indent=2) + "\n")
    return folder.path


@typed
def recorded_detection(path: str | os.PathLike[str]) -> DetectionJob:
    """What the run in a folder does, as its files say.

    Raises:
        CellError: NAS843, there is no such run, or its files are damaged.
    """
    folder = Path(path)
    with read_errors(folder, RUN):
        about = versioned(folder / RUN, _VERSION)
        if about.get("task") != TASK:
            raise ValueError("it is no run of a detector")
        categories, weights = about["categories"], about["weights"]
        data = recorded_value("data", str, about["data"])
        seed = recorded_value("seed", Seed, about["seed"])
        execution = record(Execution, {name: about[name] for name in ("device", "workers")})
        if not all(isinstance(each, str) for each in categories.values()):
            raise ValueError("a category has no name")
        numbers = tuple(int(number) for number in categories)
        file = None if weights is None else _weights_file(*weights)
        loggers, _ = recorded_loggers(about)
    with read_errors(folder, NETWORK):
        text = Source(os.fspath(folder / NETWORK), document_text(folder / NETWORK))
        genotype = cells_of_text(text)
    with read_errors(folder, RECIPE):
        recipe = detection_recipe(os.fspath(folder / RECIPE))
    plan = detector_plan(genotype, recipe, len(numbers) + 1, {})
    names = tuple(categories.values())
    device, workers = execution.device, execution.workers
    return DetectionJob(plan, recipe, data, names, numbers, seed, device, workers, file, loggers)


def _weights_file(path: object, layout: object, drop_background: object) -> WeightsFile:
    return WeightsFile(
        recorded_value("weights", str, path),
        recorded_value("layout", str, layout),
        recorded_value("drop_background", bool, drop_background),
    )
