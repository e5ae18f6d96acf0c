r"""Compare the search algorithms on the table of `bench/tables`, where every answer is known.

    python -m bench.search_quality --page docs/search_quality.md \
        --plot docs/images/search_quality.svg
    python -m bench.search_quality --tune

Each algorithm searches the 3,025 genotypes of `bench/tables/digits.cell` from each seed,
one proposal at a time; a genotype that is equivalent to one already evaluated gets the known
reward and is not counted again, as in a search. The reward is the held-out accuracy; what
the chosen genotype reaches on the test images, which no search sees, is shown beside it.
Options other than the published ones were chosen by `--tune`, on seeds that are not reported.
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

import nasdsl
from nasdsl.search.evaluators.table import read_table
from nasdsl.search.protocol import Result
from nasdsl.search.searchers import searcher

TABLES = Path(__file__).parent / "tables"
SEEDS = range(100)
TUNING_SEEDS = range(1000, 1020)
#: Unique evaluations of a run, and where the table of the report looks.
LENGTH, LOOKS = 500, (50, 100, 200, 300, 500)
#: Proposals after which a run ends: a controller that is sure of itself repeats itself.
PATIENCE = 10_000


@dataclass(frozen=True)
class Contender:
    """An algorithm with its options, and the name it has in the report."""

    name: str
    algorithm: str
    options: Mapping[str, Any] = field(default_factory=dict)


CONTENDERS = (
    Contender("random", "random", {"repeats": False}),
    Contender("local", "local"),
    Contender("evolution, P = 100, S = 25", "evolution"),
    Contender("PPO, the paper's numbers", "ppo"),
)
#: Where a page's figures begin; what follows is this script's.
MARK = "<!-- figures -->"
CAPTION = "Best reward so far against unique evaluations, and the test accuracy of the best"
#: What `--tune` compares; the best of each is what the report calls tuned.
GRID = {
    "evolution": {"population": (10, 20, 50), "sample": (3, 10)},
    "ppo": {"lr": (0.0035, 0.01, 0.03), "passes": (4, 10), "entropy": (1e-5, 1e-3)},
}


@dataclass(frozen=True)
class World:
    """The space with everything the table knows of it, by text and by hash."""

    space: nasdsl.Space
    hashes: Mapping[str, str]
    rewards: Mapping[str, float]
    tests: Mapping[str, float]

    @property
    def ranking(self) -> dict[str, int]:
        """Each hash's place among all by reward: 1, and 1 more for each that is better."""
        best_first = sorted(self.rewards.values(), reverse=True)
        places = {reward: best_first.index(reward) + 1 for reward in set(best_first)}
        return {hash: places[reward] for hash, reward in self.rewards.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare searchers on the table benchmark.")
    parser.add_argument("--table", type=Path, default=TABLES / "digits.csv")
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--page", type=Path, help="insert the report into this page at its mark")
    parser.add_argument("--plot", type=Path, help="draw the curves, in the format of the suffix")
    parser.add_argument("--tune", action="store_true", help="compare options on other seeds")
    chosen = parser.parse_args()
    world = world_of(chosen.table)
    if chosen.tune:
        _tune(world)
        return
    curves = {
        each.name: [[*found(world, each, seed)] for seed in SEEDS[: chosen.seeds]]
        for each in CONTENDERS
    }
    report = _report(world, curves)
    if chosen.plot:
        _plot(world, curves, chosen.plot)
    if chosen.page:
        if chosen.plot:
            place = os.path.relpath(chosen.plot, chosen.page.parent)
            report = f"![{CAPTION}]({place})\n\n{report}"
        text, mark, _ = chosen.page.read_text().partition(MARK)
        chosen.page.write_text(f"{text}{mark}\n\n{report}\n")
    else:
        print(report)


def world_of(table: Path) -> World:
    """The space, and the table's rewards and test accuracies."""
    space = nasdsl.load_space(TABLES / "digits.cell")
    members = {nasdsl.genotype_text(each): each for each in nasdsl.enumerate_genotypes(space)}
    hashes = {text: nasdsl.canonical_hash(each) for text, each in members.items()}
    rewards, tests = (
        {hash: score.reward for hash, score in read_table(table, column).scores.items()}
        for column in ("held_out", "test")
    )
    return World(space, hashes, rewards, tests)


def found(world: World, contender: Contender, seed: int) -> Iterator[str]:
    """The best genotype's hash after 1, 2, ... unique evaluations of one search."""
    search = searcher(contender.algorithm, world.space, seed, **contender.options)
    seen: set[str] = set()
    best = ""
    for _ in range(PATIENCE):
        texts = search.propose(1)
        if not texts or len(seen) == LENGTH:
            break
        hash = world.hashes[texts[0]]
        reward = world.rewards[hash]
        search.observe([Result(texts[0], hash, reward, None, hash in seen)])
        if hash not in seen:
            seen.add(hash)
            best = max(best or hash, hash, key=lambda each: world.rewards[each])
            yield best
    # A run that ended early keeps what it has.
    for _ in range(LENGTH - len(seen)):
        yield best


# -- reports -----------------------------------------------------------------------------

Runs = Sequence[Sequence[str]]
Curves = Mapping[str, Runs]


def _report(world: World, curves: Curves) -> str:
    """Markdown: median (quartiles) after some evaluations."""
    best = max(world.rewards, key=lambda hash: world.rewards[hash])
    lines = [
        f"The best of the {len(world.rewards):,} genotypes has a reward of"
        f" {world.rewards[best]:.2%} and a test accuracy of {world.tests[best]:.2%}; the median"
        f" genotype a reward of {_quartiles(list(world.rewards.values()))[1]:.2%}.",
    ]
    for title, values, form in (
        ("Best reward (held-out accuracy, %)", world.rewards, _percent),
        ("Place of that reward among all genotypes, from 1", world.ranking, "{:.0f}".format),
        ("Test accuracy of the best, %", world.tests, _percent),
    ):
        head = ("unique evaluations", *map(str, LOOKS))
        lines += ["", f"{title}, median (quartiles):", "", _row(head), _row(["---"] * len(head))]
        for name, runs in curves.items():
            cells = [_quartiles([values[run[look - 1]] for run in runs]) for look in LOOKS]
            texts = (f"{form(mid)} ({form(low)} to {form(high)})" for low, mid, high in cells)
            lines.append(_row((name, *texts)))
    return "\n".join([*lines, "", *_verdicts(world, curves)])


def _verdicts(world: World, curves: Curves) -> Iterator[str]:
    """In how many of the seeds each algorithm is ahead of random search, and who leads."""
    yield "Seeds in 100 in which an algorithm is ahead of random search (a tie is half a seed):"
    yield ""
    yield _row(("unique evaluations", *map(str, LOOKS)))
    yield _row(["---"] * (len(LOOKS) + 1))
    baseline, *others = curves
    for name in others:
        wins = [_wins(world, curves[name], curves[baseline], look) for look in LOOKS]
        yield _row((name, *(f"{win:.0f}" for win in wins)))
    yield ""
    for look in LOOKS:
        medians = {name: _median_at(world, runs, look) for name, runs in curves.items()}
        best = max(medians.values())
        leaders = " and ".join(name for name, each in medians.items() if each == best)
        yield f"- After {look} evaluations the highest median is that of {leaders}."


def _wins(world: World, mine: Runs, theirs: Runs, look: int) -> float:
    points = []
    for ours, other in zip(mine, theirs, strict=True):
        here, there = (world.rewards[run[look - 1]] for run in (ours, other))
        points.append((here > there) + (here == there) / 2)
    return 100 * fmean(points)


def _median_at(world: World, runs: Runs, look: int) -> float:
    return median(world.rewards[run[look - 1]] for run in runs)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive")


def _plot(world: World, curves: Curves, path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    # Text as text, and no date or random names: the same figures give the same file.
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "nasdsl"}
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    panels = (("reward: held-out accuracy", world.rewards), ("test accuracy", world.tests))
    for axis, (title, values) in zip(axes, panels, strict=True):
        for name, runs in curves.items():
            columns = zip(*runs, strict=True)
            bands = [_quartiles([values[hash] for hash in column]) for column in columns]
            low, mid, high = zip(*bands, strict=True)
            x = range(1, len(mid) + 1)
            (line,) = axis.plot(x, mid, label=name)
            axis.fill_between(x, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axis.set(xscale="log", xlim=(10, LENGTH), xlabel="unique evaluations", title=title)
        axis.set_ylim(bottom=min(line.get_ydata()[9] for line in axis.lines) - 0.002)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("best so far: median and quartiles")
    axes[0].legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _tune(world: World) -> None:
    for algorithm, grid in GRID.items():
        for values in product(*grid.values()):
            options = dict(zip(grid, values, strict=True))
            contender = Contender(algorithm, algorithm, options)
            runs = [[*found(world, contender, seed)] for seed in TUNING_SEEDS]
            means = [fmean(world.rewards[run[look - 1]] for run in runs) for look in LOOKS]
            print(algorithm, options, *map(_percent, means), flush=True)


if __name__ == "__main__":
    main()
