"""Measure what PPO learns when many workers evaluate at the same time.

    python -m bench.learning --samples 6000 --workers 1 20 450

Workers are simulated, as for `bench.search`: each holds a network for one to two units of a clock
that is moved on to the next end, and the search is the real one, with a store in memory's place
on the disk. A network's reward is made up, so that it can be learned and its best is known: every
option of every decision has a worth, and so has every pair of options of neighbouring decisions;
the reward is the mean of all worths, scaled to 0 for the mean of random networks and to 1 for the
best network. With more workers, more networks are drawn before the first results of an update are
known; the table shows what that costs. The one of `docs/scale.md` is a run of this.
"""

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import fmean

from bench.reliability.mocks import FULL, SimulatedEngine, space
from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, Decisions, open_decisions
from nasdsl.search.engines.engine import Finished, Notice
from nasdsl.search.loop import run
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Lease, Outcome, Reader

#: Samples whose mean is shown.
_RECENT = 200
_SEED = 7


@dataclass(frozen=True, slots=True)
class Landscape:
    """A made-up reward: worths of options, and of pairs of neighbouring options.

    Attributes:
        alone: by decision and option.
        pairs: by decision, its option and the next decision's option.
    """

    decisions: Decisions
    alone: tuple[tuple[float, ...], ...]
    pairs: tuple[tuple[tuple[float, ...], ...], ...]
    mean: float
    best: float

    def reward(self, text: str) -> float:
        """From about 0, for a random network, to 1."""
        worth = self.worth(self.decisions.choices(text))
        return (worth - self.mean) / (self.best - self.mean)

    def worth(self, options: Choices) -> float:
        """The sum of the worths of these options."""
        alone = sum(worths[option] for worths, option in zip(self.alone, options, strict=True))
        following = zip(self.pairs, options, options[1:], strict=False)
        return alone + sum(worths[option][after] for worths, option, after in following)


def landscape(searched: Space, seed: int = _SEED) -> Landscape:
    """The reward of a space, drawn by a seed; its best is found decision by decision."""
    decisions, rng = open_decisions(searched), Random(seed)
    sizes = decisions.sizes
    alone = tuple(tuple(rng.random() for _ in range(size)) for size in sizes)
    pairs = tuple(
        tuple(tuple(rng.random() for _ in range(after)) for _ in range(size))
        for size, after in pairwise(sizes)
    )
    made = Landscape(decisions, alone, pairs, 0.0, 1.0)
    mean = fmean(made.worth(decisions.draw(rng)) for _ in range(2000))
    return Landscape(decisions, alone, pairs, mean, _best(alone, pairs))


def _best(
    alone: tuple[tuple[float, ...], ...], pairs: tuple[tuple[tuple[float, ...], ...], ...]
) -> float:
    """The most that any choice of options is worth: for each option, the best way to it."""
    reached = list(alone[0])
    for worths, own in zip(pairs, alone[1:], strict=True):
        reached = [
            worth + max(before + worths[at][option] for at, before in enumerate(reached))
            for option, worth in enumerate(own)
        ]
    return max(reached)


class LearningEngine(SimulatedEngine):
    """Simulated workers that give the rewards of a landscape."""

    def __init__(self, workers: int, rewards: Landscape) -> None:
        super().__init__(workers, burst=1)
        self._rewards = rewards
        self._texts: dict[str, str] = {}

    def submit(self, lease: Lease) -> str:
        """Hold it."""
        self._texts[lease.key] = lease.text
        return super().submit(lease)

    def poll(self, timeout: float) -> list[Notice]:
        """The next end."""
        found: list[Notice] = []
        for notice in super().poll(timeout):
            assert isinstance(notice, Finished)
            key, trial = notice.outcome.key, notice.outcome.trial
            reward = self._rewards.reward(self._texts.pop(key))
            found.append(Finished(Outcome(key, trial, reward), notice.worker))
        return found


def rewards_of(
    folder: Path, workers: int, samples: int, window: int | None, algorithm: str
) -> list[float]:
    """The rewards of a search's samples, in the order of the proposals."""
    searched = space(FULL)
    settings = SearchSettings(
        searched,
        folder / f"{algorithm}-{workers}-{window}.db",
        algorithm=algorithm,
        evaluator="simulated",
        trials=samples,
        workers=workers,
        window=window,
    )
    run(settings, engine=LearningEngine(workers, landscape(searched)))
    with Reader(settings.store) as store:
        return [trial.reward for trial in store.trials() if trial.reward is not None]


def main() -> None:
    options = _options()
    marks = [options.samples * part // 6 for part in range(1, 7)]
    print(
        f"mean reward of the {_RECENT} samples before each mark; a random network has 0, the best "
        f"1; Python {platform.python_version()}\n"
    )
    print("| algorithm | workers | window | " + " | ".join(f"{mark:,}" for mark in marks), end="")
    print(" | best sample | seconds |\n|---|" + "--:|" * (len(marks) + 4))
    runs = [("ppo", workers, None) for workers in options.workers]
    runs += [("ppo", options.workers[-1], window) for window in options.window]
    for algorithm, workers, window in [*runs, ("random", 1, None)]:
        begun = time.process_time()
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found = rewards_of(Path(folder), workers, options.samples, window, algorithm)
        means = [fmean(found[max(0, mark - _RECENT) : mark]) for mark in marks]
        block = min(workers, 20)
        shown = " | ".join(f"{mean:.3f}" for mean in means)
        print(f"| {algorithm} | {workers} | {window or workers + block} | {shown}", end="")
        print(f" | {max(found):.3f} | {time.process_time() - begun:.0f} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=6000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 20, 450])
    parser.add_argument("--window", type=int, nargs="*", default=[900])
    parser.add_argument("--folder", type=Path, default=os.environ.get("TMPDIR"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
