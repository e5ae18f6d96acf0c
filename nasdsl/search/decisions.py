"""A space as the searchers see it: a row of open decisions, and texts that take them.

Purpose: what algorithms share. A member of the space is a tuple of whole numbers, one for
each decision that is open (has more than one option), in the order a file is read; it
becomes a `.cell` text and is read back from one. All that is not legal was left out when the
space was resolved, so option k of a decision is legal exactly where k is below its size.
Non-goals: any strategy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from nasdsl.errors import cell_error
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import loads
from nasdsl.space import choices, chosen, decisions

Choices = tuple[int, ...]

#: Texts of which the choices are remembered.
_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class Decisions:
    """The open decisions of `space`: which ones they are, and how many options each has."""

    space: Space
    places: tuple[int, ...]
    sizes: tuple[int, ...]
    _known: dict[str, Choices] = field(default_factory=dict, repr=False, compare=False)

    def member(self, taken: Sequence[int]) -> Genotype:
        """The member that takes option `taken[k]` of open decision k."""
        every = [0] * len(decisions(self.space))
        for place, option in zip(self.places, taken, strict=True):
            every[place] = option
        return chosen(self.space, every)

    def text(self, taken: Sequence[int]) -> str:
        """The `.cell` text of that member."""
        text = genotype_text(self.member(taken))
        # Most texts that have to be read were written here not long before.
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[text] = tuple(taken)
        return text

    def choices(self, text: str) -> Choices:
        """What a `.cell` text takes of each open decision.

        Raises:
            CellError: it has mistakes, or is not of the space (NAS602).
        """
        known = self._known.get(text)
        if known is not None:
            return known
        every = choices(self.space, loads(text))
        return tuple(every[place] for place in self.places)

    def drawn(self, rng: Random) -> Choices:
        """Every decision drawn uniformly, which makes every member equally likely."""
        return tuple(rng.randrange(size) for size in self.sizes)

    def mutated(self, taken: Choices, rng: Random) -> Choices:
        """One decision, drawn uniformly, taken otherwise, uniformly, as `nasdsl.mutate` does."""
        at = rng.randrange(len(taken))
        other = rng.randrange(self.sizes[at] - 1)
        return (*taken[:at], other + (other >= taken[at]), *taken[at + 1 :])

    def neighbours(self, taken: Choices) -> Iterator[Choices]:
        """Every member one decision away, in the order of the decisions and their options."""
        return (
            (*taken[:at], other, *taken[at + 1 :])
            for at, size in enumerate(self.sizes)
            for other in range(size)
            if other != taken[at]
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
    return Decisions(space, tuple(sizes), tuple(sizes.values()))


def generator(seed: int, turn: int) -> Random:
    """The random numbers of one turn of a search.

    Each turn has its own, so that all a searcher has to keep of its randomness is how many
    turns it has had.
    """
    return Random(f"{seed} {turn}")
