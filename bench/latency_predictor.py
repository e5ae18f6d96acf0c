"""Measure how well latencies on a new device are predicted from a few measurements.

    python -m bench.latency_predictor LATENCIES
    python -m bench.latency_predictor LATENCIES --new OTHER_DEVICES

LATENCIES is a CSV file, `.gz` or not, with a string of NAS-Bench-201 in `arch` and milliseconds in
a column for each device. Each device in turn is the new one: some networks are drawn and count as
measured, and the figure is Spearman's correlation of the predicted order of all networks with the
true one, the mean over several draws. With `--new`, the devices of that file are the new ones, and
those of LATENCIES are known. The columns are the models of `nasdsl.search.latency_model`, and for
comparison the mean order on the other devices, which needs no measurement, and mult-adds alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import fmean
from typing import NamedTuple

import numpy

from nasdsl import interop
from nasdsl.language.genotype.settings import Settings
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child
from nasdsl.search.evaluators.table import read_table
from nasdsl.search.latency_model import (
    CostModel,
    Floats,
    cost_features,
    device_latencies,
    rank_correlation,
)
from nasdsl.search.table_rows import number_columns


class Correlations(NamedTuple):
    """What each model reaches on a device."""

    devices: float
    costs: float
    mean: float
    mult_adds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the predictor of latencies.")
    parser.add_argument("latencies", type=Path)
    parser.add_argument("--new", type=Path, help="a file of the same form with new devices")
    parser.add_argument("--key", default="arch")
    parser.add_argument("--measured", type=int, default=10)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--networks", type=int, default=1000, help="that costs are counted of")
    chosen = parser.parse_args()
    keys, known = columns_of(chosen.latencies, chosen.key)
    if chosen.new is None:
        new = known
    else:
        others, new = columns_of(chosen.new, chosen.key)
        common = sorted(set(keys).intersection(others))
        known = {name: _at(column, keys, common) for name, column in known.items()}
        new = {name: _at(column, others, common) for name, column in new.items()}
        keys = common
    counted = sorted(Random(0).sample(range(len(keys)), min(chosen.networks, len(keys))))
    features, mult_adds = costs_of([keys[at] for at in counted])
    print(f"{chosen.measured} measurements, {chosen.draws} draws, {len(keys):,} networks")
    print(f"(costs: {len(counted):,} networks)\n")
    print("| device | other devices | costs | mean order | mult-adds |")
    print("| --- | --- | --- | --- | --- |")
    rows = []
    for name, truth in new.items():
        others = numpy.stack([known[other] for other in known if other != name or chosen.new], 1)
        found = [
            correlations(
                others, truth, counted, features, mult_adds, chosen.measured, f"{name} {draw}"
            )
            for draw in range(chosen.draws)
        ]
        rows.append([fmean(column) for column in zip(*found, strict=True)])
        print(_row(f"`{name}`", rows[-1]), flush=True)
    print(_row("mean", [fmean(column) for column in zip(*rows, strict=True)]))


def columns_of(path: Path, key: str) -> tuple[list[str], dict[str, Floats]]:
    """The keys of a table, and the numbers of each of its devices in their order."""
    names = number_columns(path, key)
    table = read_table(path, names[0], key, names, unit="raw")
    keys = list(table.scores)
    reports = table.reports or {}
    return keys, {name: numpy.array([reports[name][each] for each in keys]) for name in names}


def _at(column: Floats, keys: Sequence[str], wanted: Sequence[str]) -> Floats:
    places = {key: at for at, key in enumerate(keys)}
    return column[[places[key] for key in wanted]]


def costs_of(keys: Sequence[str]) -> tuple[Floats, Floats]:
    """The features and the mult-adds of networks by their strings."""
    child, features, mult_adds = Child(Settings(skeleton="nasbench201")), [], []
    for key in keys:
        found = interop.find(key, "nasbench201")
        genotype, _ = found.read(found.choose())
        graph = child.graph(genotype)
        features.append(cost_features(graph))
        mult_adds.append(graph_cost(graph).mult_adds)
    return numpy.stack(features), numpy.array(mult_adds, dtype=numpy.float64)


def correlations(
    others: Floats,
    truth: Floats,
    counted: Sequence[int],
    features: Floats,
    mult_adds: Floats,
    measured: int,
    seed: str,
) -> Correlations:
    """What each model reaches with networks drawn by the seed."""
    drawn = Random(seed).sample(range(len(truth)), measured)
    by_devices = device_latencies(others, drawn, [truth[at] for at in drawn])
    some = Random(seed).sample(range(len(counted)), measured)
    model = CostModel(features[some], [truth[counted[at]] for at in some])
    by_costs = numpy.array([model.latency(row) for row in features])
    logs = numpy.log(others)
    mean = ((logs - logs.mean(0)) / logs.std(0)).mean(1)
    here = truth[list(counted)]
    return Correlations(
        rank_correlation(by_devices, truth),
        rank_correlation(by_costs, here),
        rank_correlation(mean, truth),
        rank_correlation(mult_adds, here),
    )


def _row(name: str, values: Sequence[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |"


if __name__ == "__main__":
    main()
