"""Training a detector in a run folder, from its newest checkpoint to its report.

Purpose: steps, epochs, evaluation, checkpoints, interruption. Whatever is random is seeded by the
seed of the run and its place, as in the training of classifiers, so a resumed run continues bit for
bit on a CPU.
Non-goals: several processes (one device trains).
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from nasdsl.api.threads import threads
from nasdsl.atomic_write import replace_text, write_errors
from nasdsl.detection.annotations import AnnotatedImages
from nasdsl.detection.coco import CocoFolder, differing_categories
from nasdsl.detection.cost import detector_cost
from nasdsl.detection.epochs import DetectionEpoch
from nasdsl.detection.images import SeededDetections, collated_detections
from nasdsl.detection.inference import LESS, detections, usable_device
from nasdsl.detection.model_file import build_detector, write_detector
from nasdsl.detection.precision import AveragePrecision, average_precision
from nasdsl.detection.report import detection_report
from nasdsl.detection.run import METRICS, MODEL, REPORT, DetectionJob
from nasdsl.errors import Diagnostic, cell_error
from nasdsl.memory import memory_errors
from nasdsl.train.batches import EpochBatches, readable, seed_of, seed_torch
from nasdsl.train.checkpoint import state_errors
from nasdsl.train.loggers.of_run import run_loggers
from nasdsl.train.loggers.scalars import POINT_STEPS
from nasdsl.train.loop import divergence_error
from nasdsl.train.optimizer import decays
from nasdsl.train.own_checkpoints import OwnCheckpoints, network_identity
from nasdsl.train.results import Fitted, Interrupted
from nasdsl.train.run import interruption
from nasdsl.train.run_folder import RunFolder
from nasdsl.train.watchers import TrainingPlan, Watcher
from nasdsl.values import Seconds, require_types, typed


@typed
def train_detection(
    path: Path,
    job: DetectionJob,
    data: CocoFolder,
    *,
    save_seconds: Seconds = 600,
    on_epoch: Callable[[DetectionEpoch], None] = lambda epoch: None,
    on_loss: Callable[[int, float], None] = lambda step, loss: None,
    watchers: Sequence[Watcher] = (),
    tensorboard: bool = True,
) -> list[DetectionEpoch]:
    """Train the detector of a run; the epochs, those of before among them.

    Args:
        path: the run's folder.
        job: what it does.
        data: its images.
        save_seconds: between two checkpoints within an epoch.
        on_epoch: called after each epoch.
        on_loss: called after each step with the number of steps taken and the loss since the epoch
            began.
        watchers: told of everything, as in the training of a classifier; an epoch's results come
            as `figures`.
        tensorboard: whether to write scalars for TensorBoard, if it is installed. Loggers that
            the run names are told of it besides. One that fails gives a warning (NAS851) to the
            watchers, and the training continues.

    Raises:
        CellError: NAS707, the device cannot be used or has too little memory; NAS840, the training
            diverges; NAS841, another training uses the folder; NAS842, no checkpoint can be read;
            NAS843, it was made with another recipe, seed, network or data; NAS955, the data are
            not those that the run began with.
    """
    require_types(path=(path, str | os.PathLike))
    if (data.names, data.numbers) != (job.names, job.numbers):
        raise cell_error(
            "NAS955",
            f"the categories of `{data.name}` are not those that the run began with",
            differing_categories(
                dict(zip(data.numbers, data.names, strict=True)),
                "the data",
                dict(zip(job.numbers, job.names, strict=True)),
                "the run",
            ),
            "undo the change to the data, or train in another folder",
        )
    folder = RunFolder(path)

    def on_failure(finding: Diagnostic) -> None:
        for watcher in watchers:
            watcher.warned(finding)

    with (
        folder.locked(),
        torch.random.fork_rng(range(torch.cuda.device_count())),
        threads(torch.get_num_threads()),
        memory_errors(LESS),
    ):
        loggers = run_loggers(folder, job.loggers, job.settings(), tensorboard, on_failure)
        training = _DetectorTraining(path, job, data, (*loggers, *watchers))
        return training.run(save_seconds, on_epoch, on_loss)


class _DetectorTraining:
    """A detector, its optimizer, and how far they have come."""

    def __init__(
        self, path: Path, job: DetectionJob, data: CocoFolder, watchers: Sequence[Watcher]
    ) -> None:
        assert data.train is not None, "a run begins with images to train on"
        self.path, self.job, self.data, self.watchers = path, job, data, watchers
        recipe = job.recipe
        self.device = usable_device(job.device)
        self.checkpoints = OwnCheckpoints(
            path / "checkpoints",
            {"recipe": asdict(recipe), "seed": job.seed, "data": job.data}
            | {"network": network_identity(job.plan.graph)},
        )
        loaded = self.checkpoints.newest()
        self.net = build_detector(
            job.plan,
            seed=job.seed,
            frozen_norm=recipe.frozen_norm,
            weights=job.weights if loaded is None else None,
        )
        images = data.train.images
        self.batches = EpochBatches(len(images), min(recipe.batch, len(images)), job.seed)
        self.loader = DataLoader(
            SeededDetections(images, recipe.flip),
            batch_sampler=self.batches,
            collate_fn=collated_detections,
            num_workers=job.workers,
            persistent_workers=job.workers > 0,
        )
        self.net.to(self.device)
        self.parameters = [each for each in self.net.parameters() if each.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in self.parameters if decays(p)]},
            {"params": [p for p in self.parameters if not decays(p)], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.SGD(
            groups, recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay
        )
        self.step, self.history = 0, list[DetectionEpoch]()
        self.sums: dict[str, float] = {}
        self.steps = self.batches.steps * recipe.epochs
        if loaded is not None:
            with state_errors(loaded.path):
                self._load(loaded.state)

    def run(
        self,
        save_seconds: float,
        on_epoch: Callable[[DetectionEpoch], None],
        on_loss: Callable[[int, float], None],
    ) -> list[DetectionEpoch]:
        """Train to the end, and take leave of the watchers."""
        try:
            self._notify("started", self._about())
            self._train(save_seconds, on_epoch, on_loss)
            seconds = sum(each.seconds for each in self.history)
            self._notify("ended", Fitted(None, None, (), self.step, seconds))
        finally:
            self._notify("closed")
        return self.history

    def _train(
        self,
        save_seconds: float,
        on_epoch: Callable[[DetectionEpoch], None],
        on_loss: Callable[[int, float], None],
    ) -> None:
        self._write_metrics()
        last_save = perf_counter()
        with interruption() as stop:
            for epoch in range(self.step // self.batches.steps, self.job.recipe.epochs):
                began = perf_counter()
                self.batches.begin(epoch, self.step - epoch * self.batches.steps)
                for images, targets in readable(self.loader):
                    self._take_step(images, targets)
                    self._notify("stepped", self.step, self._rate())
                    on_loss(self.step, loss := self._loss(epoch))
                    if self.step % POINT_STEPS == 0:
                        figures = {"train/running_loss": loss, "train/learning_rate": self._rate()}
                        self._notify("figures", self.step, figures)
                    if self.step % self.batches.steps == 0:
                        break
                    if stop() or perf_counter() - last_save > save_seconds:
                        saved, last_save = self._save(), perf_counter()
                        if stop():
                            raise Interrupted(saved, self.step)
                ended = self._end_epoch(epoch, perf_counter() - began)
                saved, last_save = self._save(), perf_counter()
                self._write_metrics()
                self._notify("figures", self.step, ended.scalars())
                on_epoch(ended)
                if stop() and epoch + 1 < self.job.recipe.epochs:
                    raise Interrupted(saved, self.step)
        self.net.eval()
        write_detector(self.net, self.job.names, self.path / MODEL)
        replace_text(self.path / REPORT, detection_report(self.job, self.history))

    def _notify(self, moment: str, *what: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, moment)(*what)

    def _take_step(self, images: list[Any], targets: list[dict[str, Any]]) -> None:
        recipe = self.job.recipe
        rate = recipe.learning_rate(self.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        self.net.set_progress(self.step / self.steps)
        seed_torch(seed_of(self.job.seed, "forward", self.step), self.device)
        losses = self.net(
            [each.to(self.device) for each in images],
            [{name: value.to(self.device) for name, value in each.items()} for each in targets],
        )
        total = torch.stack(list(losses.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(loss.detach())
        if not bool(total.detach().isfinite()):
            kept = self.checkpoints.paths()
            text = f"the loss is {float(total.detach()):.4g} after step {self.step}"
            raise divergence_error(text, kept[0] if kept else None)
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.parameters, recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def _end_epoch(self, epoch: int, seconds: float) -> DetectionEpoch:
        count = self.batches.steps
        losses, self.sums = {name: value / count for name, value in self.sums.items()}, {}
        precision = self._evaluated(self.data.val)
        ended = DetectionEpoch(
            epoch + 1,
            self.step,
            sum(losses.values()),
            losses,
            None if precision is None else precision._asdict(),
            self._rate(),
            seconds,
        )
        self.history.append(ended)
        return ended

    def _about(self) -> TrainingPlan:
        """What is about to be done."""
        graph, cost = self.job.plan.graph, detector_cost(self.job.plan)
        return TrainingPlan(
            self.job.recipe.epochs,
            self.batches.steps,
            self.batches.batch,
            self.step,
            (),
            str(self.device),
            1,
            f"{graph.name}, {graph.configuration.size}, detector {self.job.plan.style}",
            cost.params,
            cost.mult_adds,
        )

    def _loss(self, epoch: int) -> float:
        """Mean since the epoch began."""
        return sum(self.sums.values()) / (self.step - epoch * self.batches.steps)

    def _rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def _evaluated(self, part: AnnotatedImages | None) -> AveragePrecision | None:
        if part is None or not part.images:
            return None
        found = detections(self.net, part, self.device)
        return average_precision(part, self.job.numbers, found)

    # -- state --------------------------------------------------------------------------

    def _save(self) -> Path:
        state = {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "sums": self.sums,
            "history": [asdict(each) for each in self.history],
        }
        saved = self.checkpoints.save(self.step, state)
        self._notify("saved", saved, self.step)
        return saved

    def _load(self, state: dict[str, Any]) -> None:
        if not 0 <= state["step"] <= self.steps:
            raise ValueError(f"step {state['step']!r:.40} is not one of {self.steps}")
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.sums = state["step"], dict(state["sums"])
        self.history = [DetectionEpoch(**each) for each in state["history"]]

    def _write_metrics(self) -> None:
        lines = "".join(json.dumps(asdict(each)) + "\n" for each in self.history)
        with write_errors(self.path / METRICS):
            replace_text(self.path / METRICS, lines)
