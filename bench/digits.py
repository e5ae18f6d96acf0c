"""Train on the digits with several seeds, for the table and the curves of docs/training.md.

    python -m bench.digits                       # five seeds, some minutes
    python -m bench.digits --seeds 3 --curves curves.svg

Each training is the same as `nasdsl train nasnet_a --N 1 --filters 192 --seed S`. The processor
time is that of training and evaluation; on a machine that does nothing else, it is also the time
by the clock.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

import nasdsl
from nasdsl.train import Fitted, datasets, fit, network_settings, recipe
from nasdsl.train.report import curves


def trained(seed: int) -> tuple[Fitted, float]:
    """A training by the recipe `quick`, and its processor time in seconds."""
    chosen = recipe("quick")
    data = datasets("digits", chosen)
    settings = network_settings(data, chosen)
    net = nasdsl.compile("nasnet_a", N=1, filters=192, seed=seed, **settings)
    start = time.process_time()
    return fit(net, data, chosen, seed=seed, test=True), time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--curves", type=Path, help="where to draw them, as .svg")
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}\n")
    print("| seed | held out | test | processor time |")
    print("|---:|---:|---:|---:|")
    histories, held_out, test = [], [], []
    for seed in range(options.first, options.first + options.seeds):
        fitted, seconds = trained(seed)
        assert fitted.held_out is not None
        assert fitted.test is not None
        histories.append(fitted.history)
        held_out.append(100 * fitted.held_out.accuracy)
        test.append(100 * fitted.test.accuracy)
        print(f"| {seed} | {held_out[-1]:.2f} % | {test[-1]:.2f} % | {seconds:.0f} s |", flush=True)
    if options.seeds > 1:
        spread = [
            f"{statistics.mean(x):.2f} +- {statistics.stdev(x):.2f} %" for x in (held_out, test)
        ]
        print(f"| mean | {spread[0]} | {spread[1]} | |")
    if options.curves is not None:
        options.curves.write_bytes(curves(histories))


if __name__ == "__main__":
    main()
