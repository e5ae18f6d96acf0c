"""Members by number: a genotype is an index in mixed radix, and back.

Purpose: one order of all members. Index 0 takes the first option of every decision, and
the last decision changes fastest, as in `itertools.product`.
Non-goals: drawing (`nasdsl.space.sampling`).
"""

from collections.abc import Iterator, Sequence
from itertools import product

from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.space.membership import choices
from nasdsl.space.plan import plan


def genotype_at(space: Space, index: int) -> Genotype:
    """Member number `index`, counted from 0 in the order of `enumerate_genotypes`.

    Raises:
        IndexError: `index` is negative, or not below `count(space)`.
    """
    laid_out = plan(space)
    return laid_out.genotype(digits(index, laid_out.radices))


def index_of(space: Space, genotype: Genotype) -> int:
    """The number of `genotype` in `space`: `genotype_at(space, index)` is its like.

    Raises:
        CellError: it is not of this space (NAS602).
    """
    index = 0
    for digit, radix in zip(choices(space, genotype), plan(space).radices, strict=True):
        index = index * radix + digit
    return index


def enumerate_genotypes(space: Space) -> Iterator[Genotype]:
    """Every member of `space`, one at a time, in the order of their indices.

    Nothing is kept, so the first members of a space of any size come at once.
    """
    laid_out = plan(space)
    return map(laid_out.genotype, product(*map(range, laid_out.radices)))


def digits(index: int, radices: Sequence[int]) -> list[int]:
    """`index` in mixed radix, most significant digit first.

    Raises:
        IndexError: `index` is negative, or not below the product of the radices.
    """
    rest, found = index, []
    for radix in reversed(radices):
        rest, digit = divmod(rest, radix)
        found.append(digit)
    if rest != 0:
        raise IndexError("the index is outside the space")
    found.reverse()
    return found
