"""Seeded draws from a space, uniform over its raw decisions.

Purpose: random search as the paper runs it. A draw is one whole number below the size of
the space, so the samples of a seed are the same on every machine and in every run.
Non-goals: distinct samples; in a small space a genotype may be drawn twice.
"""

from collections.abc import Iterator
from random import Random

from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.space.counting import count
from nasdsl.space.indexing import digits
from nasdsl.space.plan import plan


def sample(space: Space, n: int, seed: int) -> Iterator[Genotype]:
    """`n` independent draws, every combination of options being equally likely.

    Draw k is `genotype_at(space, i)`, where i is the k-th value that
    `random.Random(seed).randrange(count(space))` gives. So the first m draws do not depend
    on `n`, and every member has the same chance (drawing each decision alone would give the
    same distribution, five calls a block).

    Args:
        space: any space; a genotype is drawn over and over.
        n: how many.
        seed: a whole number; the same one gives the same draws.
    """
    laid_out, size = plan(space), count(space)
    radices, build = laid_out.radices, laid_out.genotype
    draw = Random(seed).randrange
    return (build(digits(draw(size), radices)) for _ in range(n))
