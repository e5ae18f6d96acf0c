"""Train every network of a small space for real, and keep what each one reached in a table.

    nice -n 10 python -m bench.table --out bench/tables/digits.csv --seeds 2 --workers 2

The space is `bench/tables/digits.cell`: 3,025 genotypes up to the canonical form. Each is
trained once a seed, seed by seed, for about a second of one core. A row is on disk before
the next one is counted, so the run can be ended at any moment, and the same command continues.

Every network has the same skeleton and recipe, fixed before the table was made:

- data: scikit-learn's digits, 1,797 images of 8x8 in ten classes, shuffled once; 600 train,
  597 are held out (the reward of a search), 600 test what a search has chosen;
- network: the `nasnet` skeleton with the `cifar` stem, N = 1, 16 filters at the end (cells
  of 4, 4, 8, 8 and 16 filters), no auxiliary head, no dropout, no drop path;
- training: 8 epochs of 12 batches of 50, SGD with Nesterov momentum 0.9, weight decay 1e-4,
  a one-cycle learning rate with its peak at 0.2. Batch norm's statistics are then taken
  over the whole training set at the final weights, so that no lag of moving averages is
  mistaken for a difference between cells.

The recipe is small so that all of it can be made on a laptop: the accuracies are far below
what digits allows, and it is the order of the cells under this recipe that a search sees.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import nasdsl
from nasdsl.space import genotype_at, index_of

SPACE = Path(__file__).parent / "tables" / "digits.cell"
NETWORK: dict[str, Any] = {
    "stem": "cifar",
    "N": 1,
    "filters": 16,
    "image_size": 8,
    "input_channels": 1,
    "classes": 10,
    "auxiliary": False,
    "drop_path": 0.0,
    "dropout": 0.0,
}
TRAIN, HELD_OUT = 600, 597
EPOCHS, BATCH, PEAK = 8, 50, 0.2


class Row(NamedTuple):
    """One training. Accuracies are fractions, `seconds` processor time."""

    hash: str
    index: int
    seed: int
    held_out: float
    test: float
    params: int
    mult_adds: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of the benchmark, or continue it.")
    parser.add_argument("--out", type=Path, required=True, help="the table, a CSV file")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--limit", type=int, help="stop after this many trainings")
    chosen = parser.parse_args()
    done = {(row.hash, row.seed) for row in rows(chosen.out)} if chosen.out.exists() else set()
    members = distinct()
    wanted = [
        (index, hash, seed)
        for seed in range(chosen.seeds)
        for hash, index in members.items()
        if (hash, seed) not in done
    ]
    print(f"{len(done):,} trainings done, {len(wanted):,} to do", file=sys.stderr)
    made = _trained(wanted[: chosen.limit], chosen.workers)
    with _appending(chosen.out) as file:
        writer = csv.writer(file, lineterminator="\n")
        start = time.monotonic()
        for count, row in enumerate(made, 1):
            writer.writerow(row)
            file.flush()
            os.fsync(file.fileno())
            if count % 100 == 0:
                rate = (time.monotonic() - start) / count
                left = rate * (len(wanted) - count) / 60
                print(f"{count:,} done, {rate:.2f} s each, {left:.0f} min left", file=sys.stderr)


def distinct() -> dict[str, int]:
    """The canonical hash of every genotype, and the first index that has it."""
    space = nasdsl.load_space(SPACE)
    found: dict[str, int] = {}
    for genotype in nasdsl.enumerate_genotypes(space):
        found.setdefault(nasdsl.canonical_hash(genotype), index_of(space, genotype))
    return found


def rows(table: Path) -> Iterator[Row]:
    """The rows of a table, in any order."""
    with table.open(newline="") as file:
        for index, row in enumerate(csv.reader(file)):
            if index:
                hash, at, seed, held_out, test, params, mult_adds, seconds = row
                accuracies = float(held_out), float(test)
                counts = int(params), int(mult_adds)
                yield Row(hash, int(at), int(seed), *accuracies, *counts, float(seconds))


def _appending(table: Path) -> Any:
    """The table open at its end, without the row that an earlier end may have cut."""
    table.parent.mkdir(parents=True, exist_ok=True)
    file = table.open("a+", newline="")
    file.seek(0)
    text = file.read()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.truncate(len(whole))
    if not whole:
        file.write(",".join(Row._fields) + "\n")
    return file


def _trained(wanted: list[tuple[int, str, int]], workers: int) -> Iterator[Row]:
    """A row for each of `wanted`, as they are done; spawned processes of one thread each."""
    os.environ["OMP_NUM_THREADS"] = "1"
    left = iter(wanted)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # A few at a time, so that an interruption has little to wait for.
        running = {pool.submit(row_of, *each) for each in islice(left, 2 * workers)}
        while running:
            done = next(as_completed(running))
            running.remove(done)
            running |= {pool.submit(row_of, *each) for each in islice(left, 1)}
            yield done.result()


def row_of(index: int, hash: str, seed: int) -> Row:
    """The row of member `index`, trained with `seed`."""
    genotype = genotype_at(nasdsl.load_space(SPACE), index)
    before = time.process_time()
    held_out, test = accuracies(genotype, seed)
    seconds = time.process_time() - before
    cost = nasdsl.cost(genotype, **NETWORK)
    figures = round(held_out, 6), round(test, 6), cost.params, cost.mult_adds
    return Row(hash, index, seed, *figures, round(seconds, 3))


def accuracies(genotype: nasdsl.Genotype, seed: int) -> tuple[float, float]:
    """The held-out and the test accuracy of a genotype trained by the recipe above."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    images, labels = _data()
    torch.manual_seed(seed)
    network = nasdsl.compile(genotype, **NETWORK)
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=PEAK, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    steps = EPOCHS * (TRAIN // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps)
    network.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(TRAIN, generator=order).split(BATCH):
            loss = functional.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        _settle_batch_norm(network, images[:TRAIN])
        right = network.eval()(images[TRAIN:]).argmax(1) == labels[TRAIN:]
    held_out, test = right[:HELD_OUT].float().mean(), right[HELD_OUT:].float().mean()
    return float(held_out), float(test)


def _settle_batch_norm(network: Any, images: Any) -> None:
    """Take the statistics over all of `images` at once, in the place of moving averages."""
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    network.train()(images)


@cache
def _data() -> tuple[Any, Any]:
    """Images (1797, 1, 8, 8), normalised by the training ones, and labels (1797,)."""
    import torch
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    images = torch.tensor(digits.images, dtype=torch.float32)[order, None]
    deviation, mean = torch.std_mean(images[:TRAIN])
    return (images - mean) / deviation, torch.tensor(digits.target)[order]


if __name__ == "__main__":
    main()
