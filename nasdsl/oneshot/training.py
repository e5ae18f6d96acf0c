"""`OneShotSearch`: the loop around the steps of a one-shot algorithm, in one process.

Purpose: which images a step sees and which random numbers it draws, the measuring of candidates,
checkpoints, interruption. As in `nasdsl.train`, no generator has a state that would have to be
kept: all that is drawn is seeded by the run's seed and the place in the search.
Non-goals: files other than checkpoints (`nasdsl.search.oneshot`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import torch
from torch.utils.data import DataLoader

from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype
from nasdsl.oneshot.inherited import HeldOut
from nasdsl.oneshot.kept_images import kept_images
from nasdsl.oneshot.method import Algorithm, Batch, Steps
from nasdsl.oneshot.mixing import skips
from nasdsl.oneshot.planning import OneShotPlan
from nasdsl.oneshot.watching import Candidate, SearchEpoch, SearchWatcher, collapse_warning
from nasdsl.train.batches import (
    EpochBatches,
    Reported,
    SeededImages,
    collated,
    readable,
    seed_of,
    seed_torch,
)
from nasdsl.train.checkpoint import Checkpoints, LoadedCheckpoint, state_errors
from nasdsl.train.loop import check_convergence
from nasdsl.train.results import Interrupted

#: Where validation images of an epoch begin anew: more often than any epoch takes all of them.
_PASSES = 1_000_000


class OneShotSearch:
    """A one-shot search between two steps.

    Args:
        plan: what it does.
        checkpoints: where its state is kept.
        watchers: told of everything.
        stop: asked between steps.
        save_seconds: between two checkpoints within an epoch.
    """

    def __init__(
        self,
        plan: OneShotPlan,
        checkpoints: Checkpoints | None = None,
        watchers: Sequence[SearchWatcher] = (),
        stop: Callable[[], bool] | None = None,
        save_seconds: float = 600,
    ) -> None:
        self.plan, self.checkpoints, self.watchers = plan, checkpoints, watchers
        self.stop, self.save_seconds = stop or (lambda: False), save_seconds
        options, splits = plan.options, plan.splits
        assert splits.held_out is not None
        self.train = EpochBatches(len(splits.train), options.batch, plan.seed)
        size = min(options.batch, len(splits.held_out))
        # Another seed, so that both orders differ.
        self.valid = EpochBatches(len(splits.held_out), size, seed_of(plan.seed, "order", 0))
        self.net = plan.supernet()
        self.steps = Steps(options.epochs, self.train.steps, plan.seed)
        self.algorithm: Algorithm = plan.method.make(self.net, self.steps, options)
        # What is augmented differs each time.
        is_augmented = options.augmentation != "none"
        self.training = splits.train if is_augmented else kept_images(splits.train)
        self.validation = kept_images(splits.held_out)
        self.held_out = HeldOut(self.validation, self.device)
        self.history: list[SearchEpoch] = []
        self.step, self.sum = 0, 0.0
        self.last_save = self.epoch_start = perf_counter()

    @property
    def device(self) -> torch.device:
        """Where the super-network is."""
        found: torch.device = next(self.net.parameters()).device
        return found

    @property
    def has_ended(self) -> bool:
        """Whether all epochs are done, or the skips have ended it."""
        collapses = self.plan.options.stop == "collapse"
        stopped = collapses and any(epoch.has_collapsed for epoch in self.history)
        return stopped or len(self.history) >= self.plan.options.epochs

    @property
    def result(self) -> SearchEpoch:
        """The epoch whose best candidate is the result: the last, or that before a collapse."""
        ended_early = self.plan.options.stop == "collapse" and self.history[-1].has_collapsed
        return self.history[-2] if ended_early and len(self.history) > 1 else self.history[-1]

    def run(self) -> SearchEpoch:
        """Search to the end; the epoch whose best candidate is the result.

        Raises:
            Interrupted: `stop` said so; the state is saved.
            CellError: NAS840, it has diverged; NAS842, no checkpoint can be read.
        """
        loaded = self.checkpoints.newest() if self.checkpoints else None
        if loaded is not None:
            self._load(loaded)
        self._notify("started", self)
        while not self.has_ended:
            self._epoch(len(self.history))
        return self.result

    def _epoch(self, epoch: int) -> None:
        first = self.step - epoch * self.steps.each
        self.algorithm.begin_epoch(epoch)
        self.train.begin(epoch, first)
        looks = self.plan.method.steps_validate
        # As if steps had looked at theirs, so that those after the epoch are the same.
        valid = self._valid(epoch, first if looks else self.steps.each)
        for train in self._batches(self.training, self.train):
            validation = next(valid) if looks else None
            # Afterwards, because loading images seeds the generator for each of them.
            self._seed(0)
            self.sum += self.algorithm.step(train, validation)
            self.step += 1
            done = self.step - epoch * self.steps.each
            self._notify("stepped", self.step, self.sum / done)
            check_convergence(self.sum / done, self.plan.splits.classes, self.step)
            if done < self.steps.each:
                self._between_steps()
        self._seed(1)
        self.algorithm.end_epoch(valid)
        self._seed(2)
        ended = self._measured(epoch)
        self.history.append(ended)
        self.sum, self.epoch_start = 0.0, perf_counter()
        path = self._save()
        self._notify("epoch_ended", ended)
        before = self.history[-2].has_collapsed if len(self.history) > 1 else False
        if ended.has_collapsed and not before:
            self._notify("warned", collapse_warning(ended))
        if self.stop() and not self.has_ended:
            raise Interrupted(path, self.step)

    def _between_steps(self) -> None:
        stop = self.stop()
        if stop or perf_counter() - self.last_save > self.save_seconds:
            path = self._save()
            if stop:
                raise Interrupted(path, self.step)

    def _seed(self, use: int) -> None:
        seed_torch(seed_of(self.plan.seed, "forward", self.step, use), self.device)

    def _measured(self, epoch: int) -> SearchEpoch:
        """The end of an epoch."""
        last = epoch + 1 == self.plan.options.epochs
        members = self.algorithm.candidates(last)
        measured = [(self.held_out.accuracy(self.net, member), member) for member in members]
        order = sorted(measured, key=lambda pair: -pair[0])
        skipped, ops = skips(self.plan.space, order[0][1])
        optimizer: Any = getattr(self.algorithm, "optimizer", None)
        return SearchEpoch(
            epoch + 1,
            self.step,
            self.sum / self.steps.each,
            tuple(Candidate(self.text(member), accuracy) for accuracy, member in order),
            skipped,
            ops,
            0.0 if optimizer is None else optimizer.lr,
            self.algorithm.strengths(),
            perf_counter() - self.epoch_start,
        )

    def text(self, member: Genotype) -> str:
        """A member's text, with the settings of the space's own text."""
        return genotype_text(member.with_settings(self.plan.own))

    # -- images ---------------------------------------------------------------------------

    def _batches(self, images: Any, batches: EpochBatches) -> Iterator[Batch]:
        loader = DataLoader(
            Reported(SeededImages(images)), batch_sampler=batches, collate_fn=collated
        )
        for pixels, labels in readable(loader):
            yield pixels.to(self.device), labels.to(self.device)

    def _valid(self, epoch: int, first: int) -> Iterator[Batch]:
        """Batches of an epoch's validation images without end, from one on."""
        passes, first = divmod(first, self.valid.steps)
        while True:
            self.valid.begin(epoch * _PASSES + passes, first)
            yield from self._batches(self.validation, self.valid)
            passes, first = passes + 1, 0

    # -- state ----------------------------------------------------------------------------

    def _save(self) -> Any:
        if self.checkpoints is None:
            return None
        self.last_save = perf_counter()
        state = {
            "net": self.net.state_dict(),
            "algorithm": self.algorithm.state_dict(),
            "history": [epoch.as_members() for epoch in self.history],
            "sum": self.sum,
        }
        return self.checkpoints.save(self.step, state)

    def _load(self, loaded: LoadedCheckpoint) -> None:
        state = loaded.state
        with state_errors(loaded.path):
            step = state["step"]
            if type(step) is not int or not 0 <= step <= self.steps.epochs * self.steps.each:
                raise ValueError(f"step {step!r:.40} is not one of this search")
            self.net.load_state_dict(state["net"])
            self.algorithm.load_state_dict(state["algorithm"])
            self.history = [SearchEpoch.from_members(members) for members in state["history"]]
            if len(self.history) != step // self.steps.each:
                raise ValueError(f"it lacks some of the {step // self.steps.each} epochs before")
            self.step, self.sum = step, float(state["sum"])
            if not math.isfinite(self.sum):
                raise ValueError("its loss is not finite")

    def _notify(self, moment: str, *what: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, moment)(*what)
