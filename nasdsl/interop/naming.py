"""Names of genotypes, from whatever another tool calls them.

Purpose: any text to a name that a `.cell` file may have.
Non-goals: keeping names apart; `--name` chooses among them as they are.
"""

import re

_LONGEST = 60


def genotype_name(name: str | None, otherwise: str) -> str:
    """`name` with everything but ASCII letters, digits and `_` replaced; never empty."""
    made = re.sub(r"[^0-9a-z]+", "_", (name or "").lower())[:_LONGEST].strip("_")
    if not made:
        return otherwise
    return f"g{made}" if made[0].isdigit() else made
