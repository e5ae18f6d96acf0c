"""Networks of different cells trained longer, at one size and with several seeds.

Purpose: what `bench.paper_in_small` and `bench.one_shot_finished` do with what searches have found.
Non-goals: which networks those are.

Each network has as many filters as bring it nearest to one number of parameters. Test images are
looked at once, by each training, when it is complete.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import nasdsl
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.train.execution import Execution
from nasdsl.train.planning import begin_run, plan_run
from nasdsl.train.results import mean_of
from nasdsl.train.run import train_run
from nasdsl.train.run_folder import RunFolder

#: The widest first cell that is tried to bring a network to its size.
_MAX_FILTERS = 256


@dataclass(frozen=True)
class Finishing:
    """How networks are trained at the end.

    Attributes:
        data: what is trained on, as `nasdsl train --data` has it: grey images of ten classes.
        epochs: of a training.
        batch: images of a step.
        image_size: pixels a side.
        held_out: share of the training images that are held out.
        depth: N.
        params: how many trained parameters a network should have.
        seeds: of each network.
        command: the module that is run, for the runs' records.
    """

    data: str
    epochs: int
    batch: int
    image_size: int
    held_out: float
    depth: int
    params: int
    seeds: int
    command: str

    def filters(self, genotype: Genotype) -> int:
        """The width of the first cell that brings a network nearest to the parameters wanted."""
        # Parameters grow with the width, so the nearest is the last below or the first above.
        low, high = 1, _MAX_FILTERS
        while high - low > 1:
            middle = (low + high) // 2
            if self.count(genotype, middle) <= self.params:
                low = middle
            else:
                high = middle
        return min((low, high), key=lambda width: abs(self.count(genotype, width) - self.params))

    def count(self, genotype: Genotype, cell_filters: int) -> int:
        """The trained parameters of a network so wide."""
        return parameters(genotype, cell_filters, self.depth, self.image_size)


@dataclass(frozen=True)
class Finished:
    """A network that was trained with several seeds.

    Attributes:
        name: what it is.
        cell_filters: of its first cell.
        params: trained parameters.
        held_out: the accuracy on images held out, by seed.
        test: that on test images.
    """

    name: str
    cell_filters: int
    params: int
    held_out: tuple[float, ...]
    test: tuple[float, ...]


def parameters(genotype: Genotype, cell_filters: int, depth: int, image_size: int) -> int:
    """The trained parameters of a network for grey images of ten classes."""
    return nasdsl.cost(
        genotype,
        N=depth,
        cell_filters=cell_filters,
        stem="cifar",
        image_size=image_size,
        input_channels=1,
        classes=10,
    ).params


def accuracies(
    name: str, text: str, seed: int, folder: Path, finishing: Finishing
) -> tuple[float, float]:
    """The accuracies on images held out and on test images, of one training.

    It begins in a folder of its own below `folder`, or continues there.
    """
    torch.set_num_threads(1)
    genotype = nasdsl.loads(text)
    plan = plan_run(
        genotype,
        data=finishing.data,
        recipe="quick",
        changes=(
            f"epochs={finishing.epochs}",
            f"batch={finishing.batch}",
            f"image_size={finishing.image_size}",
            f"held_out={finishing.held_out}",
            f"warmup={min(2.0, finishing.epochs / 10)}",
            # So few epochs do not learn the training images by heart.
            "augmentation=none",
            "drop_path=0",
        ),
        settings=Settings(N=finishing.depth, cell_filters=finishing.filters(genotype)),
        seed=seed,
        execution=Execution("cpu", channels_last=True),
    )
    path = folder / f"{name.replace(' ', '-')}-{seed}"
    at = RunFolder(path)
    if not at.exists:
        begin_run(path, plan, ["python", "-m", finishing.command])
    fitted = train_run(at, plan, tensorboard=False)
    assert fitted.held_out is not None
    assert fitted.test is not None
    print(f"{name}, seed {seed}: {fitted.held_out.accuracy:.2%} held out", flush=True)
    return fitted.held_out.accuracy, fitted.test.accuracy


def finish_lines(finished: Sequence[Finished], finishing: Finishing) -> list[str]:
    """A table in Markdown, the best on images held out first."""
    seeds = {len(each.test) for each in finished}
    lines = [
        f"{plural(finishing.epochs, 'epoch')} with the recipe `quick`, "
        f"{plural(max(seeds), 'seed')}:",
        "",
        "| network | filters | parameters | held out | test |",
        "| --- | --: | --: | --: | --: |",
    ]
    for each in sorted(finished, key=lambda one: -mean_of(one.held_out).mean):
        lines.append(
            f"| {each.name} | {each.cell_filters} | {each.params:,} | {mean_of(each.held_out)} | "
            f"{mean_of(each.test)} |"
        )
    return lines


def write_page(page: Path, text: str, begin: str, end: str) -> None:
    """Put figures between two marks of a page."""
    old = page.read_text(encoding="utf-8")
    before, _, rest = old.partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
