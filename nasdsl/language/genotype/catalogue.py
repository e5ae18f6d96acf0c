"""Where names that other files define are looked up.

Purpose: the resolver's only way to other texts; whoever calls it decides which there are.
"""

from typing import Protocol

from nasdsl.errors import listed, nearest
from nasdsl.language import tree
from nasdsl.language.genotype.findings import Findings
from nasdsl.language.genotype.types import Space
from nasdsl.language.genotype.vocabulary import Vocabulary


class Catalogue(Protocol):
    """Where names that other files define are looked up."""

    def vocabulary(self, name: str) -> Vocabulary | None:
        """The vocabulary of that name."""

    def why_not(self, name: str) -> str:
        """Why a name that seems to be there cannot be used; empty where it is unknown."""

    def vocabulary_names(self) -> list[str]:
        """The names `vocabulary` knows, for suggestions."""

    def space(self, name: str) -> Space | None:
        """The genotype or space of that name."""

    def space_names(self) -> list[str]:
        """The names `space` knows, for suggestions."""


def report_unusable(
    findings: Findings,
    code: str,
    kind: str,
    name: tree.Word | tree.Number,
    known: list[str],
    why: str,
) -> None:
    """A finding for a name that leads to no `kind`; `why` is the catalogue's `why_not`."""
    if why:
        findings.add(code, name.span, f"`{name.text[:60]}` cannot be used as {kind}", label=why)
        return
    findings.add_misspelt(
        code,
        name.span,
        f"unknown {kind} `{name.text[:60]}`",
        nearest(name.text, known),
        label="neither in the library nor in the folder of this file",
        otherwise=f"the library has {listed(known)}",
    )
