"""How many cases a test of many takes: a part in each run, all of them in a thorough one.

`HYPOTHESIS_PROFILE=thorough` asks for all, of these tests and of hypothesis.
"""

import os

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def many(everything: int, *, usually: int) -> int:
    """`everything` in a thorough run, `usually` in others."""
    return everything if THOROUGH else usually
