"""What the store holds of one proposal, and what passes between it and the workers.

Purpose: the rows and messages of the store, as data.
Non-goals: SQL, processes.
"""

from dataclasses import dataclass
from typing import Literal

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
