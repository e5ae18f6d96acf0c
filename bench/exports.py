"""Measure what `--optimize` brings to `.onnx` files, in one run, as a markdown table.

    python -m bench.exports --networks nasnet_a_mobile,nasnet_a_large --threads 1
    python -m bench.exports --networks nasnet_a_mobile --threads 2 --rounds 40

Each network is written plainly and optimised, as `nasdsl compile [--optimize] -o FILE.onnx` does.
All files then run in ONNX Runtime and OpenVINO, one image in turn. A figure is the fastest of all
rounds and its relation to that of the plain file in the same runtime; the last column compares the
fastest runtime of each. On one thread the processor's time is measured, which other work on the
machine hardly disturbs. A last line is the machine's own limit: a product of matrices and a copy.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import torch

import nasdsl
from nasdsl import export
from nasdsl.passes import FOR_BLOCKS

Run = Callable[[], object]


def in_onnxruntime(path: str, images: Any, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["logits"], {"image": images})


def in_openvino(path: str, images: Any, threads: int) -> Run:
    from nasdsl.runtimes.openvino import compiled_model

    model = compiled_model(path, threads)
    return lambda: model(images)


RUNTIMES = {"ONNX Runtime": in_onnxruntime, "OpenVINO": in_openvino}


def fastest(runs: list[Run], rounds: int, threads: int) -> list[float]:
    """The shortest time of each, in seconds; they take turns."""
    clock = process_time if threads == 1 else perf_counter
    taken: list[list[float]] = [[] for _ in runs]
    for turn in range(-2, rounds):
        for seconds, run in zip(taken, runs, strict=True):
            start = clock()
            run()
            if turn >= 0:
                seconds.append(clock() - start)
    return [min(seconds) for seconds in taken]


def measured(network: str, chosen: argparse.Namespace, folder: Path) -> list[str]:
    net = nasdsl.compile(network, seed=0).eval()
    files = [folder / f"{network}.{kind}.onnx" for kind in ("plain", "optimised")]
    export.write(net, files[0])
    export.write(nasdsl.optimize(net, passes=FOR_BLOCKS), files[1])
    images = torch.randn((1, *net.graph.image)).numpy()
    runs = [load(str(path), images, chosen.threads) for load in RUNTIMES.values() for path in files]
    times = fastest(runs, chosen.rounds, chosen.threads)
    plain, optimised = times[::2], times[1::2]
    row = [network]
    for before, after in zip(plain, optimised, strict=True):
        row.append(f"{1e3 * before:.1f} ms, {1e3 * after:.1f} ms, {after / before:.2f}")
    return [*row, f"{min(optimised) / min(plain):.2f}"]


def machine(threads: int) -> str:
    """What the machine can do at most, whatever the network."""
    torch.set_num_threads(threads)
    one, other = torch.randn(1024, 1024), torch.randn(1024, 1024)
    block = torch.randn(16 * 1024 * 1024)
    copy = torch.empty_like(block)
    product, copying = fastest([lambda: one @ other, lambda: copy.copy_(block)], 20, threads)
    return f"{2 * 1024**3 / product / 1e9:.0f} GFLOP/s, {2 * block.nbytes / copying / 1e9:.0f} GB/s"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what optimising brings to .onnx files.")
    parser.add_argument("--networks", default="nasnet_a_mobile")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    print(f"| network | {' | '.join(RUNTIMES)} | the faster of each |\n|{' --- |' * 4}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for network in chosen.networks.split(","):
            print(f"| {' | '.join(measured(network, chosen, Path(folder)))} |", flush=True)
    print(f"\nThe machine, {chosen.threads} threads: {machine(chosen.threads)}")


if __name__ == "__main__":
    main()
