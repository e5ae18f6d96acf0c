"""Measure what each pass for inference brings, in one run, as a markdown table.

    python -m bench.passes --networks nasnet_a_mobile,darts_v2_imagenet --threads 2
    python -m bench.passes --networks nasnet_a_large --runtimes onnxruntime,openvino --whole

A row is a network in a runtime; its columns are `nasdsl.passes.FOR_BLOCKS`, or those that
`--passes` names, one after another, each with all before it. A figure is the fastest of all rounds,
relative to that of the network as it is trained in the first runtime; all contenders of a network
take turns. With `--whole`, only the network as it is and all passes are compared, since some
runtimes take long to load. On one thread the processor's time is measured, which other work on
the machine hardly disturbs.
"""

import argparse

from nasdsl.api.bench import Contender, bench
from nasdsl.passes import FOR_BLOCKS


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what each pass for inference brings.")
    parser.add_argument("--networks", default="nasnet_a_mobile")
    parser.add_argument("--runtimes", default="eager")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--passes", default=",".join(FOR_BLOCKS))
    parser.add_argument("--whole", action="store_true")
    chosen = parser.parse_args()
    passes = tuple(chosen.passes.split(","))
    lengths = (len(passes),) if chosen.whole else range(1, len(passes) + 1)
    steps = (None, *(passes[:length] for length in lengths))
    titles = ["all"] if chosen.whole else [f"+ {name}" for name in passes]
    heads = ["network", "runtime", "plain", *titles]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    for network in chosen.networks.split(","):
        runtimes = chosen.runtimes.split(",")
        contenders = [
            Contender(
                network,
                runtime,
                chosen.batch,
                chosen.threads,
                some,
                processor_time=chosen.threads == 1,
            )
            for runtime in runtimes
            for some in steps
        ]
        measured = bench(contenders, chosen.rounds)
        for index, runtime in enumerate(runtimes):
            row = measured[index * len(steps) : (index + 1) * len(steps)]
            figures = [f"{one.fastest / measured[0].fastest:.2f}" for one in row]
            figures[0] += f" ({1e3 * row[0].fastest:.1f} ms)"
            print(f"| {' | '.join([network, runtime, *figures])} |", flush=True)


if __name__ == "__main__":
    main()
