"""Training a detector in a run folder, from its newest checkpoint to its report.

Purpose: steps, epochs, evaluation, checkpoints, interruption. Whatever is random is seeded by the
seed of the run and its place, as in the training of classifiers, so a resumed run continues bit for
bit on a CPU.
Non-goals: several processes (one device trains).
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from nasdsl.api.threads import threads
from nasdsl.atomic_write import replace_text, write_errors
from nasdsl.detection.coco import AnnotatedImages, CocoFolder
from nasdsl.detection.cost import detector_cost
from nasdsl.detection.detector import Detector
from nasdsl.detection.images import SeededDetections, collated_detections, pixels_of
from nasdsl.detection.model_file import build_detector, write_detector
from nasdsl.detection.precision import AveragePrecision, average_precision
from nasdsl.detection.report import detection_report
from nasdsl.detection.run import METRICS, MODEL, REPORT, DetectionJob
from nasdsl.errors import cell_error, first_line
from nasdsl.train.batches import EpochBatches, readable, seed_of, seed_torch
from nasdsl.train.checkpoint import state_errors
from nasdsl.train.loop import Interrupted, divergence_error
from nasdsl.train.optimizer import decays
from nasdsl.train.own_checkpoints import OwnCheckpoints, network_identity
from nasdsl.train.run import interruption
from nasdsl.train.run_folder import RunFolder
from nasdsl.train.watchers import TrainingPlan
from nasdsl.values import require_types


@dataclass(frozen=True, slots=True)
class DetectionEpoch:
    """One epoch.

    Attributes:
        epoch: from 1.
        step: steps taken at its end.
        loss: the sum of the four losses, mean over the epoch.
        losses: each, mean over the epoch.
        precision: on the images to evaluate, by the names of `AveragePrecision`; None where there
            are none.
        learning_rate: of its last step.
        seconds: of training.
    """

    epoch: int
    step: int
    loss: float
    losses: dict[str, float]
    precision: dict[str, float | None] | None
    learning_rate: float
    seconds: float


def train_detection(
    path: Path,
    job: DetectionJob,
    data: CocoFolder,
    *,
    save_seconds: float = 600,
    on_epoch: Callable[[DetectionEpoch], None] = lambda epoch: None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    on_start: Callable[[TrainingPlan], None] = lambda plan: None,
    on_loss: Callable[[int, float, float], None] = lambda step, loss, rate: None,
) -> list[DetectionEpoch]:
    """Train the detector of a run; the epochs, those of before among them.

    Args:
        path: the run's folder.
        job: what it does.
        data: its images.
        save_seconds: between two checkpoints within an epoch.
        on_epoch: called after each epoch.
        on_step: called after each step with the number of steps taken and of all.
        on_start: called before the first step.
        on_loss: called after each step with the number of steps taken, the loss since the epoch
            began, and the learning rate.

    Raises:
        CellError: NAS707, the device cannot be used or has too little memory; NAS840, the training
            diverges; NAS841, another training uses the folder; NAS842, no checkpoint can be read;
            NAS843, it was made with another recipe, seed, network or data; NAS955, the data are
            not those that the run began with.
    """
    require_types(path=(path, str | os.PathLike), job=(job, DetectionJob), data=(data, CocoFolder))
    if (data.names, data.numbers) != (job.names, job.numbers):
        raise cell_error(
            "NAS955",
            f"the categories of `{data.name}` are not those that the run began with",
            "undo the change to the data, or train in another folder",
        )
    with (
        RunFolder(path).locked(),
        torch.random.fork_rng(range(torch.cuda.device_count())),
        threads(torch.get_num_threads()),
        memory_errors(),
    ):
        training = _DetectorTraining(path, job, data)
        on_start(training.about())
        return training.run(save_seconds, on_epoch, on_step, on_loss)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn what PyTorch raises where memory ends into NAS707."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise cell_error(
            "NAS707",
            "the device has too little memory for this batch",
            "`--set batch=1`, a smaller `--set image_size=...` or fewer `--set proposals=...` take "
            "less; checkpoints are kept",
        ) from None


def usable_device(name: str | None) -> torch.device:
    """A device; an accelerator where None is asked for and there is one.

    Raises:
        CellError: NAS707.
    """
    if name is None:
        found = (
            torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        )
        return found or torch.device("cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = first_line(error)
        raise cell_error("NAS707", f"the device {name!r:.40} cannot be used", reason) from None


def detections(
    detector: Detector,
    part: AnnotatedImages,
    device: torch.device,
    on_image: Callable[[int], None] = lambda count: None,
) -> dict[int, dict[str, Any]]:
    """What a detector finds on images, by their numbers."""
    detector.eval()
    found = {}
    with torch.inference_mode():
        for count, image in enumerate(part.images, 1):
            (each,) = detector([pixels_of(image).to(device)])
            found[image.number] = {name: value.cpu() for name, value in each.items()}
            on_image(count)
    return found


class _DetectorTraining:
    """A detector, its optimizer, and how far they have come."""

    def __init__(self, path: Path, job: DetectionJob, data: CocoFolder) -> None:
        assert data.train is not None, "a run begins with images to train on"
        self.path, self.job, self.data = path, job, data
        recipe = job.recipe
        self.device = usable_device(job.device)
        self.checkpoints = OwnCheckpoints(
            path / "checkpoints",
            {
                "recipe": asdict(recipe),
                "seed": job.seed,
                "data": job.data,
                "network": network_identity(job.plan.graph),
            },
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
        on_step: Callable[[int, int], None],
        on_loss: Callable[[int, float, float], None],
    ) -> list[DetectionEpoch]:
        """Train to the end."""
        self._write_metrics()
        last_save = perf_counter()
        with interruption() as stop:
            for epoch in range(self.step // self.batches.steps, self.job.recipe.epochs):
                began = perf_counter()
                self.batches.begin(epoch, self.step - epoch * self.batches.steps)
                for images, targets in readable(self.loader):
                    self._take_step(images, targets)
                    on_step(self.step, self.steps)
                    on_loss(self.step, self._loss(epoch), self._rate())
                    if self.step % self.batches.steps == 0:
                        break
                    if stop() or perf_counter() - last_save > save_seconds:
                        saved, last_save = self._save(), perf_counter()
                        if stop():
                            raise Interrupted(saved, self.step)
                ended = self._end_epoch(epoch, perf_counter() - began)
                saved, last_save = self._save(), perf_counter()
                self._write_metrics()
                on_epoch(ended)
                if stop() and epoch + 1 < self.job.recipe.epochs:
                    raise Interrupted(saved, self.step)
        self.net.eval()
        write_detector(self.net, self.job.names, self.path / MODEL)
        replace_text(self.path / REPORT, detection_report(self.job, self.history))
        return self.history

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
        losses = {name: value / count for name, value in self.sums.items()}
        self.sums = {}
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

    def about(self) -> TrainingPlan:
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
        return self.checkpoints.save(self.step, state)

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
