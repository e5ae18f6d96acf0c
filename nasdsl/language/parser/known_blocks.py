"""Blocks that were read before, by their text.

Purpose: `KnownBlocks`. Between the statements of a cell a block on a line of its own means what it
means anywhere, so a parser that comes to one it has read before takes the node it has, and leaves
out its tokens. After an edit that is nearly every block of a text.
"""

import re
from collections.abc import Iterable
from typing import Any

from nasdsl.errors import Span
from nasdsl.language import tree
from nasdsl.language.parser.machine import sound_items

# The longest line that is looked up. No recovery gives up a line that is shorter (`MAX_UNFIT`).
_LONGEST = 2000
_NEXT = re.compile(
    rf"(?:\s++|#[^\n]*+)*+([^\W\d]\w*+[^\S\n]*+=[^\S\n]*+\([^()#\n]{{0,{_LONGEST}}}+\))"
    r"(?=[^\S\n]*+(?:[#\n]|\Z))"
)
_CELL, _END = "cell normal {", "}"


class PlacedBlock(tree.Block):
    """A block as it was read elsewhere: its parts are moved when they are first asked for."""

    __slots__ = ("origin",)
    origin: tree.Block

    def __init__(self, origin: tree.Block, span: Span) -> None:
        _set_origin(self, origin)
        _set_span(self, span)

    def __getattr__(self, name: str) -> Any:
        """The name or the tuple, which nobody has asked for yet."""
        if name not in ("name", "tuple"):
            raise AttributeError(name)
        moved = _moved(getattr(self.origin, name), self.span.start - self.origin.span.start)
        object.__setattr__(self, name, moved)
        return moved

    def _plain(self) -> tree.Block:
        return tree.Block(self.name, self.tuple, self.span)

    def __eq__(self, other: object) -> bool:
        return self._plain() == other

    def __hash__(self) -> int:
        return hash(self._plain())

    def __repr__(self) -> str:
        return repr(self._plain())


_set_origin: Any = vars(PlacedBlock)["origin"].__set__
_set_span: Any = vars(tree.Block)["span"].__set__


def origin_of(block: tree.Block) -> tree.Block:
    """The block as it was first read: the same texts, wherever they stand."""
    return block.origin if type(block) is PlacedBlock else block


class KnownBlocks:
    """The blocks of a text by what is written, for the next text, which is mostly the same."""

    def __init__(self) -> None:
        self._blocks: dict[str, tree.Block] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def run(self, text: str, start: int, *, read: bool = False) -> tuple[list[tree.Block], int]:
        """The known blocks from `start` on, one after the other, and where the last one ends.

        Args:
            text: it has the start of a statement at `start`.
            start: an offset.
            read: whether to read blocks that are not known, as long as they are sound.
        """
        found: list[tree.Block] = []
        end, known = start, self._blocks
        while match := _NEXT.match(text, end):
            written = match[1]
            block = known.get(written)
            if block is None:
                block = _read(written) if read else None
                if block is None:
                    break
                known[written] = block
            at, end = match.span(1)
            if block.span.start != at:
                block = PlacedBlock(origin_of(block), Span(at, end))
            found.append(block)
        return found, end

    def keep(self, text: str, items: Iterable[tree.Item]) -> None:
        """Know the blocks of a sound text, and no others."""
        self._blocks = {
            text[each.span.start : each.span.end]: each
            for item in items
            if isinstance(item, tree.Cell)
            for each in item.statements
            if isinstance(each, tree.Block)
        }

    def keep_only(self, used: Iterable[tree.Block], text: str) -> None:
        """Know these blocks of a text, and no others."""
        self._blocks = {text[each.span.start : each.span.end]: each for each in used}


def _read(written: str) -> tree.Block | None:
    """The block that is written; None where it is none."""
    items: Any = sound_items(f"{_CELL}{written}{_END}")
    if items is None or len(items) != 1 or len(items[0].statements) != 1:
        return None
    block: tree.Block = items[0].statements[0]
    return block


def _moved(node: Any, by: int) -> Any:
    """A node of a block and all it contains, somewhere else."""
    return _MOVERS[type(node)](node, by)


def _span(node: Any, by: int) -> Span:
    start, end = node.span
    return Span(start + by, end + by)


def _all(nodes: tuple[Any, ...], by: int) -> tuple[Any, ...]:
    return tuple([_MOVERS[type(node)](node, by) for node in nodes])


_MOVERS: dict[type, Any] = {
    tree.Word: lambda n, by: tree.Word(n.text, _span(n, by)),
    tree.State: lambda n, by: tree.State(n.text, _span(n, by)),
    tree.Hole: lambda n, by: tree.Hole(_span(n, by)),
    tree.Choice: lambda n, by: tree.Choice(_all(n.options, by), _span(n, by)),
    tree.Tuple: lambda n, by: tree.Tuple(_all(n.fields, by), _span(n, by)),
}
