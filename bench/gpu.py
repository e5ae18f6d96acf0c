"""Measure inference and a training step on a GPU: call by call, recorded, on several streams.

    python -m bench.gpu
    python -m bench.gpu --networks nasnet_a_large --batches 1,16,128 --rounds 50 --compile
    python -m bench.gpu --device cpu --rounds 3    # the rows that need no GPU

For inference, each contender has a process of its own and they take turns, one batch each
(`nasdsl.api.bench`): the network as it was trained, with its channels last in memory, optimised,
recorded as a CUDA graph, and recorded on several streams, in float32 and in bfloat16; with
`--compile`, Inductor too. A figure is the median, a ratio that of the fastest rounds to the first
row. The training step is that of the paper's child (N = 2, 32 filters in the first cells, batch
32), call by call and recorded; its trainings take turns too.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from itertools import product
from statistics import median

import torch

import nasdsl
from bench.train import network, seconds
from nasdsl import runtimes
from nasdsl.api.bench import Contender, Measured, bench
from nasdsl.devices import existing_device
from nasdsl.passes import FOR_INFERENCE
from nasdsl.train.data import datasets
from nasdsl.train.execution import Execution
from nasdsl.train.recipe import recipe
from nasdsl.train.training import Training

_RUNTIMES = ("eager", "cuda_graphs", "cuda_streams")
#: What a network goes through, in words.
_FORMS = {None: "as trained", ("inference",): "channels_last", FOR_INFERENCE: "optimised"}


def contenders(name: str, batch: int, device: str, compiled: bool) -> Iterator[Contender]:
    """Who takes part: the network as it was trained first."""
    make = partial(Contender, name, batch=batch, device=device)
    yield make(runtime="eager")
    yield make(runtime="eager", passes=("inference",))
    names = (*_RUNTIMES, *(("inductor",) if compiled else ()))
    for dtype, runtime in product((None, "bfloat16"), names):
        where = runtimes.find(runtime).devices
        if where is None or device.partition(":")[0] in where:
            yield make(runtime=runtime, passes=FOR_INFERENCE, dtype=dtype)


def table(measured: list[Measured]) -> str:
    """Markdown, relative to the first."""
    first = measured[0]
    title = f"`{first.contender.source}`, batch {first.contender.batch}"
    lines = [f"| {title} | ms | ratio | images/s | MB | error |", "|---|--:|--:|--:|--:|--:|"]
    for one in measured:
        who = one.contender
        words = f"{who.runtime}, {_FORMS[who.passes]}, {who.dtype or 'float32'}"
        memory = "" if one.peak_memory is None else f"{one.peak_memory / 1e6:.0f}"
        lines.append(
            f"| {words} | {1e3 * one.latency:.2f} | {one.fastest / first.fastest:.2f} | "
            f"{one.images_per_second:.0f} | {memory} | {one.relative_error:.0e} |"
        )
    return "\n".join(lines)


def training_table(device: str, N: int, filters: int, rounds: int) -> str:
    """Markdown: a step of the child in each way, relative to the first."""
    trainings = {}
    for precision, is_last, is_recorded in product(("fp32", "bf16"), (False, True), (False, True)):
        if is_recorded and not device.startswith("cuda"):
            continue
        made = recipe("cifar", batch=32, precision=precision)
        images = datasets("fake", made).train
        execution = Execution(device, channels_last=is_last, cuda_graph=is_recorded)
        words = [precision, *["channels_last"] * is_last, *["recorded"] * is_recorded]
        net = network(device, N, filters)
        trainings[", ".join(words)] = Training(net, images, made, 0, execution)
    pairs = [images[index] for index in range(32)]
    pixels = torch.stack([image for image, _ in pairs]).to(device)
    part = pixels, torch.tensor([label for _, label in pairs], device=device)
    taken: dict[str, list[float]] = {name: [] for name in trainings}
    # A recording comes after three steps.
    for turn in range(-5, rounds):
        for name, training in trainings.items():
            took = seconds(partial(training.take_step, [part]), device)
            if turn >= 0:
                taken[name].append(took)
    lines = [f"| step, {N} @ {filters}, batch 32 | ms | ratio | images/s |", "|---|--:|--:|--:|"]
    first = min(next(iter(taken.values())))
    for name, found in taken.items():
        middle = median(found)
        lines.append(
            f"| {name} | {1e3 * middle:.2f} | {min(found) / first:.2f} | {32 / middle:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", default="nasnet_a_mobile,nasnet_a_large")
    parser.add_argument("--batches", default="1,16")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--N", type=int, default=2, help="cells of the child")
    parser.add_argument("--filters", type=int, default=768, help="filters of the child")
    parser.add_argument("--compile", action="store_true", help="Inductor too: minutes")
    try:
        print_tables(parser.parse_args())
    except nasdsl.CellError as error:
        sys.exit(str(error))


def print_tables(chosen: argparse.Namespace) -> None:
    device = existing_device(chosen.device)
    is_gpu = device.type == "cuda"
    where = torch.cuda.get_device_name(device) if is_gpu else "one CPU thread"
    torch.set_num_threads(1)
    print(f"{where}, torch {torch.__version__}, {chosen.rounds} rounds\n")
    for name, batch in product(chosen.networks.split(","), map(int, chosen.batches.split(","))):
        who = [*contenders(name, batch, chosen.device, chosen.compile)]
        print(table(bench(who, chosen.rounds)), end="\n\n", flush=True)
    print(training_table(chosen.device, chosen.N, chosen.filters, chosen.rounds))


if __name__ == "__main__":
    main()
