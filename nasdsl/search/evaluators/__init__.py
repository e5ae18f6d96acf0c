"""Evaluators: what gives a genotype its reward, one kind a file."""

from nasdsl.search.evaluators.spec import KINDS, evaluator

__all__ = ["KINDS", "evaluator"]
