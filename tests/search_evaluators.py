"""Evaluators that are wrong or curious, for `python:tests.search_evaluators:NAME`."""

import os
import sys
from typing import Any

from nasdsl.search.protocol import Score


def raises(text: str, seed: int, report: Any) -> float:
    raise ValueError("no such data")


def gives_nan(text: str, seed: int, report: Any) -> float:
    return float("nan")


def gives_text(text: str, seed: int, report: Any) -> Any:
    return "good"


def process(text: str, seed: int, report: Any) -> Score:
    """The process's number as the curve; what it prints must not disturb anybody."""
    print('{"kind": "finished", "key": "?"}', flush=True)
    print("x" * 100_000, file=sys.stderr)
    assert sys.stdin.read() == ""
    return Score(0.5, (float(os.getpid()),))


def talks_and_fails(text: str, seed: int, report: Any) -> float:
    """Reports in several ways, prints, and fails on one network in two."""
    for values in ((0.25,), (1, 0.5), (2, "much"), (float("nan"),), ()):
        report(*values)
    print(f"seed {seed}")
    return 1 / (seed % 2)


def seeded(text: str, seed: int, report: Any) -> Score:
    return Score(float(seed))


def greedy(text: str, seed: int, report: Any) -> float:
    raise MemoryError


def picky(text: str, seed: int, report: Any) -> float:
    """Fails on one network in three, by its seed."""
    if seed % 3 == 0:
        raise ValueError("an odd network")
    return 0.5


def _of_numpy(report: Any) -> Score:
    import numpy

    report(numpy.zeros(2))
    curve: Any = numpy.array([0.25, 0.5])
    params: Any = numpy.int64(7)
    mult_adds: Any = numpy.float64(12.0)
    latency: Any = numpy.float32(0.5)
    return Score(numpy.float64(0.5), curve, params, mult_adds, {"latency": latency})


#: What evaluators give that no store keeps, each with the failure that it is; the first is sound.
STRANGE: list[tuple[Any, str | None]] = [
    (_of_numpy, None),
    (Score(0.5, params=3.5), "the params 3.5, not a whole number"),  # type: ignore[arg-type]
    (Score(0.5, mult_adds=2**63), "the mult_adds 9223372036854775808, not a whole number"),
    (Score(0.5, params="3.3M"), "the params '3.3M', not a whole number"),  # type: ignore[arg-type]
    (Score(0.5, measures={"latency": "fast"}), "the latency 'fast'"),  # type: ignore[dict-item]
    (Score(0.5, curve=(None,)), "a Score that is none: TypeError"),  # type: ignore[arg-type]
    (10**400, "the reward 1000"),
    (FileNotFoundError(os.fsdecode(b"ol\xe9.csv")), "ol\\udce9.csv"),
]
_STRANGE = iter(STRANGE)


def strange(text: str, seed: int, report: Any) -> Any:
    """The next of them."""
    found, _ = next(_STRANGE)
    if isinstance(found, Exception):
        raise found
    return found(report) if callable(found) else found
