"""What a one-shot search tells of itself: epochs, and those who watch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from nasdsl.errors import Diagnostic
from nasdsl.oneshot.mixing import Strengths


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member that was measured.

    Attributes:
        text: its `.cell` text.
        accuracy: with the weights that it inherits, on the images held out, 0 to 1.
    """

    text: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class SearchEpoch:
    """An epoch of a one-shot search.

    Attributes:
        epoch: from 1.
        step: steps taken at its end.
        loss: cross-entropy of the steps of the weights, mean over the epoch.
        candidates: the members that it led to, best first.
        skips: how many of the best one's chosen ops are skips.
        ops: how many ops were chosen.
        learning_rate: of the next step.
        strengths: how strong each option is, by mixture.
        seconds: that it took.
    """

    epoch: int
    step: int
    loss: float
    candidates: tuple[Candidate, ...]
    skips: int
    ops: int
    learning_rate: float
    strengths: Mapping[str, Strengths]
    seconds: float

    @property
    def best(self) -> Candidate:
        """The best candidate."""
        return self.candidates[0]

    @property
    def has_collapsed(self) -> bool:
        """Whether more than half of the chosen ops are skips."""
        return 2 * self.skips > self.ops

    def as_members(self) -> dict[str, Any]:
        """Plain values, for JSON and checkpoints."""
        return asdict(self)

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> "SearchEpoch":
        """The inverse of `as_members`.

        Raises:
            TypeError: a member is missing, or there is another.
        """
        candidates = tuple(Candidate(**each) for each in members["candidates"])
        return replace(cls(**members), candidates=candidates)


class SearchWatcher:
    """Is called at every stage of a one-shot search, and cannot change it."""

    def started(self, search: Any) -> None:
        """A search (`nasdsl.oneshot.training.OneShotSearch`) is about to take its first step."""

    def stepped(self, step: int, loss: float) -> None:
        """A step is complete; `loss` is the epoch's so far."""

    def epoch_ended(self, epoch: SearchEpoch) -> None:
        """An epoch is complete, measured and saved."""

    def warned(self, finding: Diagnostic) -> None:
        """There is something to say that does not end the search."""


def collapse_warning(epoch: SearchEpoch) -> Diagnostic:
    """The warning about an epoch with too many skips."""
    return Diagnostic(
        "NAS892",
        f"after epoch {epoch.epoch}, {epoch.skips} of the {epoch.ops} chosen ops are skips",
        hints=(
            "a search by gradients that ends so has found that skips learn fastest, not best",
            "`--option stop=collapse` ends a search there, with the genotype before",
        ),
    )
