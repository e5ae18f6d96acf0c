r"""What one-shot searches derive on Fashion-MNIST, trained beside random members of the space.

    nice -n 10 python -m bench.one_shot_finished --out finished \
        --nasbench201 ../shared/data/nasbench201.csv.gz \
        --table bench/tables/one_shot_finished.csv --page docs/one_shot.md

Each algorithm searches `nasbench201_space`. Then the members that they derive, and random ones, are
trained on their own, each with as many filters as bring it nearest to one number of parameters.
Test images are looked at once, by those trainings. All is kept in the folder `--out`, and what is
in the table is not trained again, so the command may be stopped and goes on.

`--nasbench201` is the table of `bench.nasbench201`: it adds how good the cell is on CIFAR-10, which
no search here has seen.
"""

import argparse
import csv
from pathlib import Path
from typing import NamedTuple

import torch

import nasdsl
from bench.finishing import Finished, Finishing, accuracies, finish_lines, write_page
from bench.nasbench201 import append_row, place
from nasdsl.errors import plural
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import load_space, loads
from nasdsl.oneshot.planning import plan_one_shot
from nasdsl.search.oneshot import (
    DERIVED,
    begin_one_shot,
    is_one_shot,
    recorded_one_shot,
    run_one_shot,
)
from nasdsl.train.run_folder import RunFolder

#: Where the figures of a page begin and end.
BEGIN, END = "<!-- one-shot finished -->", "<!-- end of one-shot finished -->"
SPACE = "nasbench201_space"
HEAD = ("network", "seed", "filters", "params", "held_out", "test")


class Row(NamedTuple):
    """A training at the end."""

    network: str
    seed: int
    filters: int
    params: int
    held_out: float
    test: float


def main() -> None:
    """Search, train, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--table", type=Path, required=True, help="CSV file of the trainings")
    parser.add_argument("--algorithms", default="darts,gdas")
    parser.add_argument("--random", type=int, default=4, help="random members")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--epochs", type=int, default=8, help="of the searches")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--image-size", type=int, default=14)
    parser.add_argument("--filters", type=int, default=4, help="of the super-networks")
    parser.add_argument("--finish-epochs", type=int, default=1)
    parser.add_argument("--finish-params", type=int, default=25_000)
    parser.add_argument("--seeds", type=int, default=3, help="of each training at the end")
    parser.add_argument("--nasbench201", type=Path, help="its table")
    parser.add_argument("--page", type=Path, help="Markdown with the marks of the figures")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    finishing = Finishing(
        chosen.data,
        chosen.finish_epochs,
        chosen.batch,
        chosen.image_size,
        0.1,
        1,
        chosen.finish_params,
        chosen.seeds,
        "bench.one_shot_finished",
    )
    members = {}
    for algorithm in chosen.algorithms.split(","):
        members[f"derived by {algorithm}"] = derived(algorithm, chosen)
    drawn = nasdsl.sample(load_space(SPACE), chosen.random, seed=0)
    members |= {f"random {number}": member for number, member in enumerate(drawn, 1)}
    # Seed by seed, so that whatever is there can be compared.
    for seed in range(chosen.seeds):
        for name, member in members.items():
            if (name, seed) not in {(row.network, row.seed) for row in rows(chosen.table)}:
                filters = finishing.filters(member)
                pair = accuracies(name, str(member), seed, chosen.out / "runs", finishing)
                found = Row(
                    name,
                    seed,
                    filters,
                    finishing.count(member, filters),
                    *(round(each, 4) for each in pair),
                )
                append_row(chosen.table, HEAD, found)
    done = finished(rows(chosen.table))
    text = "\n".join(
        [
            f"Searches of {plural(chosen.epochs, 'epoch')} in batches of {chosen.batch}, "
            f"{chosen.filters} filters in the first cell, N = 1, {chosen.data} at "
            f"{chosen.image_size} pixels. Networks of about {chosen.finish_params:,} parameters, "
            + finish_lines(done, finishing)[0],
            *finish_lines(done, finishing)[1:],
            "",
            *cell_lines(members, chosen.nasbench201),
        ]
    )
    print(text)
    if chosen.page:
        write_page(chosen.page, text, BEGIN, END)


def derived(algorithm: str, chosen: argparse.Namespace) -> Genotype:
    """What an algorithm derives; its search begins, continues, or has ended already."""
    path = chosen.out / f"{algorithm}-0"
    folder = RunFolder(path)
    if not (path / DERIVED).exists():
        if is_one_shot(path):
            plan = recorded_one_shot(path)
        else:
            options = {
                "image_size": chosen.image_size,
                "N": 1,
                "cell_filters": chosen.filters,
                "batch": chosen.batch,
                "epochs": chosen.epochs,
            }
            plan = plan_one_shot(load_space(SPACE), algorithm, data=chosen.data, options=options)
            folder = begin_one_shot(path, plan, ["python", "-m", "bench.one_shot_finished"])
        run_one_shot(folder, plan)
    return loads((path / DERIVED).read_text(encoding="utf-8"))


def rows(table: Path) -> list[Row]:
    """The trainings that are done."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return [
            Row(name, int(seed), int(filters), int(params), float(held_out), float(test))
            for name, seed, filters, params, held_out, test in list(csv.reader(file))[1:]
        ]


def finished(done: list[Row]) -> list[Finished]:
    """The networks of the trainings, each with its seeds."""
    found = []
    for name in dict.fromkeys(row.network for row in done):
        mine = [row for row in done if row.network == name]
        held_out, test = tuple(row.held_out for row in mine), tuple(row.test for row in mine)
        found.append(Finished(name, mine[0].filters, mine[0].params, held_out, test))
    return found


def cell_lines(members: dict[str, Genotype], table: Path | None) -> list[str]:
    """A table in Markdown of the cells, with their places on CIFAR-10 where they are known."""
    lines = ["| network | cell | rank on CIFAR-10 |", "| --- | --- | --: |"]
    for name, member in members.items():
        cell = nasdsl.interop.write(member, "nasbench201").text.strip().replace("|", "\\|")
        at = place(table, member) if table else None
        told = f"{at.rank:,} of {at.of:,} ({at.test:.2f} %)" if at else ""
        lines.append(f"| {name} | `{cell}` | {told} |")
    return lines


if __name__ == "__main__":
    main()
