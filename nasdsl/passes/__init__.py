"""Passes: sound graph in, sound graph out, the same function, one pass a file."""

from nasdsl.passes.hoist import activated
from nasdsl.passes.pipeline import (
    AS_THE_BACKEND_ASKS,
    FOR_BLOCKS,
    FOR_INFERENCE,
    PASSES,
    VERIFY_VARIABLE,
    Pass,
    Pipeline,
    pass_names,
    run,
)

__all__ = [
    "AS_THE_BACKEND_ASKS",
    "FOR_BLOCKS",
    "FOR_INFERENCE",
    "PASSES",
    "VERIFY_VARIABLE",
    "Pass",
    "Pipeline",
    "activated",
    "pass_names",
    "run",
]
