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
