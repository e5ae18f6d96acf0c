"""Train many small children at once, and count them: children an hour, and processor time a child.

    python -m bench.children
    python -m bench.children --at-once 1,2,4 --children 16 --blocks 5 --evaluator "train?N=2"

The same children with the same seeds, in 1, 2, 4, ... processes of one thread each, with the
processes left to the system and pinned to the cores in turn. `plain` transforms the images again in
each epoch, as a training did before it kept those that are the same each time. Each process has
trained a child before the clock starts. What else the machine does is in the clock's figures and
hardly in the processor's; the load is printed beside them.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier as Waiting
from time import perf_counter, process_time
from typing import Any

import nasdsl
from bench.reliability.mocks import FULL, space

_EVALUATOR = "train?data=digits&N=1&cell_filters=8&epochs=1&augmentation=none&channels_last=true"
#: Of a process: its evaluator, and where the processes wait for one another.
_state: dict[str, Any] = {}


def begin(spec: str, text: str, cores: Any, ready: Waiting, plain: bool) -> None:
    """Prepare a process, and wait until all are prepared."""
    core = cores.get()
    if core is not None:
        os.sched_setaffinity(0, {core})
    import torch

    from nasdsl.search.evaluators.spec import evaluator
    from nasdsl.train import training

    torch.set_num_threads(1)
    if plain:
        training.are_kept = lambda images: False
    _state["evaluator"] = evaluator(spec)
    train(text)
    ready.wait()


def train(text: str) -> float:
    """The processor time of a child's training, in seconds."""
    start = process_time()
    _state["evaluator"].evaluate(text, 0, lambda value: None)
    return process_time() - start


def children_at_once(
    texts: Sequence[str], spec: str, count: int, pinned: bool, plain: bool
) -> tuple[float, float]:
    """Seconds by the clock for all children, and of the processor for one."""
    context = get_context("spawn")
    cores = context.Queue()
    allowed = sorted(os.sched_getaffinity(0))
    for number in range(count):
        cores.put(allowed[number % len(allowed)] if pinned else None)
    ready = context.Barrier(count + 1)
    arguments = (spec, texts[0], cores, ready, plain)
    with ProcessPoolExecutor(count, context, begin, arguments) as pool:
        found = [pool.submit(train, text) for text in texts]
        ready.wait()
        start = perf_counter()
        processor = [each.result() for each in found]
        return perf_counter() - start, sum(processor) / len(processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluator", default=_EVALUATOR)
    parser.add_argument("--children", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=2, help="of a cell")
    parser.add_argument("--at-once", default="1,2,4")
    chosen = parser.parse_args()
    text = FULL.replace("5 *", f"{chosen.blocks} *")
    genotypes = nasdsl.sample(space(text), chosen.children, seed=0)
    texts = [nasdsl.genotype_text(genotype) for genotype in genotypes]
    counts = [int(word) for word in chosen.at_once.split(",")]
    ways = [(count, pinned, False) for count in counts for pinned in (False, True)]
    what = f"{chosen.children} children of {chosen.blocks} blocks, {chosen.evaluator}"
    print(f"{len(os.sched_getaffinity(0))} cores, {what}\n")
    print("| at once | | children an hour | processor s a child | load |\n|--:|---|--:|--:|--:|")
    for count, pinned, plain in [(1, False, True), *ways]:
        clock, processor = children_at_once(texts, chosen.evaluator, count, pinned, plain)
        words = "plain" if plain else "pinned" if pinned else "not pinned"
        hourly = 3600 * len(texts) / clock
        load = os.getloadavg()[0]
        print(f"| {count} | {words} | {hourly:.0f} | {processor:.2f} | {load:.1f} |", flush=True)


if __name__ == "__main__":
    main()
