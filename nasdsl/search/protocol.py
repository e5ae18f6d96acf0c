"""What the parts of a search say to each other: texts, results, scores.

Purpose: the types that searchers, evaluators, engines and the store share, and nothing else.
A searcher speaks text: it proposes `.cell` texts and observes their rewards, and never sees
a network; so a third party needs this file alone.
Non-goals: running anything (`nasdsl.search.loop`), remembering (`nasdsl.search.store`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

#: What a searcher keeps: None, bool, int, float, str, bytes, and lists and dicts (with str
#: keys) of these. Loading it never runs code.
State = dict[str, Any]

#: Called with each value of a curve as it becomes known (an epoch's held-out accuracy, say).
Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one proposal.

    A text that was proposed again, or that is the like of one already evaluated, comes back
    with the reward that is known; `repeated` says so.

    Attributes:
        text: the `.cell` text, exactly as it was proposed.
        hash: its canonical hash (`nasdsl.canonical_hash`).
        reward: higher is better, finite; None exactly where there is a failure.
        failure: why there is no reward: a limit it breaks, an evaluator's error.
        repeated: whether the reward was known before this proposal.
    """

    text: str
    hash: str
    reward: float | None
    failure: str | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """What an evaluator found out about one genotype.

    Attributes:
        reward: higher is better; an accuracy is a fraction, from 0 to 1.
        curve: the reward after each step of the evaluation, the last one included; empty
            where there are no steps.
        params: trained parameters of the network that was evaluated, None where no network was.
        mult_adds: multiply-adds of that network for one image, None where no network was.
    """

    reward: float
    curve: tuple[float, ...] = ()
    params: int | None = None
    mult_adds: int | None = None


@runtime_checkable
class Searcher(Protocol):
    """A way to search: one file an algorithm, found through entry points `nasdsl.searchers`.

    An entry point is a callable `(space: nasdsl.Space, seed: int, **options) -> Searcher`.
    The same space, seed, options and sequence of calls give the same proposals, and a
    searcher that loaded a state goes on exactly as the one that gave it.
    """

    def propose(self, n: int) -> list[str]:
        """Up to `n` members of the space as `.cell` texts; fewer only where none are left.

        Proposals need not be observed before more are asked for. An empty list means that
        nothing is left to propose until more is observed or, where nothing is in flight, at
        all.
        """
        ...

    def observe(self, results: Sequence[Result]) -> None:
        """Take in the results of earlier proposals, in any order, failures included."""
        ...

    def state_dict(self) -> State:
        """Everything the next proposals depend on, proposals in flight included."""
        ...

    def load_state_dict(self, state: State) -> None:
        """Go on from `state`, which a searcher of the same kind, space and options gave."""
        ...


@runtime_checkable
class Evaluator(Protocol):
    """What gives a genotype its reward. Built in each worker from its spec, used many times."""

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The score of a `.cell` text.

        Args:
            text: a genotype.
            seed: of all randomness; the same text and seed give the same score.
            report: told each value of the curve as it becomes known.

        Raises:
            Exception: of any kind; the caller turns it into a failure of this trial.
        """
        ...
