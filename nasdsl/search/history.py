"""Lists that only grow as parts of a searcher's state, of which a commit writes what is new.

A store compares the parts of a state with those it has written. A list in one part would be written
whole with every result, so it is kept in pieces, which never change, and a rest.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from nasdsl.documents import json_value
from nasdsl.search.protocol import SearcherState

#: Items of a piece.
PIECE = 256


class History:
    """A list of plain values that only grows, in parts of a state.

    The part with the rest has the name of the list, and the first piece is called `NAME/0`.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def parts(
        self, name: str, items_from: Callable[[int], Sequence[Any]], final: int | None = None
    ) -> SearcherState:
        """The parts of a state.

        Args:
            name: of the list.
            items_from: the items of the list from a place on.
            final: how many items, from the first, will never change; None for all.
        """
        start = PIECE * len(self.pieces)
        rest = [*items_from(start)]
        last = len(rest) if final is None else final - start
        whole = max(0, last // PIECE)
        for at in range(whole):
            piece = rest[PIECE * at : PIECE * (at + 1)]
            self.pieces.append(json.dumps(piece, separators=(",", ":")).encode())
        return {
            **{f"{name}/{number}": piece for number, piece in enumerate(self.pieces)},
            name: {"pieces": len(self.pieces), "rest": rest[PIECE * whole :]},
        }

    def load(self, name: str, state: SearcherState) -> list[Any]:
        """The list from a state; tuples are lists there.

        Raises:
            KeyError: a part is missing.
            ValueError: a piece is damaged.
        """
        part = state[name]
        if isinstance(part, list):
            # Older stores have the whole list in one part.
            self.pieces = []
            return part
        self.pieces = [state[f"{name}/{number}"] for number in range(part["pieces"])]
        return [item for piece in (*map(json_value, self.pieces), part["rest"]) for item in piece]
