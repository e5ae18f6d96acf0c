"""Run hostile inputs through every stage that reads text.

The inputs and what must hold for them are those of `tests/fuzz.py`; this is the long run:

    python -m bench.fuzz --inputs 1000000 --workers 2 --seed 1

The exit status is 1 if any input caused a failure; its traceback and its seed are printed.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.fuzz import checked, fuzzed

SHARE = 2_000
MAX_SHOWN = 10


@dataclass
class Share:
    """What one share of the inputs came to; processor time in seconds."""

    seconds: list[tuple[float, int]] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def shared(work: tuple[int, int, int]) -> Share:
    seed, first, last = work
    share = Share()
    for number in range(first, last):
        data = fuzzed(seed, number)
        start = time.process_time()
        try:
            examined = checked(data)
        except Exception:
            share.fates["broke something"] += 1
            share.failures.append(f"fuzzed({seed}, {number})\n{traceback.format_exc()}")
            continue
        share.seconds.append((time.process_time() - start, number))
        if examined is None:
            share.fates["not text"] += 1
        elif any(finding.is_error for finding in examined.diagnostics):
            share.fates["refused with findings"] += 1
        elif examined.space is None:
            share.fates["sound, no cells"] += 1
        else:
            share.fates["a space"] += 1
    return share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="stop after this many minutes")
    given = parser.parse_args()
    began = time.monotonic()
    total = Share()
    with get_context("spawn").Pool(given.workers) as pool:
        for share in pool.imap(shared, _work(given.seed, given.inputs)):
            total.seconds += share.seconds
            total.fates += share.fates
            total.failures += share.failures
            if given.minutes and time.monotonic() - began > 60 * given.minutes:
                pool.terminate()
                break
    print(_report(total, given.seed, time.monotonic() - began))
    return 1 if total.failures else 0


def _work(seed: int, inputs: int) -> Iterator[tuple[int, int, int]]:
    for first in range(0, inputs, SHARE):
        yield seed, first, min(first + SHARE, inputs)


def _report(total: Share, seed: int, elapsed: float) -> str:
    times = sorted(total.seconds)
    lines = [f"{total.fates.total():,} inputs of seed {seed} in {elapsed:,.0f} s"]
    lines += [f"  {count:>9,}  {fate}" for fate, count in sorted(total.fates.items())]
    lines.append(f"  {len(total.failures):>9,}  tracebacks")
    if times:
        p99 = times[len(times) * 99 // 100][0]
        slowest, number = times[-1]
        lines.append(f"median {1e3 * times[len(times) // 2][0]:.2f} ms, p99 {1e3 * p99:.1f} ms")
        lines.append(f"slowest {1e3 * slowest:.0f} ms: fuzzed({seed}, {number})")
    return "\n".join([*lines, *total.failures[:MAX_SHOWN]])


if __name__ == "__main__":
    sys.exit(main())
