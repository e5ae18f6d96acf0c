"""Steps in a space: one decision taken otherwise.

Purpose: what evolution and local search move by.
Non-goals: steps that add or remove blocks, and steps that leave the space.
"""

from collections.abc import Iterator
from random import Random

from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.space.membership import choices
from nasdsl.space.plan import plan


def mutate(space: Space, genotype: Genotype, rng: Random) -> Genotype:
    """`genotype` with exactly one decision taken otherwise.

    The decision is drawn uniformly from those with more than one option, then the option
    uniformly from the others of that decision. The step may leave the canonical form as it
    is: two operands that commute, a block that reaches no output.

    Raises:
        CellError: the genotype is not of this space (NAS602), or the space leaves nothing
            open (NAS604).
    """
    laid_out = plan(space)
    taken = list(choices(space, genotype))
    open_decisions = [at for at, radix in enumerate(laid_out.radices) if radix > 1]
    if not open_decisions:
        raise cell_error(
            "NAS604",
            f"space `{space.name}` leaves nothing open, so nothing can be taken otherwise",
            "a field is left open with `?` or a choice such as `{add | concat}`",
        )
    at = open_decisions[rng.randrange(len(open_decisions))]
    other = rng.randrange(laid_out.radices[at] - 1)
    taken[at] = other + (other >= taken[at])
    return laid_out.genotype(taken)


def neighbours(space: Space, genotype: Genotype) -> Iterator[Genotype]:
    """Every genotype one decision away, in the order of the decisions and their options.

    There are as many as all decisions together have options, less one a decision.

    Raises:
        CellError: the genotype is not of this space (NAS602).
    """
    laid_out = plan(space)
    taken = choices(space, genotype)
    return (
        laid_out.genotype((*taken[:at], other, *taken[at + 1 :]))
        for at, radix in enumerate(laid_out.radices)
        for other in range(radix)
        if other != taken[at]
    )
