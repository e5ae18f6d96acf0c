"""Where names that other files define are looked up.

Purpose: the resolver's only way to other texts; whoever calls it decides which there are.
Non-goals: reading them (`nasdsl.library`, `nasdsl.loading`).
"""

from typing import Protocol

from nasdsl.genotype.types import Space
from nasdsl.genotype.vocabulary import Vocabulary


class Catalogue(Protocol):
    """Where names that other files define are looked up."""

    def vocabulary(self, name: str) -> Vocabulary | None:
        """The vocabulary of that name."""

    def vocabulary_names(self) -> list[str]:
        """The names `vocabulary` knows, for suggestions."""

    def space(self, name: str) -> Space | None:
        """The genotype or space of that name."""

    def space_names(self) -> list[str]:
        """The names `space` knows, for suggestions."""
