"""The interfaces of searchers and evaluators, and the values that pass between them.

A searcher works with text: it proposes `.cell` texts and observes their rewards, and never sees
a network. To add a searcher or an evaluator, this file is all there is to know.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

#: A searcher's state: None, bool, int, float, str, bytes, and lists and dicts (with str
#: keys) of these. Loading it never runs code.
SearcherState = dict[str, Any]

#: What makes two networks one for a search: the canonical form, or the function form.
Same = Literal["structure", "function"]

#: Called with each value of a curve as it becomes known, such as an epoch's held-out accuracy.
Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one proposal.

    A text that was proposed before, or whose network has been evaluated already, comes back
    with the known reward, and `repeated` is true.

    Attributes:
        text: the `.cell` text, exactly as it was proposed.
        hash: its canonical hash (`nasdsl.canonical_hash`).
        reward: higher is better, finite; None exactly where there is a failure.
        failure: why there is no reward: a limit that it exceeds, an evaluator's error.
        repeated: whether the reward was known before this proposal.
        gains: in a search of several objectives, a value for each of them, higher being better,
            and the first is the reward; empty in other searches, and where there is a failure.
    """

    text: str
    hash: str
    reward: float | None
    failure: str | None = None
    repeated: bool = False
    gains: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """An evaluator's result for one genotype.

    Attributes:
        reward: higher is better; an accuracy is a fraction, from 0 to 1.
        curve: the reward after each step of the evaluation, the last one included; empty
            where there are no steps.
        params: trained parameters of the network that was evaluated; None without a network.
        mult_adds: multiply-adds of that network for one image; None without a network.
        measures: what else was measured, by name, as it is: `latency` in milliseconds.
    """

    reward: float
    curve: tuple[float, ...] = ()
    params: int | None = None
    mult_adds: int | None = None
    measures: Mapping[str, float] = field(default_factory=dict)


class Rejection(Exception):
    """Raised by an evaluator for a network beyond a limit: its trial is rejected, not failed.

    The text says by how much, beginning with a number.
    """


@runtime_checkable
class Searcher(Protocol):
    """A search algorithm, found through entry points `nasdsl.searchers`.

    An entry point is a callable `(space: nasdsl.Space, seed: int, **options) -> Searcher`.
    The same space, seed, options and sequence of calls give the same proposals, and a
    searcher that has loaded a state continues exactly as the one that gave it.

    One with a method `learn(results)` is told of networks that it did not propose, such as those
    of `--start`, which are observed before all others.

    One that makes proposals from earlier ones has a method `parent_of(text)`: the text of the
    proposal that this one was made from, or None. It is asked of what was proposed last.

    One that can pursue several objectives has a keyword `objectives: int = 1`, which is how many
    there are; `Result.gains` has their values.
    """

    def propose(self, n: int) -> list[str]:
        """Up to `n` members of the space as `.cell` texts; fewer only where none are left.

        Proposals need not be observed before more are requested. An empty list means that
        nothing is left to propose until more is observed; or nothing at all, if every proposal
        has been observed.
        """
        ...

    def observe(self, results: Sequence[Result]) -> None:
        """Learn from the results of earlier proposals, in any order, failures included."""
        ...

    def state_dict(self) -> SearcherState:
        """Everything the next proposals depend on, proposals in flight included."""
        ...

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue from `state`, which a searcher of the same kind, space and options gave."""
        ...


@dataclass(frozen=True, slots=True)
class SearchJob:
    """What is to be evaluated.

    Attributes:
        text: a member of the space as its `.cell` text; empty where that is the trial's that it
            continues.
        epochs: after how many epochs of its training it is evaluated; None for all.
        continues: the number of the trial whose training continues; None for a new one.
        parent: the text of the proposal that this one was made from; None where there is none.
    """

    text: str
    epochs: int | None = None
    continues: int | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingPart:
    """A part of a training.

    Attributes:
        epochs: after how many it ends, counted from the start of the training.
        folder: where the state of this network's training is kept; what is there is continued.
        is_last: whether the state is not needed afterwards.
    """

    epochs: int
    folder: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Where a network's weights come from and go to.

    Attributes:
        weights: the file that its own are written to.
        parent: the text of the network whose weights it inherits; None for a network without one.
        parent_weights: the file of those.
    """

    weights: str
    parent: str | None = None
    parent_weights: str = ""


@runtime_checkable
class Evaluator(Protocol):
    """Gives a genotype its reward. Each worker makes one from its spec and uses it many times.

    Where networks that compute the same have the same reward, as with trainings, an attribute
    `same = "function"` says so, and a search pays for one of them.

    One that has a method `require_space(space)` is asked before a search begins whether it can
    evaluate the members of that space; it raises a `CellError` where it cannot.

    One that can train in parts has a method `evaluate_part(text, seed, report, part)`, which gives
    the score after the epochs of a `TrainingPart`, whether an earlier part is in its folder or
    not, and an attribute `epochs`: how many a whole training has, or None where any number is
    possible. Where only some numbers are possible, `require_epochs(numbers)` raises a `CellError`
    for others.

    One whose networks can inherit weights has `evaluate_child(text, seed, report, family)`.
    """

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The score of a `.cell` text.

        Args:
            text: a genotype.
            seed: of all randomness; the same text and seed give the same score.
            report: to be called with each value of the curve as it becomes known.

        Raises:
            Exception: of any kind; it becomes the failure of this trial.
        """
        ...
