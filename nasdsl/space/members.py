"""The members of a space: how many there are, by number, drawn at random, and one step away.

A genotype of a space is an index in mixed radix. Index 0 takes the first option of every
decision, and the last decision changes fastest, as in `itertools.product`. Counts are exact:
Python's integers have no largest one.

Samples are uniform over the raw decisions, as in the paper's random search. A draw is one whole
number below the size of the space, so the samples of a seed are the same on every machine and
in every run; in a small space a genotype may be drawn twice. Steps neither add nor remove blocks
and never leave the space.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import inf, log10, prod
from random import Random

from nasdsl.canonical import CanonicalForm, cell_encoding, function_form, require_form
from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.space.flat import choices, flat_space
from nasdsl.values import Values, require_types, shown


def genotype_at(space: Space, index: int) -> Genotype:
    """Member number `index`, counted from 0 in the order of `enumerate_genotypes`.

    Raises:
        CellError: NAS008, an argument is of another type.
        IndexError: `index` is negative, or not below `count(space)`.
    """
    flat = flat_space(space)
    return flat.genotype(mixed_radix_digits(_whole("index", index), flat.radices))


def index_of(space: Space, genotype: Genotype) -> int:
    """The number of `genotype` in `space`: `genotype_at(space, index)` is its like.

    Raises:
        CellError: it is not of this space (NAS602).
    """
    index = 0
    for digit, radix in zip(choices(space, genotype), flat_space(space).radices, strict=True):
        index = index * radix + digit
    return index


def enumerate_genotypes(space: Space) -> Iterator[Genotype]:
    """Every member of `space`, one at a time, in the order of their indices.

    Nothing is kept, so the first members of a space of any size come at once.
    """
    flat = flat_space(space)
    return map(flat.genotype, product(*map(range, flat.radices)))


def mixed_radix_digits(index: int, radices: Sequence[int]) -> list[int]:
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


def count(space: Space) -> int:
    """The number of ways to take every decision: the product of the options.

    Two ways that differ only in the order of operands, or in blocks that may trade
    places, count twice: this is the size that random search and controllers draw from.
    """
    return prod(flat_space(space).radices)


def count_distinct(space: Space, limit: int = 1_000_000, form: CanonicalForm = "structure") -> int:
    """The number of different canonical forms in `space`.

    Cells are independent, so each is enumerated alone and the numbers multiply.

    Args:
        space: any space.
        limit: the most raw cells to enumerate, all kinds together; a few thousand take a
            second.
        form: what counts as equal, as in `nasdsl.canonical_hash`.

    Raises:
        CellError: no form is called that (NAS008), there are more than `limit` of
            them (NAS601), or a cell is too symmetric for its canonical form (NAS603).
    """
    require_form(form)
    require_types(space=(space, Space), limit=(limit, int))
    alone = [replace(space, cells=(cell,)) for cell in space.cells]
    raw = sum(map(count, alone))
    if raw > limit:
        raise cell_error(
            "NAS601",
            f"space `{space.name}` has {_readable(raw)} cells to compare, more than the "
            f"{limit:,} allowed",
            "pin some of its decisions, or raise the limit",
            "count without comparing to get the raw size",
        )
    return prod(len(set(_encodings(cell, form))) for cell in alone)


def _encodings(space: Space, form: CanonicalForm) -> Iterator[bytes | str]:
    """What tells apart the members of a space with one cell, for every member."""
    if form != "structure":
        return map(function_form(space.vocabulary, form).hash, enumerate_genotypes(space))
    return (cell_encoding(each.cells[0], space.vocabulary) for each in enumerate_genotypes(space))


def _readable(number: int) -> str:
    # Python refuses to print very long integers, and nobody reads them.
    bits = number.bit_length()
    return f"{number:,}" if bits < 64 else f"about 10^{round(bits * log10(2))}"


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

    Raises:
        CellError: NAS008, an argument is of another type, or `n` is negative.
    """
    n, seed = _whole("n", n, 0), _whole("seed", seed)
    flat, size = flat_space(space), count(space)
    radices, build = flat.radices, flat.genotype
    draw = Random(seed).randrange
    return (build(mixed_radix_digits(draw(size), radices)) for _ in range(n))


def _whole(name: str, value: object, minimum: float = -inf) -> int:
    """A whole number, numpy's too. Raises a CellError, NAS008, where it is none."""
    values = Values(int, minimum=minimum)
    number: int | None = None if isinstance(value, str) else values.legal(value)
    if number is None:
        raise cell_error("NAS008", f"{name} is {values.description}, not {shown(value)}")
    return number


def mutate(space: Space, genotype: Genotype, rng: Random) -> Genotype:
    """`genotype` with exactly one decision taken otherwise.

    The decision is drawn uniformly from those with more than one option, then the option
    uniformly from the others of that decision. The step may leave the canonical form as it
    is: two operands that commute, a block that reaches no output.

    Raises:
        CellError: the genotype is not of this space (NAS602), or the space leaves nothing
            open (NAS604).
    """
    require_types(rng=(rng, Random))
    flat = flat_space(space)
    taken = list(choices(space, genotype))
    open_decisions = [at for at, radix in enumerate(flat.radices) if radix > 1]
    if not open_decisions:
        raise cell_error(
            "NAS604",
            f"space `{space.name}` has no open decisions, so there is nothing to mutate",
            "a field is left open with `?` or a choice such as `{add | concat}`",
        )
    at = open_decisions[rng.randrange(len(open_decisions))]
    other = rng.randrange(flat.radices[at] - 1)
    taken[at] = other + (other >= taken[at])
    return flat.genotype(taken)


def neighbours(space: Space, genotype: Genotype) -> Iterator[Genotype]:
    """Every genotype one decision away, in the order of the decisions and their options.

    There are as many as all decisions together have options, less one a decision.

    Raises:
        CellError: the genotype is not of this space (NAS602).
    """
    flat = flat_space(space)
    taken = choices(space, genotype)
    return (
        flat.genotype((*taken[:at], other, *taken[at + 1 :]))
        for at, radix in enumerate(flat.radices)
        for other in range(radix)
        if other != taken[at]
    )
