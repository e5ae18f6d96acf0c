"""`fit`: train a network by a recipe.

Epochs, evaluation, checkpoints, interruption and divergence around the steps of `Training`. The
only files written here are checkpoints.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.api.threads import threads, threads_for
from nasdsl.errors import CellError, cell_error
from nasdsl.network.cost import graph_cost
from nasdsl.train.batches import readable
from nasdsl.train.checkpoint import Checkpoints, LoadedCheckpoint, state_errors
from nasdsl.train.data import Splits, datasets
from nasdsl.train.evaluation import evaluate, graph_matching
from nasdsl.train.execution import Execution
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe import recipe as recipe_named
from nasdsl.train.results import Confusion, Epoch, Evaluation, Fitted, Interrupted
from nasdsl.train.training import Training
from nasdsl.train.watchers import TrainingPlan, Watcher
from nasdsl.values import Seconds, Seed, typed

#: Steps between checks that are slow: reading a loss from an accelerator, asking other processes.
_CHECK_STEPS = 20


@typed
def fit(
    net: nn.Module,
    data: Splits | str = "digits",
    recipe: Recipe | str = "quick",
    *,
    seed: Seed = 0,
    execution: Execution | None = None,
    checkpoints: Checkpoints | None = None,
    save_seconds: Seconds = 600,
    watchers: Sequence[Watcher] = (),
    on_epoch: Callable[[Epoch], None] | None = None,
    stop: Callable[[], bool] | None = None,
    test: bool = False,
) -> Fitted:
    """Train a network in place; afterwards it has the weights that were evaluated.

    If `checkpoints` has one, training continues from it, and ends as if it had never been
    stopped: on a CPU bit for bit.

    Args:
        net: what `nasdsl.compile` returned, for the data's classes and channels.
        data: images, or a text for `nasdsl.train.datasets`: `digits`, `cifar10:PATH`, ...
        recipe: how to train, or the name of a recipe.
        seed: of the order of the images, their augmentation, dropped paths and features. The
            network has its initial weights already.
        execution: the device, and everything else that is not part of the recipe.
        checkpoints: where the state is saved; None saves it nowhere.
        save_seconds: time between two checkpoints; each epoch ends with one too.
        watchers: called at every stage.
        on_epoch: called after each epoch; an exception from it ends the training.
        stop: called after each step; true means save and stop.
        test: whether to evaluate on the test images at the end.

    Raises:
        CellError: NAS840, training diverged; NAS842, no checkpoint can be read; NAS844, the
            network does not match the data; NAS845, the batch cannot be divided; or an error
            of the recipe or the data.
        Interrupted: `stop` returned true.
    """
    recipe = recipe_named(recipe) if isinstance(recipe, str) else recipe
    splits = datasets(data, recipe) if isinstance(data, str) else data
    graph = graph_matching(net, splits)
    execution = execution or Execution()
    images = max(recipe.batch // execution.accumulation, 1)
    # Training seeds PyTorch's generators; those of the caller are restored.
    with (
        torch.random.fork_rng(range(torch.cuda.device_count())),
        threads(threads_for(graph, images)),
    ):
        training = Training(net, splits.train, recipe, seed, execution)
        loop = _TrainingLoop(training, splits, checkpoints, save_seconds, stop)
        if training.accelerator.is_main_process:
            loop.watchers = (*watchers, *([_Callback(on_epoch)] if on_epoch else []))
        try:
            return loop.run(test)
        finally:
            training.release()
            loop.close()


class _Callback(Watcher):
    """A function as a watcher."""

    def __init__(self, function: Callable[[Epoch], None]) -> None:
        self.function = function

    def epoch_ended(self, epoch: Epoch) -> None:
        self.function(epoch)


class _TrainingLoop:
    """What belongs to the loop and not to the training: time, history, watchers."""

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
        self.earlier_seconds = 0.0  # before the run was resumed
        self.earlier_epoch_seconds = 0.0  # and of these in the present epoch
        self.start = self.epoch_start = self.last_save = perf_counter()

    # -- the loop -----------------------------------------------------------------------

    def run(self, test: bool) -> Fitted:
        """Train to the end."""
        training = self.training
        loaded = self.checkpoints.newest() if self.checkpoints else None
        if loaded is not None:
            self._load(loaded)
        self._notify("started", self._plan())
        for epoch in range(training.step // training.steps_per_epoch, training.recipe.epochs):
            self._train_epoch(epoch)
        confusion = torch.zeros(2 * (self.splits.classes,), dtype=torch.int64)
        tested = self._evaluate(self.splits.test, confusion) if test else None
        if test and tested is None:
            self._evaluate(self.splits.held_out, confusion)
        if training.average is not None:
            training.average.copy_to(training.net)
        training.net.eval()
        held_out = self.history[-1].held_out if self.history else None
        fitted = Fitted(
            held_out,
            tested,
            tuple(self.history),
            training.step,
            self._seconds(),
            confusion=Confusion(self.splits.names, confusion.tolist()) if test else None,
        )
        self._notify("ended", fitted)
        return fitted

    def _train_epoch(self, epoch: int) -> None:
        training = self.training
        first = training.step - epoch * training.steps_per_epoch
        self.epoch_start = perf_counter()
        for parts in self._steps(epoch, first):
            training.take_step(parts)
            self._notify("stepped", training.step, training.learning_rate)
            # The end of an epoch has its own checks, and saves.
            if training.step % training.steps_per_epoch:
                self._check_between_steps()
        self._end_epoch(epoch)

    def _steps(self, epoch: int, first: int) -> Iterator[Any]:
        """The parts of each step of an epoch, from step `first` of it."""
        self.training.batches.begin(epoch, first)
        parts = readable(self.training.loader)
        return zip(*[parts] * self.training.execution.accumulation, strict=True)

    def _check_between_steps(self) -> None:
        """Save, stop or give up, if it is time for that."""
        training = self.training
        is_slow = training.device.type != "cpu" or training.accelerator.num_processes > 1
        if is_slow and training.step % _CHECK_STEPS:
            return
        due = perf_counter() - self.last_save > self.save_seconds
        stop, due = training.any_process(self.stop(), due)
        loss, accuracy = training.means()
        self._notify("measured", training.step, loss, accuracy)
        check_convergence(loss, self.splits.classes, training.step, self._newest_path())
        if stop or due:
            path = self._save()
            if stop:
                raise Interrupted(path, training.step)

    def _end_epoch(self, epoch: int) -> None:
        training = self.training
        loss, accuracy = training.means()
        seconds = self.earlier_epoch_seconds + perf_counter() - self.epoch_start
        check_convergence(loss, self.splits.classes, training.step, self._newest_path())
        held_out = self._evaluate(self.splits.held_out)
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
        self.earlier_epoch_seconds, self.epoch_start = 0.0, perf_counter()
        path = self._save()
        self._notify("epoch_ended", ended)
        (stop,) = training.any_process(self.stop())
        if stop and epoch + 1 < training.recipe.epochs:
            raise Interrupted(path, training.step)

    # -- evaluation ---------------------------------------------------------------------

    def _evaluate(self, images: Any, confusion: Tensor | None = None) -> Evaluation | None:
        if images is None or not len(images):
            return None
        training = self.training
        return evaluate(
            training.evaluated_net,
            images,
            batch=max(training.batches.part, 64),
            workers=training.execution.workers,
            precision=training.recipe.precision,
            accelerator=training.accelerator,
            confusion=confusion,
        )

    # -- checkpoints --------------------------------------------------------------------

    def _save(self) -> Path | None:
        """Write a checkpoint, unless the network is not finite."""
        training = self.training
        if self.checkpoints is None:
            return None
        state = training.state()
        if not training.is_finite():
            raise divergence_error(
                f"weights are not finite after step {training.step}", self._newest_path()
            )
        self.last_save = perf_counter()
        if not training.accelerator.is_main_process:
            return None
        in_epoch = training.step % training.steps_per_epoch != 0
        spent = self.earlier_epoch_seconds + perf_counter() - self.epoch_start if in_epoch else 0.0
        state["history"] = [epoch.as_members() for epoch in self.history]
        state["recipe"] = asdict(training.recipe)
        state["seed"], state["data"] = training.seed, self.splits.name
        state["seconds"] = {"all": self._seconds(), "epoch": spent}
        path = self.checkpoints.save(training.step, state)
        self._notify("saved", path, training.step)
        return path

    def _newest_path(self) -> Path | None:
        paths = self.checkpoints.paths() if self.checkpoints else []
        return paths[0] if paths else None

    def _load(self, loaded: LoadedCheckpoint) -> None:
        state, steps = loaded.state, self.training.steps_per_epoch
        with state_errors(loaded.path):
            self.training.load(state["step"], state)
            self.history = [Epoch.from_members(members) for members in state["history"]]
            ended = [(epoch + 1, (epoch + 1) * steps) for epoch in range(state["step"] // steps)]
            if [(epoch.epoch, epoch.step) for epoch in self.history] != ended:
                raise ValueError(f"it lacks some of the {len(ended)} epochs before")
            seconds = [float(state["seconds"][name]) for name in ("all", "epoch")]
            self.earlier_seconds, self.earlier_epoch_seconds = seconds

    # -- watchers -----------------------------------------------------------------------

    def _plan(self) -> TrainingPlan:
        training, graph = self.training, self.training.net.graph
        cost = graph_cost(graph)
        return TrainingPlan(
            training.recipe.epochs,
            training.steps_per_epoch,
            training.batches.batch,
            training.step,
            tuple(self.history),
            str(training.device),
            training.accelerator.num_processes,
            f"{graph.name}, {graph.configuration.size}",
            cost.params + cost.auxiliary_params,
            cost.mult_adds,
        )

    def _seconds(self) -> float:
        return self.earlier_seconds + perf_counter() - self.start

    def close(self) -> None:
        """Tell the watchers that it is over."""
        self._notify("closed")

    def _notify(self, moment: str, *what: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, moment)(*what)


#: How many times the loss of guessing means divergence. A training that works stays near or
#: below that loss; one that diverges exceeds any bound within a few steps.
_MAX_GUESSES = 100


def check_convergence(loss: float, classes: int, step: int, saved: Path | None = None) -> None:
    """Stop when the mean loss is not finite, or far above that of guessing.

    Args:
        loss: mean over the epoch so far, in nats.
        classes: the loss of guessing among them is ln(classes).
        step: steps taken.
        saved: the newest checkpoint.

    Raises:
        CellError: NAS840.
    """
    if loss <= _MAX_GUESSES * math.log(max(classes, 2)):
        return
    raise divergence_error(f"the loss is {loss:.4g} after step {step}", saved)


def divergence_error(what: str, saved: Path | None = None) -> CellError:
    """The error about a training that diverges; `saved` is the newest checkpoint."""
    kept = [f"the last good checkpoint is {saved}"] if saved else []
    return cell_error(
        "NAS840",
        f"training has diverged: {what}",
        "a lower learning rate, a longer warm-up or a tighter clip may help: "
        "`--set lr=...`, `--set warmup=...`, `--set clip=...`",
        *kept,
    )
