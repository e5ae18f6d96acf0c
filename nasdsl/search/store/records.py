"""What a store holds, as Python values: trials, leases, outcomes, progress, a searcher's state.

A searcher's state is stored one part a row, so that a part that has not changed need not be
written. Bytes are kept as they are; everything else is JSON, in which nested bytes are marked,
and tuples come back as lists. Reading it can run no code.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["queued", "running", "waiting", "done", "failed", "quarantined", "rejected"]

#: States that never change again.
SETTLED: tuple[State, ...] = ("done", "failed", "quarantined", "rejected")


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposal of the searcher.

    `id` counts proposals from 0. `hash` is the canonical hash of the network. `same_as` is the
    trial that had this network first and whose reward it shares, or None. A trial is `queued`
    until a worker has it, `running`, or `waiting` for the trial it shares with; then `done`,
    `failed` (its evaluation did), `quarantined` (its workers were lost too often) or `rejected`
    (outside the limits). Times are seconds since the epoch; `seconds` is what the evaluation
    took; `curve` is what it reported on the way.
    """

    id: int
    text: str
    hash: str
    state: State
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


@dataclass(frozen=True, slots=True)
class Proposal:
    """A genotype as text with its canonical hash; `rejection` says what limit it is beyond."""

    text: str
    hash: str
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to evaluate one trial, once: `key` is never given out again.

    The seed is for the controller to set.
    """

    key: str
    trial: int
    text: str
    hash: str
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation has come to: a reward, or the reason why there is none."""

    key: str
    trial: int
    reward: float | None = None
    curve: tuple[float, ...] = ()
    params: int | None = None
    mult_adds: int | None = None
    failure: str | None = None
    seconds: float = 0.0


_MARK = "__bytes__"
_RAW, _JSON = b"b", b"j"


def encoded(value: Any) -> bytes:
    """A part of a state as bytes.

    Raises:
        TypeError: it holds something that is no plain data.
    """
    if isinstance(value, bytes):
        return _RAW + value
    text = json.dumps(value, default=_marked, ensure_ascii=False, separators=(",", ":"))
    return _JSON + text.encode()


def decoded(data: bytes) -> Any:
    """The part that `encoded` was given."""
    if data[:1] == _RAW:
        return data[1:]
    return json.loads(data[1:], object_hook=_unmarked)


def _marked(value: Any) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"a searcher's state holds a {type(value).__name__}")
    return {_MARK: b64encode(value).decode("ascii")}


def _unmarked(found: dict[str, Any]) -> Any:
    return b64decode(found[_MARK]) if found.keys() == {_MARK} else found
