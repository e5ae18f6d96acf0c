"""Measure what the training loop and the input pipeline cost in addition to the network.

    python -m bench.train                    # NASNet-A CIFAR 6 @ 768, batch 32, on the CPU
    python -m bench.train --N 2 --filters 768 --rounds 5    # the paper's child
    python -m bench.train --N 1 --cell-filters 8 --image-size 8 --channels 1     # a child on digits
    python -m bench.train --N 2 --cell-filters 16 --image-size 28 --channels 1   # on Fashion-MNIST
    python -m bench.train --device cuda
    python -m bench.train --pipeline         # only the input pipeline, for each source and view

The plain loop is what one writes by hand for the same module: forward, loss, backward, clip,
SGD. It and `Training.take_step`, with and without `channels_last`, and with numbers near zero taken
for zero (`torch.set_flush_denormal`), take turns on the same images; a figure is the median of the
rounds, and a ratio that of the rounds' ratios. Processor time where it is one thread on a CPU, so
that what else the machine does counts less. Prints the tables of `docs/training-speed.md`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import nasdsl
from nasdsl.train.data import datasets
from nasdsl.train.execution import Execution
from nasdsl.train.recipe import Recipe, recipe
from nasdsl.train.training import Training

#: Names of the rows.
LAST, FLUSHED = "nasdsl, channels_last", "nasdsl, channels_last, denormals flushed"
PIPELINES = {
    "digits, quick": ("digits", recipe("quick")),
    "32x32, cifar": ("fake", recipe("cifar")),
    "32x32, cifar, cutout 16": ("fake", recipe("cifar", cutout=16)),
    "331x331, imagenet, decoded": ("fake", recipe("imagenet")),
}


def network(device: str, N: int, filters: int, **settings: Any) -> nn.Module:
    width = {} if "cell_filters" in settings else {"filters": filters}
    chosen = {"N": N, "auxiliary": True, "drop_path": 0.4, **width, **settings}
    made: nn.Module = nasdsl.compile("nasnet_a_cifar", seed=0, **chosen)
    return made.to(device)


def plain_step(net: nn.Module, made: Recipe, steps: int) -> Callable[..., None]:
    """A training step as one writes it by hand, with the same arithmetic."""
    optimizer = torch.optim.SGD(
        net.parameters(), made.lr, made.momentum, weight_decay=made.weight_decay
    )
    done = 0

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        nonlocal done
        net.set_progress(done / steps)
        found = net(images)
        if isinstance(found, torch.Tensor):
            loss = cross_entropy(found, labels)
        else:
            loss = cross_entropy(found[0], labels) + 0.4 * cross_entropy(found[1], labels)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), made.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        done += 1

    return step


def seconds(step: Callable[[], None], device: str) -> float:
    """Of one step: processor time of one thread, or the wall's until the device is done."""
    if device == "cpu" and torch.get_num_threads() == 1:
        start = time.process_time()
        step()
        return time.process_time() - start
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def loop_table(arguments: argparse.Namespace) -> None:
    device, rounds = arguments.device, arguments.rounds
    size, channels = arguments.image_size, arguments.channels
    settings = {"image_size": size, "input_channels": channels}
    if arguments.cell_filters:
        settings |= {"cell_filters": arguments.cell_filters, "auxiliary": False}
    made = recipe("cifar", batch=arguments.batch, image_size=size)
    images = datasets("fake", made).train
    trainings = {
        name: Training(
            network(device, arguments.N, arguments.filters, **settings),
            *(images, made, 0),
            Execution(device=device, channels_last=is_last),
        )
        for name, is_last in (("nasdsl", False), (LAST, True), (FLUSHED, True))
    }
    plain = plain_step(
        network(device, arguments.N, arguments.filters, **settings).train(),
        *(made, trainings["nasdsl"].steps),
    )
    batch = [images[index] for index in range(made.batch)]
    pixels = torch.stack([image[:channels] for image, _ in batch]).to(device)
    labels = torch.tensor([label for _, label in batch], device=device)
    turns: dict[str, Callable[[], None]] = {"plain loop": lambda: plain(pixels, labels)}
    for name, training in trainings.items():
        turns[name] = partial(training.take_step, [(pixels, labels)])
    for turn in turns.values():
        turn()
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds):
        order = list(turns) if number % 2 else list(turns)[::-1]
        for name in order:
            torch.set_flush_denormal(name == FLUSHED)
            taken[name].append(seconds(turns[name], device))
    torch.set_flush_denormal(False)
    filters = arguments.cell_filters or arguments.filters
    title = f"step, {arguments.N} @ {filters}, {size} px, batch {made.batch}"
    print(f"| {title} | ms | images/s | to the plain loop |")
    print("|---|---|---|---|")
    for name, found in taken.items():
        middle = statistics.median(found)
        ratios = [a / b for a, b in zip(found, taken["plain loop"], strict=True)]
        ratio = statistics.median(ratios)
        print(f"| {name} | {1000 * middle:.1f} | {made.batch / middle:.1f} | {ratio:.3f} |")
    print(f"\n{rounds} rounds")
    if device == "cuda":
        print(f"peak memory {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB")


def pipeline_table(arguments: argparse.Namespace) -> None:
    print("| images, recipe | microseconds an image | images/s a process |")
    print("|---|---|---|")
    for name, (source, made) in PIPELINES.items():
        images = datasets(source, made).train
        count = 40 if made.image_size > 100 else 1000
        start = time.process_time()
        for index in range(count):
            images[index % len(images)]
        each = (time.process_time() - start) / count
        print(f"| {name} | {1e6 * each:.0f} | {1 / each:,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--N", type=int, default=6)
    parser.add_argument("--filters", type=int, default=768)
    parser.add_argument(
        "--cell-filters", type=int, help="in place of them; no auxiliary classifier"
    )
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3, choices=[1, 3])
    parser.add_argument("--pipeline", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    (pipeline_table if arguments.pipeline else loop_table)(arguments)


if __name__ == "__main__":
    main()
