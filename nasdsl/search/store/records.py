"""What a store holds, as Python values: trials, leases, outcomes, progress, a searcher's state.

A searcher's state is stored one part a row, so that a part that has not changed need not be
written. Bytes are kept as they are; everything else is JSON, in which nested bytes are marked,
and tuples come back as lists. Reading it can run no code.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nasdsl.documents import json_value
from nasdsl.search.protocol import Family

TrialState = Literal["queued", "running", "waiting", "done", "failed", "quarantined", "rejected"]

#: States that never change again.
SETTLED: tuple[TrialState, ...] = ("done", "failed", "quarantined", "rejected")


class NotOfASearch(Exception):
    """What a store holds is not what a search writes; the text says what, as in "it has ..."."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposal of the searcher.

    `id` counts proposals from 0. `hash` is the canonical hash of the network. `same_as` is the
    first trial of the same network, whose reward this one shares, or None. A trial is `queued`
    until a worker has it, then `running`; or it is `waiting` for the trial it shares with. It
    ends as `done`, `failed` (its evaluation failed), `quarantined` (its workers were lost too
    often) or `rejected` (beyond the limits). Times are seconds since the epoch; `seconds` is
    how long the evaluation took, `curve` the values that it reported meanwhile. `measures` has
    what was measured beside the reward, by name. `function` is the hash of the function form, in
    a search that shares results by it; else None. In a search that trains in parts, `epochs` is
    after how many epochs the network is evaluated, and `continues` the trial whose training goes
    on; else both are None. `inherits` is the trial with whose weights the training began, if any.
    """

    id: int
    text: str
    hash: str
    state: TrialState
    same_as: int | None
    attempts: int
    lease: str | None
    worker: str | None
    proposed: float
    started: float | None
    finished: float | None
    seconds: float | None
    reward: float | None
    curve: tuple[float, ...]
    params: int | None
    mult_adds: int | None
    failure: str | None
    measures: Mapping[str, float] = field(default_factory=dict)
    function: str | None = None
    epochs: int | None = None
    continues: int | None = None
    inherits: int | None = None

    @property
    def reason(self) -> str | None:
        """The first line of `failure`; a traceback may follow it."""
        return self.failure and self.failure.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A genotype as text, with its canonical hash; `rejection` is the limit that it exceeds.

    `function` is the hash of its function form where results are shared by that; `epochs` and
    `continues` are those of a `SearchJob`; `parent` is the canonical hash of the network whose
    weights it inherits.
    """

    text: str
    hash: str
    rejection: str | None = None
    function: str | None = None
    epochs: int | None = None
    continues: int | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to evaluate one trial once; `key` is never used again.

    The seed and the folder are set by the search loop. `epochs` is after how many epochs the
    evaluation ends, None for all, and `folder` where the state of the training is kept. `inherits`
    is the trial whose weights are inherited; where they are and where the network's own go is in
    `family`, which the search loop sets.
    """

    key: str
    trial: int
    text: str
    hash: str
    seed: int = 0
    epochs: int | None = None
    folder: str = ""
    is_last: bool = False
    inherits: int | None = None
    family: Family | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an evaluation: a reward, or why there is none: a failure or a rejection."""

    key: str
    trial: int
    reward: float | None = None
    curve: tuple[float, ...] = ()
    params: int | None = None
    mult_adds: int | None = None
    failure: str | None = None
    seconds: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many trials there are of each kind.

    `completed` have a reward; `unique` of them were the first of their network, and `promoted`
    went on with a training. `failed` includes `quarantined`. `waiting` share a network that is
    still being evaluated.
    """

    proposed: int = 0
    queued: int = 0
    running: int = 0
    waiting: int = 0
    completed: int = 0
    unique: int = 0
    failed: int = 0
    quarantined: int = 0
    rejected: int = 0
    promoted: int = 0

    @property
    def shared(self) -> int:
        """Completed trials whose reward was another trial's."""
        return self.completed - self.unique - self.promoted


@dataclass(frozen=True, slots=True)
class Rung:
    """The trials of a search that trains in parts which end after the same epochs.

    `done` have a reward, `open` are to come, `failed` have none; `best` is the highest reward.
    """

    epochs: int
    done: int
    open: int
    failed: int
    best: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the searcher has come: trials proposed, how many of them rejected, and observed.

    `starved` means that it had nothing to propose when it was last asked; `promoted` is how many
    of the proposals continue a training.
    """

    proposed: int = 0
    rejected: int = 0
    observed: int = 0
    starved: bool = False
    promoted: int = 0


# -- a searcher's state as bytes -----------------------------------------------------------

_BYTES_KEY = "__bytes__"
_RAW, _JSON = b"b", b"j"


def encode_state(value: Any) -> bytes:
    """A part of a searcher's state as bytes.

    Raises:
        TypeError: it holds something other than plain data.
    """
    if isinstance(value, bytes):
        return _RAW + value
    text = json.dumps(value, default=_bytes_to_json, ensure_ascii=False, separators=(",", ":"))
    return _JSON + text.encode()


def decode_state(data: bytes) -> Any:
    """The part that `encode_state` was given.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(data, bytes):
        raise ValueError(f"{data!r:.40} is not bytes")
    if data[:1] == _RAW:
        return data[1:]
    return json_value(data[1:], _json_to_bytes)


def _bytes_to_json(value: Any) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"a searcher's state holds a {type(value).__name__}")
    return {_BYTES_KEY: b64encode(value).decode("ascii")}


def _json_to_bytes(members: dict[str, Any]) -> Any:
    if members.keys() == {_BYTES_KEY}:
        return b64decode(str(members[_BYTES_KEY]))
    return members
