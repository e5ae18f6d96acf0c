"""How many genotypes a space has: raw, and up to the canonical form.

Purpose: exact numbers; Python's integers have no largest one.
Non-goals: estimates where counting is too much work.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import log10, prod

from nasdsl.canonical import cell_encoding
from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Space
from nasdsl.space.indexing import enumerate_genotypes
from nasdsl.space.plan import plan


def count(space: Space) -> int:
    """The number of ways to take every decision: the product of the options.

    Two ways that differ only in the order of operands, or in blocks that may trade
    places, count twice: this is the size that random search and controllers draw from.
    """
    return prod(plan(space).radices)


def count_distinct(space: Space, limit: int = 1_000_000) -> int:
    """The number of different canonical forms in `space`.

    Cells are independent, so each is enumerated alone and the numbers multiply.

    Args:
        space: any space.
        limit: the most raw cells to enumerate, all kinds together; a few thousand take a
            second.

    Raises:
        CellError: there are more than `limit` of them (NAS601), or a cell is too
            symmetric for its canonical form (NAS603).
    """
    alone = [replace(space, cells=(cell,)) for cell in space.cells]
    raw = sum(map(count, alone))
    if raw > limit:
        raise cell_error(
            "NAS601",
            f"space `{space.name}` has {_in_words(raw)} cells to compare, more than the "
            f"{limit:,} allowed",
            "pin some of its decisions, or raise the limit",
            "its raw size needs no comparing",
        )
    return prod(len(set(_encodings(cell))) for cell in alone)


def _encodings(space: Space) -> Iterator[bytes]:
    """The encoding of every member of a space with one cell."""
    for genotype in enumerate_genotypes(space):
        yield cell_encoding(genotype.cells[0], space.vocabulary)


def _in_words(number: int) -> str:
    # Python refuses to print very long integers, and nobody reads them.
    bits = number.bit_length()
    return f"{number:,}" if bits < 64 else f"about 10^{round(bits * log10(2))}"
