"""What a reader or writer may be told besides the text.

Purpose: one frozen type for the choices that formats leave open.
Non-goals: flags of the command line (`nasdsl.cli.convert`).
"""

from dataclasses import dataclass

from nasdsl.language.genotype.types import Space


@dataclass(frozen=True, slots=True)
class Options:
    """Choices that a format leaves open.

    Attributes:
        name: what to call a genotype that has no name in its text.
        space: the space whose decisions a text lists by number; only DNA needs it.
    """

    name: str | None = None
    space: Space | None = None
