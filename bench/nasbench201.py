"""Compare the search algorithms on NAS-Bench-201, whose networks others have trained.

    for algorithm in random local evolution ppo optuna surrogate; do
        python -m bench.nasbench201 TABLE --out bench/tables/nasbench201_searches.csv \
            --dataset cifar10 --algorithm $algorithm
    done
    python -m bench.nasbench201 TABLE --out bench/tables/nasbench201_searches.csv \
        --page docs/search_quality.md

TABLE is a CSV file, `.gz` or not, with the benchmark's strings in `arch`, and for CIFAR-10
(`c10`) and CIFAR-100 (`c100`) validation accuracies after 12 epochs (`c10_val_e12`) and test
accuracies after 200 (`c10_test_e200`), in percent. A search sees the former alone. What counts is
the test accuracy of the network whose validation accuracy is best after a number of unique
evaluations: networks that are equal up to names and order share one, as in `nasdsl search`.

A search that has the best network of the table has nothing left to find, and ends there. Rows that
are in the file already are not made again, so the command may be stopped and goes on.
"""

import argparse
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

import nasdsl
from nasdsl.search.algorithms.surrogate import Memory, Surrogate
from nasdsl.search.evaluators.table import read_table
from nasdsl.search.protocol import Result
from nasdsl.search.searchers import searcher

COLUMNS = {"cifar10": "c10", "cifar100": "c100"}
LOOKS = (50, 100, 200, 300)
#: Their options are the defaults. Random search draws nothing twice, which changes no figure.
OPTIONS: Mapping[str, Mapping[str, object]] = {"random": {"repeats": False}}
ALGORITHMS = ("random", "local", "evolution", "ppo", "optuna", "surrogate")
#: Proposals after which a search that repeats itself ends.
PATIENCE = 3000
#: Where the figures of a page begin and end.
MARK, END = "<!-- NAS-Bench-201 -->", "<!-- end of NAS-Bench-201 -->"


class Member(NamedTuple):
    """What the table knows of a member of the space."""

    hash: str
    validation: float
    test: float


class World(NamedTuple):
    """The space, its members by text, and the best validation accuracy there is."""

    space: nasdsl.Space
    members: Mapping[str, Member]
    best: float


class Found(NamedTuple):
    """A row of the results: the test accuracy, in percent, after each of `LOOKS`."""

    dataset: str
    algorithm: str
    seed: int
    tests: tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare searchers on NAS-Bench-201.")
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the results, a CSV file")
    parser.add_argument("--dataset", choices=COLUMNS, default="cifar10")
    parser.add_argument("--algorithm", choices=ALGORITHMS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--page", type=Path, help="put the report into this page at its mark")
    chosen = parser.parse_args()
    if chosen.algorithm:
        done = {(each.dataset, each.algorithm, each.seed) for each in results(chosen.out)}
        world = world_of(chosen.table, chosen.dataset)
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            if (chosen.dataset, chosen.algorithm, seed) not in done:
                tests = tuple(searched(world, chosen.algorithm, seed))
                _append(chosen.out, Found(chosen.dataset, chosen.algorithm, seed, tests))
    publish(report_lines(results(chosen.out)), chosen.page, MARK, END)


def publish(lines: Iterable[str], page: Path | None, mark: str, end: str) -> None:
    """Put a report between two marks of a page, or print it where there is no page."""
    report = "\n".join(lines)
    if page is None:
        print(report)
        return
    before, mark, rest = page.read_text().partition(mark)
    _, end, after = rest.partition(end)
    page.write_text(f"{before}{mark}\n\n{report}\n\n{end}{after}")


def world_of(table: Path, dataset: str) -> World:
    """Every member of the space with what the table says of it."""
    space = nasdsl.load_space("nasbench201_space")
    column = COLUMNS[dataset]
    test = f"{column}_test_e200"
    known = read_table(table, f"{column}_val_e12", "arch", [test])
    members = {}
    for genotype in nasdsl.enumerate_genotypes(space):
        text = nasdsl.genotype_text(genotype)
        row = nasdsl.interop.write(genotype, "nasbench201").text.strip()
        reward = known.scores[row].reward
        assert known.reports is not None
        hash = nasdsl.canonical_hash(genotype)
        members[text] = Member(hash, reward, 100 * known.reports[test][row])
    return World(space, members, max(member.validation for member in members.values()))


class Place(NamedTuple):
    """What the table says of a network that was trained for 200 epochs on CIFAR-10.

    Attributes:
        rank: by test accuracy, from 1.
        of: how many networks there are.
        test: the accuracy, in percent.
    """

    rank: int
    of: int
    test: float


def place(table: Path, genotype: nasdsl.Genotype) -> Place:
    """How good a member of the space is on CIFAR-10."""
    known = read_table(table, "c10_test_e200", "arch", []).scores
    mine = known[nasdsl.interop.write(genotype, "nasbench201").text.strip()].reward
    better = sum(score.reward > mine for score in known.values())
    return Place(better + 1, len(known), 100 * mine)


def searched(world: World, algorithm: str, seed: int) -> Iterator[float]:
    """The test accuracy of the best by validation, after each number of `LOOKS`."""
    search = searcher(algorithm, world.space, seed, **OPTIONS.get(algorithm, {}))
    if isinstance(search, Surrogate):
        search.memory = _MEMORY.setdefault(world.space.name, search.memory)
        search.memory.most = len(world.members)
    seen: dict[str, Member] = {}
    best: Member | None = None
    looks = list(LOOKS)
    for _ in range(PATIENCE):
        texts = search.propose(1)
        if not texts:
            break
        member = world.members[texts[0]]
        known = member.hash in seen
        member = seen.setdefault(member.hash, member)
        search.observe([Result(texts[0], member.hash, member.validation, None, known)])
        if best is None or member.validation > best.validation:
            best = member
        if len(seen) == looks[0] and not known:
            yield best.test
            looks.pop(0)
        if not looks or best.validation == world.best:
            break
    assert best is not None
    yield from (best.test for _ in looks)


#: Features do not depend on the seed, so they are worked out once a process.
_MEMORY: dict[str, Memory] = {}


def results(path: Path) -> list[Found]:
    """The rows of the results so far."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Found(dataset, algorithm, int(seed), tuple(map(float, tests)))
            for dataset, algorithm, seed, *tests in list(csv.reader(file))[1:]
        ]


def _append(path: Path, found: Found) -> None:
    head = ["dataset", "algorithm", "seed", *(f"test_after_{look}" for look in LOOKS)]
    append_row(path, head, [*found[:3], *(f"{test:.4f}" for test in found.tests)])


def append_row(path: Path, head: Sequence[str], row: Sequence[object]) -> None:
    """Add a row to a CSV file; one that is new begins with the names of its columns."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(head)
        writer.writerow(row)


def report_lines(found: Sequence[Found]) -> Iterator[str]:
    """Markdown: a table for each data set, the mean of all seeds and its standard error."""
    for dataset in COLUMNS:
        rows = [each for each in found if each.dataset == dataset]
        if not rows:
            continue
        seeds = len({each.seed for each in rows})
        yield f"{dataset}, mean test accuracy of {seeds} seeds, % (standard error):"
        yield ""
        yield table_row(("unique evaluations", *map(str, LOOKS)))
        yield table_row(["---"] * (len(LOOKS) + 1))
        for algorithm in ALGORITHMS:
            tests = [each.tests for each in rows if each.algorithm == algorithm]
            if len(tests) > 1:
                cells = [mean_and_error(each) for each in zip(*tests, strict=True)]
                more = "" if len(tests) == seeds else f", {len(tests)} seeds"
                yield table_row((f"`{algorithm}`{more}", *cells))
        yield ""


def mean_and_error(values: Sequence[float]) -> str:
    """The mean of at least two values, and its standard error in brackets."""
    return f"{fmean(values):.2f} ({stdev(values) / len(values) ** 0.5:.2f})"


def table_row(cells: Sequence[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
