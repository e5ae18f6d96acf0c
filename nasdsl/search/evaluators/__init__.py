"""Evaluators: what gives a genotype its reward, one kind a file."""

from nasdsl.search.evaluators.spec import EVALUATORS, evaluator

__all__ = ["EVALUATORS", "evaluator"]
