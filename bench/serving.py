"""Serve one image at a time: timm, our network, and our network in every runtime, in one run.

    python -m bench.serving --threads 2
    python -m bench.serving --networks nasnet_a_mobile --rounds 30 --threads 1
    python -m bench.serving --networks nasnet_a_large --compile      # PyTorch alone: minutes

Each contender has a process of its own, and they take turns, one image each. A figure is the
fastest of all rounds; on one thread processor time is measured, which other work hardly affects.
Peak memory is that of the contender's process while it ran, PyTorch and the weights included; the
file `.onnx` is served without PyTorch. The logits of our contenders are compared
with those of the compiled network. Last come the goals of `docs/benchmarks.md`, as ratios.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

import nasdsl
from nasdsl import export, runtimes
from nasdsl.api.bench import Contender, Measured, bench, in_a_process
from nasdsl.passes import FOR_BLOCKS

#: Names of timm's networks, by ours.
THEIRS = {"nasnet_a_large": "nasnetalarge"}
TIMM = "timm:"
#: Runtimes that take an exported file.
FILES = ("onnxruntime", "openvino")
#: Names of the forms in which timm's network runs.
EAGER, CHANNELS_LAST, COMPILED = "eager", "channels_last", "torch.compile"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default="nasnet_a_large,nasnet_a_mobile")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="PyTorch alone, compiled: minutes")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, {chosen.threads} threads, load {os.getloadavg()[0]:.1f}\n")
    for name in chosen.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{name}.onnx"
            network = nasdsl.optimize(nasdsl.compile(name, seed=0).eval(), passes=FOR_BLOCKS)
            export.write(network, file)
            size = network.graph.image.height
            who = [*contenders(name, file, size, chosen.threads, chosen.compile)]
            measured = bench(who, chosen.rounds, start=start)
        print(table(measured), goals(name, measured), sep="\n\n", end="\n\n", flush=True)


def contenders(
    name: str, file: Path, size: int, threads: int, compiled: bool
) -> Iterator[Contender]:
    """Who takes part, timm first; of PyTorch alone with `compiled`, which takes much memory."""
    make = partial(Contender, threads=threads, processor_time=threads == 1)
    if name in THEIRS:
        for form in (EAGER, COMPILED) if compiled else (EAGER, CHANNELS_LAST):
            yield make(TIMM + THEIRS[name], form)
    yield make(name, "eager")
    yield make(name, "eager", passes=runtimes.find("eager").passes)
    if compiled:
        yield make(name, "inductor", passes=runtimes.find("inductor").passes)
        return
    for runtime in FILES:
        passes = runtimes.find(runtime).passes
        yield make(name, runtime)
        yield make(name, runtime, passes=passes)
        yield make(str(file), runtime, settings={"image_size": size})
        yield make(name, runtime, passes=passes, dtype="int8")
    yield make(name, "openvino", passes=runtimes.find("openvino").passes, dtype="bfloat16")


def start(contender: Contender) -> AbstractContextManager[Connection]:
    """A contender in a process; timm's networks are no source of ours."""
    if contender.source.startswith(TIMM):
        return in_a_process(contender, timm_runner)
    if contender.source.endswith(".onnx"):
        return in_a_process(contender, file_runner)
    return in_a_process(contender)


def timm_runner(contender: Contender) -> tuple[Any, float, float, int]:
    """What runs a batch, the seconds until it could, an error of 0, and its weights."""
    import timm
    import torch
    from torch._inductor import config

    torch.set_num_threads(contender.threads)
    net = timm.create_model(contender.source.removeprefix(TIMM), num_classes=1000).eval()
    images = torch.randn(contender.batch, *net.default_cfg["input_size"])
    begun = perf_counter()
    if contender.runtime != EAGER:
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    call = torch.compile(net) if contender.runtime == COMPILED else net

    def run() -> None:
        with torch.inference_mode(), config.patch(freezing=True):
            call(images)

    run()
    weights = sum(tensor.nbytes for tensor in net.parameters())
    return run, perf_counter() - begun, 0.0, weights


def file_runner(contender: Contender) -> tuple[Any, float, float, int]:
    """An exported file as one serves it: without PyTorch. It was compared when it was written."""
    import numpy

    begun = perf_counter()
    run = RUNTIMES[contender.runtime](contender.source, contender.threads)
    size = contender.settings["image_size"]
    images = numpy.random.default_rng(0).standard_normal((contender.batch, 3, size, size))
    one = images.astype(numpy.float32)
    run(one)
    weights = os.path.getsize(contender.source)
    return (lambda: run(one)), perf_counter() - begun, 0.0, weights


def _in_onnxruntime(path: str, threads: int) -> Callable[[Any], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"image": images})


def _in_openvino(path: str, threads: int) -> Callable[[Any], object]:
    from nasdsl.runtimes.openvino import compiled_model

    model = compiled_model(path, threads)
    return lambda images: model(images)


RUNTIMES = {"onnxruntime": _in_onnxruntime, "openvino": _in_openvino}


def table(measured: list[Measured]) -> str:
    """Markdown, relative to the first."""
    lines = [
        "| network, runtime | ms | to the first | load, s | peak, MB | error |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    first = measured[0].fastest
    for each in measured:
        peak = "" if each.peak_memory is None else f"{each.peak_memory / 1e6:.0f}"
        lines.append(
            f"| {words_for(each.contender)} | {1000 * each.fastest:.1f} | "
            f"{each.fastest / first:.2f} | {each.load_seconds:.1f} | {peak} | "
            f"{each.relative_error:.0e} |"
        )
    return "\n".join(lines)


def words_for(contender: Contender) -> str:
    """A contender in words."""
    passes = "" if contender.passes is None else ", optimised"
    dtype = "" if contender.dtype is None else f", {contender.dtype}"
    return f"`{Path(contender.source).name}`, {contender.runtime}{passes}{dtype}"


def goals(name: str, measured: list[Measured]) -> str:
    """The goals that these figures decide."""
    theirs = [each for each in measured if each.contender.source.startswith(TIMM)]
    files = [each for each in measured if each.contender.source.endswith(".onnx")]
    ours = [each for each in measured if each not in (*theirs, *files)]
    exact = [each for each in ours if each.contender.dtype is None]
    base, best = measured[0], fastest(exact)
    served, exported = (0.43, 0.95) if theirs else (0.19, 0.87)
    to_base = f"to {words_for(base.contender)}"
    rows = [
        (f"{words_for(each.contender)} {to_base}", each.fastest / base.fastest, served)
        for each in ([best] if best is fastest(ours) else [best, fastest(ours)])
    ]
    exports = [each for each in exact if each.contender.runtime in FILES]
    for plain in exports:
        for made in exports:
            if plain.contender == replace(made.contender, passes=None) and plain is not made:
                what = f"{words_for(made.contender)} to the same as it is"
                rows.append((what, made.fastest / plain.fastest, exported))
    for small in sorted(files, key=lambda each: each.peak_memory or 0)[:1]:
        if base.peak_memory and small.peak_memory and theirs:
            what = f"peak memory of {words_for(small.contender)} {to_base}"
            rows.append((what, small.peak_memory / base.peak_memory, 0.7))
    for compiled in theirs:
        if compiled.contender.runtime == COMPILED:
            pure = fastest([each for each in exact if each not in exports])
            what = f"{words_for(pure.contender)} to {words_for(compiled.contender)}"
            rows.append((what, pure.fastest / compiled.fastest, 0.9))
            rows.append((f"loading {what}", pure.load_seconds / compiled.load_seconds, 0.25))
    lines = [f"| `{name}` | ratio | goal |", "| --- | --: | --: |"]
    lines += [f"| {what} | {ratio:.2f} | {goal} |" for what, ratio, goal in rows]
    return "\n".join(lines)


def fastest(measured: list[Measured]) -> Measured:
    """The one whose shortest time is the shortest."""
    return min(measured, key=lambda each: each.fastest)


if __name__ == "__main__":
    main()
