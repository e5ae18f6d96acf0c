"""Passes: sound graph in, sound graph out, the same function, one pass a file."""

from nasdsl.passes.hoist import activated
from nasdsl.passes.pipeline import PASSES, VERIFY_VARIABLE, Pass, run

__all__ = ["PASSES", "VERIFY_VARIABLE", "Pass", "activated", "run"]
