"""Lists that only grow, in a searcher's state: nothing is lost, and old pieces never change."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasdsl.search.fidelity import Fidelity
from nasdsl.search.history import PIECE, History
from nasdsl.search.promotion import Asha
from nasdsl.search.schedule import TrainingsInParts
from nasdsl.search.store.records import decode_state, encode_state

ITEMS = [[[number, number + 1], None if number % 7 == 0 else number / 3] for number in range(1200)]


def stored(state: dict[str, Any]) -> dict[str, Any]:
    """A state as it comes back from a store."""
    return {part: decode_state(encode_state(value)) for part, value in state.items()}


@settings(max_examples=40)
@given(
    steps=st.lists(st.integers(0, 400), max_size=8), late=st.integers(0, 300), at=st.integers(0, 7)
)
def test_what_is_stored_is_the_list(steps: list[int], late: int, at: int) -> None:
    """However it grew, and wherever it was read back; the last `late` items may yet change."""
    history, before, length = History(), dict[str, Any](), 0
    for turn, step in enumerate(steps):
        length = min(length + step, len(ITEMS))
        final = max(0, length - late)
        parts = history.parts("list", lambda start, end=length: ITEMS[start:end], final=final)
        state = stored(parts)
        pieces = {name: part for name, part in state.items() if name != "list"}
        assert {name: pieces[name] for name in before} == before
        assert PIECE * len(pieces) <= final or len(pieces) == len(before)
        before = pieces
        if turn == at:
            history = History()
            history.load("list", state)
        assert History().load("list", state) == ITEMS[:length]


def test_a_piece_that_is_missing_is_noticed() -> None:
    """Fewer items must not stand for all."""
    parts = History().parts("list", lambda start: ITEMS[start:])
    del parts["list/1"]
    with pytest.raises(KeyError):
        History().load("list", parts)


def test_a_list_in_one_part_is_read_and_divided() -> None:
    """As older stores have it."""
    history = History()
    assert history.load("list", {"list": ITEMS}) == ITEMS
    parts = history.parts("list", lambda start: ITEMS[start:])
    assert len(parts) == 1 + len(ITEMS) // PIECE
    assert History().load("list", stored(parts)) == ITEMS


def test_rungs_of_an_older_store() -> None:
    """Each rung's trials, best first, and which were promoted; all in one part."""
    new, old = Asha(3, 2), Asha(3, 2)
    for trial in range(8):
        new.enter(0, trial, (trial * 5 % 8) / 8, None)
    promoted = [new.next() for _ in range(2)]
    rung = [
        [reward / 8, trial]
        for reward, trial in sorted(((trial * 5 % 8, trial) for trial in range(8)), reverse=True)
    ]
    old.load("rule", {"rule": [[rung, sorted(trial for _, trial in promoted)], [[], []], [[], []]]})
    assert old.ready == new.ready
    assert [old.next() for _ in range(3)] == [new.next() for _ in range(3)]


class _Nothing:
    """A searcher that is not asked."""

    def state_dict(self) -> dict[str, Any]:
        """Its own part."""
        return {"own": 1}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """It gets its own part and no other."""
        assert state == {"own": 1}


def test_a_schedule_of_an_older_store() -> None:
    """Its rules were a member of the schedule's part."""
    searcher: Any = _Nothing()
    schedule = TrainingsInParts(searcher, Fidelity("asha", 1, 4, 2))
    rules = [[[[[0.5, 0], [0.25, 1]], [0]], [[], []], [[], []]]]
    members = {"proposed": 2, "flight": [], "new": 2, "rules": rules}
    schedule.load_state_dict({"own": 1, "fidelity": members})
    assert schedule.ready == 0
    state = stored(schedule.state_dict())
    again = TrainingsInParts(searcher, Fidelity("asha", 1, 4, 2))
    again.load_state_dict(state)
    assert again.state_dict() == schedule.state_dict()
