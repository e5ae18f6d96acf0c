"""Measure the controller: many simulated workers, one real store, every step committed.

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
from itertools import pairwise
from pathlib import Path

from bench.reliability.mocks import FULL, SimulatedEngine, space
from nasdsl.search.controller import Event, SearchSettings, run


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        points = _run(options, Path(folder) / "search.db")
    _print(options, points)
    if options.curve:
        _draw(points, options.curve)


#: Trials settled, seconds since the start, resident bytes.
Point = tuple[int, float, int]


def _run(options: argparse.Namespace, store: Path) -> list[Point]:
    settings = SearchSettings(
        space(FULL),
        store,
        algorithm=options.algorithm,
        evaluator="simulated",
        trials=options.trials,
        workers=options.workers,
    )
    step = max(1, options.trials // 20)
    start = time.perf_counter()
    points: list[Point] = []

    def look(event: Event) -> None:
        done = event.counts.completed
        if done // step > (points[-1][0] // step if points else -1):
            points.append((done, time.perf_counter() - start, _resident()))
            if sys.stderr.isatty():
                print(done, file=sys.stderr)

    counts = run(settings, look, engine=SimulatedEngine(options.workers, options.burst))
    assert counts.completed == options.trials, counts
    return points


def _print(options: argparse.Namespace, points: list[Point]) -> None:
    print(
        f"{options.trials} trials, {options.workers} workers, {options.algorithm}, up to "
        f"{options.burst} result(s) a commit; {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| trials | seconds | ms a trial, since the row above | memory, MB |\n|--:|--:|--:|--:|")
    for (before, then, _), (trials, now, memory) in pairwise(points):
        each = (now - then) / (trials - before) * 1e3
        print(f"| {trials} | {now:.1f} | {each:.2f} | {memory / 1e6:.0f} |")
    (first, begun, small), (last, ended, _) = points[0], points[-1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"\n{(ended - begun) / (last - first) * 1e3:.2f} ms a trial in the mean, ", end="")
    print(f"{(peak - small) / 1e6:.0f} MB more memory at the peak than at the start")


def _draw(points: list[Point], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3))
    cost, memory = figure.subplots(1, 2)
    pairs = list(pairwise(points))
    trials = [after[0] for _, after in pairs]
    cost.plot(trials, [(b[1] - a[1]) / (b[0] - a[0]) * 1e3 for a, b in pairs])
    cost.set(xlabel="trials", ylabel="ms a trial", ylim=(0, None))
    memory.plot(trials, [after[2] / 1e6 for _, after in pairs])
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
    parser.add_argument("--burst", type=int, default=20, help="results a commit, at most")
    parser.add_argument("--folder", type=Path, help="where the store is made; a local disk")
    parser.add_argument("--curve", type=Path, help="an image to draw")
    return parser.parse_args()


if __name__ == "__main__":
    main()
