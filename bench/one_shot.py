"""Is one-shot search any good? Measured on a table of networks that were all trained.

    nice -n 10 python -m bench.one_shot --algorithms single_path,enas,darts,gdas --seeds 1

Each algorithm trains a super-network of the 3,025 genotypes of `bench/tables/digits.cell` on the
digits, in the network of `bench.table`. Then all members, or `--members` of them, are measured with
the weights that they inherit, on all images that no weights have learned from, and compared with
what the table says of them: Kendall's tau, and the rank of the member that the algorithm derived. A
row is printed, and appended to `--out`, when a search has ended; what has a row there is not
searched again. Two comparisons come first: the
order by the number of parameters, and that by the table's own test images.

With `--space nasbench201_space --nasbench201 TABLE`, where TABLE is that of `bench.nasbench201`, no
inherited accuracies are compared. The rows say what was derived: its rank among 15,625 by the test
accuracy on CIFAR-10, how many of its ops are skips, and how many were after each epoch. They are
without `stop=collapse`; `stopped_rank` is that of the cell which it would have given, where it
would have ended the search.
"""

import argparse
import csv
import os
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch.utils.data import ConcatDataset

import nasdsl
from bench.nasbench201 import place
from bench.table import SPACE, distinct, rows
from nasdsl.oneshot.inherited import HeldOut
from nasdsl.oneshot.planning import plan_one_shot
from nasdsl.oneshot.training import OneShotSearch
from nasdsl.space import genotype_at

TABLE = Path(__file__).parent / "tables" / "digits.csv"
#: As `bench.table` builds them: 4 filters in the first cell are 16 at the end.
NETWORK = {"stem": "cifar", "N": 1, "cell_filters": 4}
FIELDS = (
    *("algorithm", "space", "seed", "epochs", "members", "tau", "top10_tau"),
    *("derived_rank", "derived_table", "derived_inherited", "skips", "ops", "collapsed", "seconds"),
    *("skips_by_epoch", "stopped_rank"),
)


def main() -> None:
    """Search, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algorithms", default="single_path,enas,darts,gdas")
    parser.add_argument("--space", default="digits")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--members", type=int, default=0, help="0 measures all")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--nasbench201", type=Path, help="its table")
    parser.add_argument("--out", type=Path, help="a CSV file to which rows are appended")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.space == "digits":
        truth = _truth("held_out")
        for name in ("params", "test"):
            tau = _tau(list(_truth(name).values()), list(truth.values()))
            print(f"the order by {name}: tau {tau:.3f}", flush=True)
    done = _done(chosen.out) if chosen.out else set()
    for seed in range(chosen.seeds):
        for algorithm in chosen.algorithms.split(","):
            if (algorithm, chosen.space, str(seed)) in done:
                continue
            row = _measured(algorithm, chosen.space, seed, chosen)
            print("  ".join(f"{name} {row[name]}" for name in FIELDS), flush=True)
            if chosen.out:
                _append(chosen.out, row)


def _measured(algorithm: str, space: str, seed: int, chosen: argparse.Namespace) -> dict[str, Any]:
    began = time.process_time()
    has_table = space == "digits"
    given = dict(word.split("=", 1) for word in chosen.option)
    found = nasdsl.load_space(SPACE if has_table else space)
    plan = plan_one_shot(
        found, algorithm, options={**(NETWORK if has_table else {}), **given}, seed=seed
    )
    search = OneShotSearch(plan)
    ended = search.run()
    derived = nasdsl.loads(ended.best.text)
    row: dict[str, Any] = {
        **dict.fromkeys(FIELDS, ""),
        "algorithm": algorithm,
        "space": space,
        "seed": seed,
        "epochs": len(search.history),
        "derived_inherited": round(ended.best.accuracy, 4),
        "skips": ended.skips,
        "ops": ended.ops,
        "collapsed": sum(epoch.has_collapsed for epoch in search.history),
        "skips_by_epoch": " ".join(str(epoch.skips) for epoch in search.history),
    }
    if has_table:
        row |= _compared(search, found, derived, chosen.members)
    elif chosen.nasbench201:
        row |= _placed(search, derived, chosen.nasbench201)
    return {**row, "seconds": round(time.process_time() - began)}


def _compared(
    search: OneShotSearch, space: nasdsl.Space, derived: nasdsl.Genotype, members: int
) -> dict[str, Any]:
    """Inherited accuracies beside those of the table."""
    truth = _truth("held_out")
    ranked = sorted(truth, key=lambda hash: -truth[hash])
    known = {hash: at for hash, at in distinct().items() if hash in truth}
    step = max(1, len(known) // members) if members else 1
    taken = sorted(known)[::step]
    splits = search.plan.splits
    unseen = HeldOut(ConcatDataset([splits.held_out, splits.test]), search.device)
    inherited = {
        hash: unseen.accuracy(search.net, genotype_at(space, known[hash])) for hash in taken
    }
    best = [hash for hash in ranked[: len(ranked) // 10] if hash in inherited]
    mine = nasdsl.canonical_hash(derived)
    return {
        "members": len(taken),
        "tau": round(_tau([inherited[h] for h in taken], [truth[h] for h in taken]), 3),
        "top10_tau": round(_tau([inherited[h] for h in best], [truth[h] for h in best]), 3),
        "derived_rank": ranked.index(mine) + 1,
        "derived_table": round(truth[mine], 4),
    }


def _placed(search: OneShotSearch, derived: nasdsl.Genotype, table: Path) -> dict[str, Any]:
    """Where NAS-Bench-201 has what was derived, and what `stop=collapse` would have given."""
    at = place(table, derived)
    found: dict[str, Any] = {"derived_rank": at.rank, "derived_table": round(at.test / 100, 4)}
    epochs = search.history
    first = next((number for number, epoch in enumerate(epochs) if epoch.has_collapsed), None)
    if first is not None:
        before = nasdsl.loads(epochs[max(first - 1, 0)].best.text)
        found["stopped_rank"] = place(table, before).rank
    return found


def _truth(name: str) -> dict[str, float]:
    """By hash, what the table says of a genotype: the mean over its seeds."""
    found: dict[str, list[float]] = defaultdict(list)
    for each in rows(TABLE):
        found[each.hash].append(getattr(each, name))
    return {hash: fmean(values) for hash, values in found.items()}


def _tau(first: list[float], second: list[float]) -> float:
    """Kendall's tau-b, which allows for ties."""
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic)


def _done(path: Path) -> set[tuple[str, str, str]]:
    """The algorithms, spaces and seeds of which a file has rows."""
    if not path.exists():
        return set()
    with path.open(newline="") as file:
        return {(row["algorithm"], row["space"], row["seed"]) for row in csv.DictReader(file)}


def _append(path: Path, row: dict[str, Any]) -> None:
    is_new = not path.exists() or not path.stat().st_size
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    main()
