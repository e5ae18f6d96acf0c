"""Random search: every member of the space is equally likely, whatever the others scored.

The baseline of Zoph et al. 2018 (section 4.4, Figure 6) draws every decision uniformly; the
option `repeats=false` draws without replacement. For that, `shuffled` gives the numbers below
any size in an order that looks random, with no state but a position.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import prod

from nasdsl.canonical import canonical_hash
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.search.decisions import open_decisions, rng_for_turn
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.space.members import mixed_radix_digits


class RandomSearch:
    """Proposes uniform draws.

    Args:
        space: what to search.
        seed: of the draws.
        repeats: whether a genotype may be proposed again. Without repeats the members are
            drawn without replacement, and those whose canonical form has been proposed are
            skipped; proposals end when every form has been proposed. Loading a state repeats
            the draws, which takes a fraction of a millisecond each.
        objectives: how many there are, which makes no difference.
    """

    def __init__(
        self, space: Space, seed: int, *, repeats: bool = True, objectives: int = 1
    ) -> None:
        self.decisions, self.seed, self.repeats = open_decisions(space), seed, repeats
        self.size = prod(self.decisions.sizes)
        self.drawn = 0
        self.seen: set[str] = set()

    def propose(self, n: int) -> list[str]:
        """`n` draws; fewer only without repeats, where nothing new is left."""
        found: list[Genotype] = []
        while len(found) < n and (self.repeats or self.drawn < self.size):
            drawn = self._next()
            if self.repeats or self._is_new(drawn):
                found.append(drawn)
        return [genotype_text(each) for each in found]

    def observe(self, results: Sequence[Result]) -> None:
        """Do nothing: rewards do not matter here."""

    def state_dict(self) -> SearcherState:
        """The number of draws so far."""
        return {"drawn": self.drawn}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue after that many draws."""
        self.drawn, self.seen = 0, set()
        if self.repeats:
            self.drawn = state["drawn"]
        while self.drawn < state["drawn"]:
            self._is_new(self._next())

    def _next(self) -> Genotype:
        turn = self.drawn
        self.drawn += 1
        if self.repeats:
            return self.decisions.member(self.decisions.draw(rng_for_turn(self.seed, turn)))
        index = shuffled(turn, self.size, self.seed)
        return self.decisions.member(mixed_radix_digits(index, self.decisions.sizes))

    def _is_new(self, genotype: Genotype) -> bool:
        hash = canonical_hash(genotype)
        is_new = hash not in self.seen
        self.seen.add(hash)
        return is_new


#: Four rounds with good round functions make a permutation that no cheap test tells from a
#: random one (Luby and Rackoff, 1988).
_ROUNDS = 4


def shuffled(position: int, size: int, seed: int) -> int:
    """The number at `position` of the order of `range(size)` that belongs to `seed`.

    A Feistel network permutes the numbers of an even count of bits. Those outside the
    range are permuted again until they are inside, which keeps it a permutation of the
    range (cycle walking; Black and Rogaway, 2002).

    Raises:
        IndexError: `position` is not in the range.
    """
    if not 0 <= position < size:
        raise IndexError(f"position {position} is outside range({size})")
    half = ((size - 1).bit_length() + 1) // 2
    found = _permute(position, half, seed)
    while found >= size:
        found = _permute(found, half, seed)
    return found


def _permute(number: int, half: int, seed: int) -> int:
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(_ROUNDS):
        left, right = right, left ^ (_round_function(f"{seed} {turn} {right}", half) & mask)
    return left << half | right


def _round_function(text: str, bits: int) -> int:
    found = 0
    # A digest has at most 512 bits, and nothing bounds the size of a space.
    for block in range(bits // 512 + 1):
        digest = blake2b(text.encode(), salt=block.to_bytes(16, "big")).digest()
        found = found << 512 | int.from_bytes(digest, "big")
    return found
