"""Measure how long the search algorithms take to propose and to observe, on the NASNet space.

    python -m bench.searchers

Each algorithm repeatedly proposes 20 genotypes and observes their rewards. The figures are the
median and the maximum over all rounds but the first, by the clock, in milliseconds. The goal for
PPO is at most 250 ms for an update and at most 100 ms for 20 proposals. The last column is the
amount that a store has to write after an observation.
"""

import os
import platform
import time
from collections.abc import Callable
from statistics import median

import nasdsl
from nasdsl.search.protocol import Result
from nasdsl.search.searchers import names, searcher
from nasdsl.search.store.records import encode_state

BATCH, ROUNDS = 20, 31


def main() -> None:
    space = nasdsl.load_space("nasnet_space")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(
        "| algorithm | 20 proposals, ms | 20 results, ms | state, kB |\n| --- | --- | --- | --- |"
    )
    for name in names():
        search = searcher(name, space, 0)
        proposing, observing = [], []
        for _ in range(ROUNDS):
            seconds, texts = _timed(lambda search=search: search.propose(BATCH))
            proposing.append(seconds)
            # What is rewarded does not matter, and that it differs does.
            results = [Result(text, text, text.count("sep_conv") / 20) for text in texts]
            seconds, _ = _timed(lambda search=search, results=results: search.observe(results))
            observing.append(seconds)
        size = sum(len(encode_state(part)) for part in search.state_dict().values()) / 1000
        print(f"| {name} | {_spread(proposing)} | {_spread(observing)} | {size:,.1f} |", flush=True)


def _timed(work: Callable[[], list[str]] | Callable[[], None]) -> tuple[float, list[str]]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made or []


def _spread(seconds: list[float]) -> str:
    # The first round also imports and allocates.
    rest = [1000 * each for each in seconds[1:]]
    return f"{median(rest):.1f} (worst {max(rest):.1f})"


if __name__ == "__main__":
    main()
