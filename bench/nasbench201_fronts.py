"""Compare searches of two objectives on NAS-Bench-201: accuracy, and latency on a device.

    for algorithm in random evolution nsga2; do
        python -m bench.nasbench201_fronts TABLE LATENCIES --device pixel3 --algorithm $algorithm \
            --out bench/tables/nasbench201_fronts.csv
    done
    python -m bench.nasbench201_fronts TABLE LATENCIES --out bench/tables/nasbench201_fronts.csv \
        --page docs/search_quality.md

TABLE is that of `bench/nasbench201.py`; LATENCIES is a CSV file with the same strings in `arch` and
milliseconds in a column for each device. A search sees the validation accuracy after 12 epochs and
the latency. What counts is the front of what it has evaluated, by what it saw: the hypervolume of
the test accuracies after 200 epochs and the latencies of the networks on it, as a share of the
hypervolume of all 15,625 networks. Volumes are counted from 10 %, which is guessing among ten
classes, and from the slowest network.

Rows that are in the file already are not made again, so the command may be stopped and goes on.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import nasdsl
from bench.nasbench201 import (
    LOOKS,
    OPTIONS,
    PATIENCE,
    append_row,
    mean_and_error,
    publish,
    table_row,
)
from nasdsl.search.evaluators.table import read_table
from nasdsl.search.pareto import Gains, front, hypervolume
from nasdsl.search.protocol import Result
from nasdsl.search.searchers import make_searcher

ALGORITHMS = ("random", "evolution", "nsga2")
VALIDATION, TEST, GUESSING = "c10_val_e12", "c10_test_e200", 0.1
#: Where the figures of a page begin and end.
MARK, END = "<!-- NAS-Bench-201 fronts -->", "<!-- end of NAS-Bench-201 fronts -->"


class Network(NamedTuple):
    """What the tables know of a member: what a search sees, and what counts."""

    hash: str
    seen: Gains
    counted: Gains


class Front(NamedTuple):
    """A row of the results: the share of the best hypervolume after each of `LOOKS`."""

    device: str
    algorithm: str
    seed: int
    shares: tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare searches of two objectives.")
    parser.add_argument("table", type=Path)
    parser.add_argument("latencies", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the results, a CSV file")
    parser.add_argument("--device", default="pixel3", help="a column of LATENCIES")
    parser.add_argument("--algorithm", choices=ALGORITHMS)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--page", type=Path, help="put the report into this page at its mark")
    chosen = parser.parse_args()
    if chosen.algorithm:
        done = {each[:3] for each in results(chosen.out)}
        space = nasdsl.load_space("nasbench201_space")
        networks = networks_of(space, chosen.table, chosen.latencies, chosen.device)
        for seed in range(chosen.seeds):
            if (chosen.device, chosen.algorithm, seed) not in done:
                shares = tuple(shares_of(space, networks, chosen.algorithm, seed))
                _append(chosen.out, Front(chosen.device, chosen.algorithm, seed, shares))
    publish(report_lines(results(chosen.out)), chosen.page, MARK, END)


def networks_of(
    space: nasdsl.Space, table: Path, latencies: Path, device: str
) -> dict[str, Network]:
    """Every member of the space by its text."""
    known = read_table(table, VALIDATION, "arch", [TEST])
    times = read_table(latencies, device, "arch", unit="raw")
    assert known.reports is not None
    found = {}
    for genotype in nasdsl.enumerate_genotypes(space):
        row = nasdsl.interop.write(genotype, "nasbench201").text.strip()
        speed = -times.scores[row].reward
        seen = known.scores[row].reward, speed
        counted = known.reports[TEST][row], speed
        found[nasdsl.genotype_text(genotype)] = Network(
            nasdsl.canonical_hash(genotype), seen, counted
        )
    return found


def shares_of(
    space: nasdsl.Space, networks: dict[str, Network], algorithm: str, seed: int
) -> Iterator[float]:
    """The share of the best hypervolume after each number of `LOOKS`."""
    reference = GUESSING, min(each.counted[1] for each in networks.values())
    best = hypervolume([each.counted for each in networks.values()], reference)
    options = OPTIONS.get(algorithm, {})
    search = make_searcher(algorithm, space, seed, options, objectives=2)
    seen: dict[str, Network] = {}
    looks = list(LOOKS)
    for _ in range(PATIENCE):
        (text,) = search.propose(1)
        proposed = networks[text]
        repeated = proposed.hash in seen
        known = seen.setdefault(proposed.hash, proposed)
        result = Result(text, known.hash, known.seen[0], None, repeated, known.seen)
        search.observe([result])
        if not repeated and len(seen) == looks[0]:
            evaluated = list(seen.values())
            places = front([each.seen for each in evaluated])
            yield hypervolume([evaluated[at].counted for at in places], reference) / best
            looks.pop(0)
            if not looks:
                return
    raise SystemExit(f"{algorithm}, seed {seed}: nothing new in {PATIENCE} proposals")


def results(path: Path) -> list[Front]:
    """The rows of the results so far."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Front(device, algorithm, int(seed), tuple(map(float, shares)))
            for device, algorithm, seed, *shares in list(csv.reader(file))[1:]
        ]


def _append(path: Path, found: Front) -> None:
    head = ["device", "algorithm", "seed", *(f"share_after_{look}" for look in LOOKS)]
    append_row(path, head, [*found[:3], *(f"{share:.5f}" for share in found.shares)])


def report_lines(found: Sequence[Front]) -> Iterator[str]:
    """Markdown: a table for each device, the mean of all seeds and its standard error."""
    for device in dict.fromkeys(each.device for each in found):
        rows = [each for each in found if each.device == device]
        seeds = len({each.seed for each in rows})
        yield f"`{device}`, mean share of the best hypervolume, {seeds} seeds, % (standard error):"
        yield ""
        yield table_row(("unique evaluations", *map(str, LOOKS)))
        yield table_row(["---"] * (len(LOOKS) + 1))
        for algorithm in ALGORITHMS:
            shares = [each.shares for each in rows if each.algorithm == algorithm]
            if len(shares) > 1:
                columns = [[100 * share for share in each] for each in zip(*shares, strict=True)]
                cells = map(mean_and_error, columns)
                yield table_row((f"`{algorithm}`", *cells))
        yield ""


if __name__ == "__main__":
    main()
