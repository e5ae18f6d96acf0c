"""Measure the search process: many simulated workers, one real store, every step committed.

    python -m bench.search --trials 20000 --workers 450 --algorithm random
    python -m bench.search --trials 100000 --workers 450 --curve docs/images/search_scale.svg

The workers are simulated within the process: each holds a lease for a random time on a clock
that is moved on to the next end, so that all that is measured is overhead: proposing, parsing,
hashing, committing with `synchronous=FULL`, observing. `--burst 1` lets every result come in
alone, which is the dearest way; a real cluster's results come in bunches when there is much to
do. The tables of `docs/scale.md` are runs of this.
"""

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.reliability.mocks import FULL, SimulatedEngine, reward_of, space
from nasdsl.search.engines.engine import Finished, Notice
from nasdsl.search.fidelity import Fidelity
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.objectives import Objective
from nasdsl.search.protocol import Result, Searcher, SearcherState
from nasdsl.search.searchers import make_searcher
from nasdsl.search.store import Lease


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        points = _run(options, Path(folder) / "search.db")
    _print(options, points)
    if options.curve:
        _draw(points, options.curve)


class _Measuring(SimulatedEngine):
    """Workers that measure what a search of two objectives asks for."""

    def __init__(self, workers: int, burst: int) -> None:
        super().__init__(workers, burst)
        self.texts: dict[str, str] = {}

    def submit(self, lease: Lease) -> str:
        """Hold the lease, and remember its text."""
        self.texts[lease.key] = lease.text
        return super().submit(lease)

    def poll(self, timeout: float) -> list[Notice]:
        """The next ends, with two measures."""
        return [self._measured(notice) for notice in super().poll(timeout)]

    def _measured(self, notice: Notice) -> Notice:
        assert isinstance(notice, Finished)
        size = reward_of(f"{self.texts.pop(notice.outcome.key)} size")
        measures = {"accuracy": notice.outcome.reward or 0.0, "size": size}
        return replace(notice, outcome=replace(notice.outcome, measures=measures))


class _Timed:
    """A searcher whose own time is known."""

    def __init__(self, searcher: Searcher) -> None:
        self.searcher, self.busy = searcher, 0.0

    def propose(self, n: int) -> list[str]:
        """What it proposes."""
        with self._measured():
            return self.searcher.propose(n)

    def observe(self, results: Sequence[Result]) -> None:
        """It observes."""
        with self._measured():
            self.searcher.observe(results)

    def state_dict(self) -> SearcherState:
        """Its state: to save that is a matter of the search."""
        return self.searcher.state_dict()

    def load_state_dict(self, state: SearcherState) -> None:
        """It continues."""
        self.searcher.load_state_dict(state)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        start = time.process_time()
        yield
        self.busy += time.process_time() - start


class Point(NamedTuple):
    """Where a search is.

    Attributes:
        trials: settled.
        seconds: since the start.
        busy: of processor time.
        resident: bytes of memory.
        own: of the processor time, that of the searcher.
    """

    trials: int
    seconds: float
    busy: float
    resident: int
    own: float


def _run(options: argparse.Namespace, store: Path) -> list[Point]:
    aims = (Objective("accuracy", less=False), Objective("size", less=True))
    settings = SearchSettings(
        space(FULL),
        store,
        algorithm=options.algorithm,
        evaluator="simulated",
        trials=options.trials,
        workers=options.workers,
        objectives=aims if options.two_objectives else (),
        fidelity=Fidelity(options.fidelity, 1, 81, 3) if options.fidelity else None,
    )
    step = max(1, options.trials // 20)
    searcher = _Timed(
        make_searcher(
            *(options.algorithm, settings.space, settings.seed, settings.options),
            objectives=max(1, len(settings.objectives)),
        )
    )
    start, busy = time.perf_counter(), time.process_time()
    points = [Point(0, 0.0, 0.0, _resident(), 0.0)]

    def look(event: Event) -> None:
        done = event.counts.completed - event.counts.promoted
        if done // step > points[-1].trials // step:
            now = time.perf_counter() - start, time.process_time() - busy
            points.append(Point(done, *now, _resident(), searcher.busy))
            if sys.stderr.isatty():
                print(done, file=sys.stderr)

    engine = _Measuring if options.two_objectives else SimulatedEngine
    counts = run(settings, look, engine=engine(options.workers, options.burst), searcher=searcher)
    assert counts.completed - counts.promoted == options.trials, counts
    return points


def _print(options: argparse.Namespace, points: list[Point]) -> None:
    print(
        f"{options.trials} trials, {options.workers} workers, {options.algorithm}"
        f"{', two objectives' if options.two_objectives else ''}"
        f"{f', {options.fidelity}' if options.fidelity else ''}, up to "
        f"{options.burst} result(s) a commit; {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| trials | seconds | ms a trial | on the processor | the searcher's | memory, MB |")
    print("|--:|--:|--:|--:|--:|--:|")
    for before, after in pairwise(points):
        each = " | ".join(f"{one:.2f}" for one in _each(before, after))
        print(f"| {after.trials} | {after.seconds:.1f} | {each} | {after.resident / 1e6:.0f} |")
    wall, busy, own = _each(points[0], points[-1])
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - points[0].resident
    print(f"\n{wall:.2f} ms a trial on average, {busy:.2f} ms of it on the processor, of which ")
    print(f"{own:.2f} ms are the searcher's own; ", end="")
    print(f"{growth / 1e6:.0f} MB more memory at the peak than at the start")


def _each(before: Point, after: Point) -> tuple[float, float, float]:
    """Milliseconds a trial between two points: by the clock, on the processor, the searcher's."""
    trials = (after.trials - before.trials) / 1e3
    wall, busy, own = (
        (getattr(after, name) - getattr(before, name)) / trials
        for name in ("seconds", "busy", "own")
    )
    return wall, busy, own


def _draw(points: list[Point], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3))
    cost, memory = figure.subplots(1, 2)
    trials = [point.trials for point in points[1:]]
    each = [_each(before, after) for before, after in pairwise(points)]
    cost.plot(trials, [wall for wall, _, _ in each], label="by the clock")
    cost.plot(trials, [busy for _, busy, _ in each], label="on the processor")
    cost.set(xlabel="trials", ylabel="ms a trial", ylim=(0, None))
    cost.legend()
    memory.plot(trials, [point.resident / 1e6 for point in points[1:]])
    memory.set(xlabel="trials", ylabel="resident memory, MB", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=450)
    parser.add_argument("--algorithm", default="random")
    parser.add_argument("--two-objectives", action="store_true", help="for NSGA-II")
    parser.add_argument("--fidelity", help="asha or hyperband: promotions come in addition")
    parser.add_argument("--burst", type=int, default=20, help="results a commit, at most")
    parser.add_argument("--folder", type=Path, help="where the store is made; a local disk")
    parser.add_argument("--curve", type=Path, help="an image to draw")
    return parser.parse_args()


if __name__ == "__main__":
    main()
