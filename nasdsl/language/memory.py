"""`TextMemory`: what is known of the blocks of a text, for the text after an edit.

Purpose: it goes from one text of an editor to the next, through the parser and the resolver, and
only saves time. Whatever it holds, the answers are those about a fresh text.
"""

from dataclasses import dataclass, field

from nasdsl.language.genotype.blocks import Meanings
from nasdsl.language.genotype.types import CellKind
from nasdsl.language.parser import KnownBlocks


@dataclass
class TextMemory:
    """The blocks that have been read, and what they mean."""

    blocks: KnownBlocks = field(default_factory=KnownBlocks)
    meanings: dict[CellKind, Meanings] = field(default_factory=dict)
