"""Measure the processor time of a proposal of `surrogate`, with many results behind it.

    python -m bench.surrogate
    python -m bench.surrogate --space nasbench201_space --results 2000

The results are random members with random rewards; each proposal is observed before the next one.
The goal is at most 0.2 s a proposal at 1,000 results.
"""

import argparse
import os
import platform
import time
from random import Random
from statistics import median

import nasdsl
from nasdsl.search.algorithms.surrogate import Surrogate
from nasdsl.search.protocol import Result


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure proposals of the surrogate.")
    parser.add_argument("--space", default="nasnet_space")
    parser.add_argument("--results", type=int, default=1000)
    parser.add_argument("--proposals", type=int, default=30)
    chosen = parser.parse_args()
    found = proposal_seconds(chosen.space, chosen.results, chosen.proposals)
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {chosen.space}")
    print(
        f"{len(found)} proposals at {chosen.results:,} results: median {median(found):.3f} s of "
        f"processor time, least {min(found):.3f}, most {max(found):.3f}"
    )


def proposal_seconds(name: str, results: int, proposals: int) -> list[float]:
    """The processor time of each proposal, the first one left out."""
    space = nasdsl.load_space(name)
    search, rng = Surrogate(space, 0), Random(0)
    members = nasdsl.sample(space, results, seed=1)
    texts = [nasdsl.genotype_text(member) for member in members]
    search.learn([Result(text, str(at), rng.random()) for at, text in enumerate(texts)])
    found = []
    for _ in range(proposals + 1):
        start = time.process_time()
        (text,) = search.propose(1)
        found.append(time.process_time() - start)
        search.observe([Result(text, text, rng.random())])
    return found[1:]


if __name__ == "__main__":
    main()
