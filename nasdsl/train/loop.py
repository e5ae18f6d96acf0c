"""`fit`: train a network by a recipe.

Epochs, evaluation, checkpoints, interruption and divergence around the steps of `Training`. The
only files written here are checkpoints.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn

from nasdsl.errors import CellError, cell_error
from nasdsl.train.checkpoint import Checkpoints, Found
from nasdsl.train.data import Splits, datasets
from nasdsl.train.evaluation import evaluate, fitting_graph
from nasdsl.train.execution import Execution
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe import recipe as recipe_named
from nasdsl.train.results import Epoch, Evaluation, Fitted
from nasdsl.train.training import Training, threads, threads_for
from nasdsl.train.watchers import Plan, Watcher

#: Steps between looks at what is slow to look at: a loss that is on an accelerator, or what
#: other processes want.
_LOOK_EVERY = 20


class Interrupted(KeyboardInterrupt):
    """Training stopped because it was asked to; `checkpoint` is where it can go on."""

    def __init__(self, checkpoint: Path | None, step: int) -> None:
        super().__init__(f"interrupted after step {step}")
        self.checkpoint, self.step = checkpoint, step


def fit(
    net: nn.Module,
    data: Splits | str = "digits",
    recipe: Recipe | str = "quick",
    *,
    seed: int = 0,
    execution: Execution | None = None,
    checkpoints: Checkpoints | None = None,
    save_seconds: float = 600,
    watchers: Sequence[Watcher] = (),
    on_epoch: Callable[[Epoch], None] | None = None,
    stop: Callable[[], bool] | None = None,
    test: bool = False,
) -> Fitted:
    """Train a network in place; afterwards it has the weights that were evaluated.

    Where `checkpoints` has one, training goes on from it, and ends as if it had never
    stopped: on a CPU bit for bit.

    Args:
        net: what `nasdsl.compile` returned, for the data's classes and channels.
        data: images, or what `nasdsl.train.datasets` makes them of: `digits`,
            `cifar10:PATH`, ...
        recipe: what to do, or the name of a recipe.
        seed: draws the order of the images, their augmentation, dropped paths and features.
            Initial weights are the network's.
        execution: the device and what else does not belong to the recipe.
        checkpoints: where to keep the state; None keeps it nowhere.
        save_seconds: time between two checkpoints; there is one at each epoch's end too.
        watchers: are told how it goes.
        on_epoch: is called after each epoch; what it raises ends the training.
        stop: asked after each step whether to save and stop.
        test: evaluate on the test images at the end.

    Raises:
        CellError: NAS840, training diverged; NAS842, no checkpoint can be read; NAS844, the
            network does not fit the data; NAS845, the batch cannot be divided; whatever the
            recipe or the data are refused for.
        Interrupted: `stop` said so.
    """
    chosen = recipe_named(recipe) if isinstance(recipe, str) else recipe
    splits = datasets(data, chosen) if isinstance(data, str) else data
    graph = fitting_graph(net, splits)
    how = execution or Execution()
    images = max(chosen.batch // how.accumulation, 1)
    # What follows seeds PyTorch's generators; the caller's stay as they are.
    with (
        torch.random.fork_rng(range(torch.cuda.device_count())),
        threads(threads_for(graph, images)),
    ):
        training = Training(net, splits.train, chosen, seed, how)
        loop = _Loop(training, splits, checkpoints, save_seconds, stop)
        if training.accelerator.is_main_process:
            loop.watchers = (*watchers, *([_Callback(on_epoch)] if on_epoch else []))
        return loop.run(test)


class _Callback(Watcher):
    """A function as a watcher."""

    def __init__(self, function: Callable[[Epoch], None]) -> None:
        self.function = function

    def epoch_ended(self, epoch: Epoch) -> None:
        self.function(epoch)


class _Loop:
    """The state of a loop that is not the training's own."""

    def __init__(
        self,
        training: Training,
        splits: Splits,
        checkpoints: Checkpoints | None,
        save_seconds: float,
        stop: Callable[[], bool] | None,
    ) -> None:
        self.training, self.splits, self.checkpoints = training, splits, checkpoints
        self.save_seconds, self.stop = save_seconds, stop or (lambda: False)
        self.watchers: Sequence[Watcher] = ()
        self.history: list[Epoch] = []
        self.before = 0.0  # seconds of the runs before this one
        self.epoch_before = 0.0  # and those of them spent training in the present epoch
        self.start = self.epoch_start = self.last_save = perf_counter()

    # -- the loop -----------------------------------------------------------------------

    def run(self, test: bool) -> Fitted:
        """Train to the end."""
        training = self.training
        found = self.checkpoints.newest() if self.checkpoints else None
        if found is not None:
            self._load(found)
        self._tell("started", self._plan())
        for epoch in range(training.step // training.steps_per_epoch, training.recipe.epochs):
            self._train_epoch(epoch)
        with self._averaged():
            tested = self._evaluated(self.splits.test) if test else None
        if training.average is not None:
            training.average.copy_to(training.net)
        training.net.eval()
        held_out = self.history[-1].held_out if self.history else None
        fitted = Fitted(held_out, tested, tuple(self.history), training.step, self._seconds())
        self._tell("ended", fitted)
        return fitted

    def _train_epoch(self, epoch: int) -> None:
        training = self.training
        first = training.step - epoch * training.steps_per_epoch
        self.epoch_start = perf_counter()
        for parts in self._steps(epoch, first):
            training.take_step(parts)
            self._tell("stepped", training.step, training.learning_rate)
            # The end of an epoch looks for itself, and saves.
            if training.step % training.steps_per_epoch:
                self._look()
        self._end_epoch(epoch)

    def _steps(self, epoch: int, first: int) -> Iterator[Any]:
        """The parts of each step of an epoch, from step `first` of it."""
        self.training.batches.begin(epoch, first)
        parts = iter(self.training.loader)
        return zip(*[parts] * self.training.execution.accumulation, strict=True)

    def _look(self) -> None:
        """See, between two steps, whether to save, to stop or to give up."""
        training = self.training
        waits = training.device.type != "cpu" or training.accelerator.num_processes > 1
        if waits and training.step % _LOOK_EVERY:
            return
        due = perf_counter() - self.last_save > self.save_seconds
        stop, due = training.agreed(self.stop(), due)
        loss, accuracy = training.means()
        self._tell("measured", training.step, loss, accuracy)
        check_converging(loss, self.splits.classes, training.step, self._newest())
        if stop or due:
            path = self._save()
            if stop:
                raise Interrupted(path, training.step)

    def _end_epoch(self, epoch: int) -> None:
        training = self.training
        loss, accuracy = training.means()
        seconds = self.epoch_before + perf_counter() - self.epoch_start
        check_converging(loss, self.splits.classes, training.step, self._newest())
        with self._averaged():
            held_out = self._evaluated(self.splits.held_out)
        images = training.steps_per_epoch * training.batches.batch
        ended = Epoch(
            epoch + 1,
            training.step,
            loss,
            accuracy,
            held_out,
            training.learning_rate,
            training.keep,
            seconds,
            images / seconds,
        )
        self.history.append(ended)
        training.reset_sums()
        self.epoch_before, self.epoch_start = 0.0, perf_counter()
        path = self._save()
        self._tell("epoch_ended", ended)
        (stop,) = training.agreed(self.stop())
        if stop and epoch + 1 < training.recipe.epochs:
            raise Interrupted(path, training.step)

    # -- evaluation ---------------------------------------------------------------------

    def _evaluated(self, images: Any) -> Evaluation | None:
        if images is None or not len(images):
            return None
        training = self.training
        return evaluate(
            training.net,
            images,
            batch=max(training.batches.part, 64),
            workers=training.execution.workers,
            precision=training.recipe.precision,
            accelerator=training.accelerator,
        )

    def _averaged(self) -> Any:
        average = self.training.average
        return nullcontext() if average is None else average.applied(self.training.net)

    # -- checkpoints --------------------------------------------------------------------

    def _save(self) -> Path | None:
        """Write a checkpoint, unless it would keep a network that is spoilt."""
        training = self.training
        if self.checkpoints is None:
            return None
        state = training.state()
        if not training.is_finite():
            raise diverged(f"weights are not finite after step {training.step}", self._newest())
        self.last_save = perf_counter()
        if not training.accelerator.is_main_process:
            return None
        in_epoch = training.step % training.steps_per_epoch != 0
        spent = self.epoch_before + perf_counter() - self.epoch_start if in_epoch else 0.0
        state["history"] = [epoch.as_members() for epoch in self.history]
        state["recipe"] = asdict(training.recipe)
        state["seconds"] = {"all": self._seconds(), "epoch": spent}
        path = self.checkpoints.save(training.step, state)
        self._tell("saved", path, training.step)
        return path

    def _newest(self) -> Path | None:
        paths = self.checkpoints.paths() if self.checkpoints else []
        return paths[0] if paths else None

    def _load(self, found: Found) -> None:
        state = found.state
        self.training.load(state["step"], state)
        self.history = [Epoch.from_members(members) for members in state["history"]]
        self.before, self.epoch_before = state["seconds"]["all"], state["seconds"]["epoch"]

    # -- telling ------------------------------------------------------------------------

    def _plan(self) -> Plan:
        training = self.training
        return Plan(
            training.recipe.epochs,
            training.steps_per_epoch,
            training.batches.batch,
            training.step,
            tuple(self.history),
            str(training.device),
            training.accelerator.num_processes,
        )

    def _seconds(self) -> float:
        return self.before + perf_counter() - self.start

    def _tell(self, moment: str, *what: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, moment)(*what)


#: How many times the loss of guessing is beyond hope. A training that works stays near or
#: below that loss; momentum that runs away passes any bound within a few steps.
_HOPELESS = 100


def check_converging(loss: float, classes: int, step: int, saved: Path | None = None) -> None:
    """Refuse a mean loss that is not finite or far above that of guessing.

    Args:
        loss: mean over the epoch so far, in nats.
        classes: guessing among them costs ln(classes).
        step: where training is.
        saved: the newest checkpoint.

    Raises:
        CellError: NAS840.
    """
    if loss <= _HOPELESS * math.log(max(classes, 2)):
        return
    raise diverged(f"the loss is {loss:.4g} after step {step}", saved)


def diverged(what: str, saved: Path | None = None) -> CellError:
    """The refusal to go on; `saved` is the newest checkpoint."""
    kept = [f"the last good checkpoint is {saved}"] if saved else []
    return cell_error(
        "NAS840",
        f"training has diverged: {what}",
        "a lower learning rate, a longer warm-up or a tighter clip may help: "
        "`--set lr=...`, `--set warmup=...`, `--set clip=...`",
        *kept,
    )
