"""Evaluators that are wrong, for `python:tests.search_evaluators:NAME`."""

from typing import Any


def raises(text: str, seed: int, report: Any) -> float:
    raise ValueError("no such data")


def gives_nan(text: str, seed: int, report: Any) -> float:
    return float("nan")


def gives_text(text: str, seed: int, report: Any) -> Any:
    return "good"
