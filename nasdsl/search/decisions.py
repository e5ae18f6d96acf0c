"""A space as the search algorithms see it: a row of open decisions.

A member of the space is a tuple of whole numbers, one for each decision that is open (has more
than one option), in the order of the file; it becomes a `.cell` text and is read back from one.
Illegal options were removed when the space was resolved, so option k of a decision is legal
exactly if k is below its size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from nasdsl.errors import cell_error
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import cells_of_text
from nasdsl.space import choices, decisions
from nasdsl.space.flat import FlatSpace, flat_space

Choices = tuple[int, ...]

#: The number of texts whose choices are remembered.
_MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Decisions:
    """The open decisions of `space`: which ones they are, and how many options each has.

    `flat` is the space as it is built from; looking it up each time would hash the whole space.
    """

    space: Space
    positions: tuple[int, ...]
    sizes: tuple[int, ...]
    flat: FlatSpace
    _choices_of_text: dict[str, Choices] = field(default_factory=dict, repr=False, compare=False)

    def member(self, options: Sequence[int]) -> Genotype:
        """The member that takes option `options[k]` of open decision k."""
        every = [0] * len(self.flat.radices)
        for position, option in zip(self.positions, options, strict=True):
            every[position] = option
        return self.flat.genotype(every)

    def text(self, options: Sequence[int]) -> str:
        """The `.cell` text of that member."""
        text = genotype_text(self.member(options))
        # Most texts that have to be read were written here shortly before.
        if len(self._choices_of_text) >= _MAX_REMEMBERED:
            self._choices_of_text.clear()
        self._choices_of_text[text] = tuple(options)
        return text

    def choices(self, text: str) -> Choices:
        """The option of each open decision in a `.cell` text.

        Raises:
            CellError: it has mistakes, or is not of the space (NAS602).
        """
        remembered = self._choices_of_text.get(text)
        if remembered is not None:
            return remembered
        every = choices(self.space, cells_of_text(text))
        return tuple(every[position] for position in self.positions)

    def draw(self, rng: Random) -> Choices:
        """Draw every decision uniformly, which makes every member equally likely."""
        return tuple(rng.randrange(size) for size in self.sizes)

    def mutate(self, options: Choices, rng: Random) -> Choices:
        """Change one decision, both drawn uniformly, as `nasdsl.mutate` does."""
        at = rng.randrange(len(options))
        other = rng.randrange(self.sizes[at] - 1)
        return (*options[:at], other + (other >= options[at]), *options[at + 1 :])

    def neighbours(self, options: Choices) -> Iterator[Choices]:
        """Every member one decision away, in the order of the decisions and their options."""
        return (
            (*options[:at], other, *options[at + 1 :])
            for at, size in enumerate(self.sizes)
            for other in range(size)
            if other != options[at]
        )


def open_decisions(space: Space) -> Decisions:
    """The decisions of a space that has some open.

    Raises:
        CellError: nothing is open (NAS604).
    """
    sizes = {at: len(options) for at, options in enumerate(decisions(space)) if len(options) > 1}
    if not sizes:
        raise cell_error(
            "NAS604",
            f"space `{space.name}` leaves nothing open, so there is nothing to search",
            "a field is left open with `?` or a choice such as `{add | concat}`",
        )
    return Decisions(space, tuple(sizes), tuple(sizes.values()), flat_space(space))


def rng_for_turn(seed: int, turn: int) -> Random:
    """The random numbers of one turn of a search.

    Each turn has its own generator, so the only state that a searcher has to save is the number
    of turns.
    """
    return Random(f"{seed} {turn}")
