r"""The experiment of Zoph et al. 2018 in small: searches on Fashion-MNIST, and what they found.

    python -m bench.paper_in_small --out paper --children 150 --page docs/paper_in_small.md
    python -m bench.paper_in_small --out paper --children 3 --epochs 1 --finish-epochs 1 \
        --data digits --image-size 8 --seeds 1

Each algorithm searches `nasnet_space`; a child is trained from scratch and rewarded by its
accuracy on images held out of the training images. Figure 6 is drawn from the searches. Then the
best network of each algorithm, NASNet-A and the median child of random search are trained longer,
each with as many filters as bring it nearest to one number of parameters, and with several seeds.
Test images are looked at once, by those trainings, when they are complete.

Everything is kept in the folder `--out`, and the same command continues after an interruption: the
searches from their stores, the trainings from their checkpoints. `--report` writes the page of the
searches as far as they are:

    python -m bench.paper_in_small --out paper --page docs/paper_in_small.md --report
"""

import argparse
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.finishing import (
    Finished,
    Finishing,
    accuracies,
    finish_lines,
    parameters,
    write_page,
)
from nasdsl.errors import plural
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import load, load_space, loads
from nasdsl.search.figures import write_figure
from nasdsl.search.loop import Event, run
from nasdsl.search.planning import plan_search
from nasdsl.search.store import Reader, Trial

#: Where a page's figures begin and end; what is between is this script's.
BEGIN, END = "<!-- paper in small -->", "<!-- end of paper in small -->"
PICTURE = Path("images") / "paper_in_small.svg"


@dataclass(frozen=True)
class Sizes:
    """What decides how long it takes.

    Attributes:
        data: what is trained on, as `nasdsl train --data` has it.
        children: networks that each algorithm proposes.
        epochs: of a child's training.
        batch: images of a step, of children and of the trainings at the end.
        image_size: pixels a side.
        held_out: share of the training images that rewards are measured on.
        filters: of a child's first cell.
        depth: N, of children and at the end.
        finish_epochs: of the trainings at the end.
        finish_filters: those of NASNet-A's first cell at the end, which set the size of all.
        seeds: of each training at the end.
    """

    data: str
    children: int
    epochs: int
    batch: int
    image_size: int
    held_out: float
    filters: int
    depth: int
    finish_epochs: int
    finish_filters: int
    seeds: int

    @property
    def evaluator(self) -> str:
        """That of the searches."""
        return (
            f"train?data={self.data}&N={self.depth}&cell_filters={self.filters}&"
            f"epochs={self.epochs}&batch={self.batch}&image_size={self.image_size}&"
            f"held_out={self.held_out}&augmentation=none&device=cpu&channels_last=true"
        )

    @property
    def finishing(self) -> Finishing:
        """The trainings at the end."""
        nasnet = load("nasnet_a_unused")
        return Finishing(
            self.data,
            self.finish_epochs,
            self.batch,
            self.image_size,
            self.held_out,
            self.depth,
            parameters(nasnet, self.finish_filters, self.depth, self.image_size),
            self.seeds,
            "bench.paper_in_small",
        )


def main() -> None:
    """Search, draw, train, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--algorithms", default="random,ppo,surrogate")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--children", type=int, default=150)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=27)
    parser.add_argument("--image-size", type=int, default=14)
    parser.add_argument("--held-out", type=float, default=0.1)
    parser.add_argument("--filters", type=int, default=4)
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--finish-epochs", type=int, default=5)
    parser.add_argument("--finish-filters", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="of what there is; train nothing")
    parser.add_argument("--page", type=Path, help="Markdown with the marks of the figures")
    chosen = parser.parse_args()
    names = Sizes.__dataclass_fields__
    sizes = Sizes(**{name: getattr(chosen, name) for name in names})
    algorithms = chosen.algorithms.split(",")
    stores = {name: chosen.out / f"{name}.db" for name in algorithms}
    if chosen.report:
        stores = {name: store for name, store in stores.items() if store.exists()}
    else:
        for name, store in stores.items():
            search(name, store, sizes, chosen.workers)
    picture = (chosen.page.parent if chosen.page else chosen.out) / PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    write_figure(list(stores.values()), picture)
    lines = [*_search_lines(stores, sizes), ""]
    if chosen.report:
        lines += [
            "The experiment is not complete: this is how far its searches are. The trainings",
            "at the end have not begun. Hours are those of the clock, on cores that were shared.",
        ]
    else:
        finished = trained(contenders(stores), chosen.out / "runs", sizes.finishing, chosen.workers)
        lines += finish_lines(finished, sizes.finishing)
    text = "\n".join(lines)
    print(text)
    if chosen.page:
        write_page(chosen.page, text, BEGIN, END)


def search(algorithm: str, store: Path, sizes: Sizes, workers: int) -> None:
    """Begin or continue a search."""
    store.parent.mkdir(parents=True, exist_ok=True)
    settings = plan_search(
        load_space("nasnet_space"),
        store,
        algorithm=algorithm,
        evaluator=sizes.evaluator,
        trials=sizes.children,
        workers=workers,
        # So that the searchers know the same when they propose, whatever the workers.
        block=2,
        window=4,
    )

    def tell(event: Event) -> None:
        if event.what == "trials" and event.best is not None:
            done = event.counts.completed
            print(
                f"{algorithm}: {done} of {sizes.children}, best {event.best.reward:.4f}", flush=True
            )

    run(settings, tell, resume=True)


def contenders(stores: dict[str, Path]) -> dict[str, Genotype]:
    """What is trained at the end, by name."""
    found = {}
    for algorithm, store in stores.items():
        with Reader(store) as opened:
            best = opened.best(1)
            ranked = sorted(opened.distinct(), key=lambda trial: trial.reward or 0.0)
        found[f"best of {algorithm}"] = loads(best[0].text)
        if algorithm == "random":
            median: Trial = ranked[len(ranked) // 2]
            found["median of random"] = loads(median.text)
    return {"NASNet-A": load("nasnet_a_unused"), **found}


def trained(
    genotypes: dict[str, Genotype], folder: Path, finishing: Finishing, workers: int
) -> list[Finished]:
    """Train networks at the common size, once for each seed, and look at the test images."""
    jobs = [(name, seed) for name in genotypes for seed in range(finishing.seeds)]
    # A process imports PyTorch anew, so that its threads do not wait for those of another.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        futures = [
            pool.submit(accuracies, name, str(genotypes[name]), seed, folder, finishing)
            for name, seed in jobs
        ]
        found = dict(zip(jobs, (future.result() for future in futures), strict=True))
    finished = []
    for name, genotype in genotypes.items():
        seeds = (found[name, seed] for seed in range(finishing.seeds))
        held_out, test = zip(*seeds, strict=True)
        filters = finishing.filters(genotype)
        count = finishing.count(genotype, filters)
        finished.append(Finished(name, filters, count, held_out, test))
    return finished


def _search_lines(stores: dict[str, Path], sizes: Sizes) -> list[str]:
    lines = [
        f"{plural(sizes.children, 'network')} an algorithm, "
        f"{plural(sizes.epochs, 'epoch')} each in batches of {sizes.batch}, N = {sizes.depth}, "
        f"{sizes.filters} filters in the first cell, {sizes.data} at {sizes.image_size} pixels; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}.",
        "",
        f"![Figure 6: the best reward against the number of networks]({PICTURE})",
        "",
        "| algorithm | networks | best reward | best 5, mean | mean of all | hours of workers |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for name, store in stores.items():
        with Reader(store) as opened:
            trials = list(opened.distinct())
        rewards = sorted((trial.reward or 0.0 for trial in trials), reverse=True)
        hours = sum(trial.seconds or 0.0 for trial in trials) / 3600
        best, all_of_them = rewards[:5], sum(rewards) / len(rewards)
        lines.append(
            f"| `{name}` | {len(rewards)} | {rewards[0]:.2%} | {sum(best) / len(best):.2%} | "
            f"{all_of_them:.2%} | {hours:.2f} |"
        )
    return lines


if __name__ == "__main__":
    main()
