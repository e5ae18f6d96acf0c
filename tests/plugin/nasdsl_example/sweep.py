"""The search algorithm `sweep`: the members of a space in the order they are numbered."""

from collections.abc import Sequence
from itertools import islice

import nasdsl
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.search.searchers import Count


class Sweep:
    """Proposes every `step`-th member; `--option step=1000` sets it."""

    def __init__(self, space: nasdsl.Space, seed: int, *, step: Count = 1) -> None:
        self.space, self.step, self.proposed = space, step, 0

    def propose(self, n: int) -> list[str]:
        """The next members, as text."""
        start = self.proposed * self.step
        members = islice(nasdsl.enumerate_genotypes(self.space), start, None, self.step)
        texts = [nasdsl.genotype_text(member) for member in islice(members, n)]
        self.proposed += len(texts)
        return texts

    def observe(self, results: Sequence[Result]) -> None:
        """Rewards change nothing."""

    def state_dict(self) -> SearcherState:
        """What a search that was interrupted continues from."""
        return {"proposed": self.proposed}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue from there."""
        self.proposed = state["proposed"]
