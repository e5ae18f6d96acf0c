"""Between the searcher and the store: what is evaluated next, and for how many epochs.

A searcher proposes texts. A schedule makes jobs of them: whole trainings, or parts that end at the
first rung, and others in which networks that did well continue. Like the searcher it depends on
nothing but results in the order of the proposals, so a search that trains in parts proposes the
same on one worker or on many, interrupted or not.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from nasdsl.search.fidelity import ASHA, HYPERBAND, Fidelity
from nasdsl.search.promotion import Asha, Promotion, hyperband_brackets
from nasdsl.search.protocol import Result, Searcher, SearcherState, SearchJob

#: The part of a state that is not the searcher's.
_PART = "fidelity"


class JobSchedule(Protocol):
    """What the search loop asks for jobs."""

    @property
    def ready(self) -> int:
        """How many jobs there are that continue a training."""
        ...

    def propose(self, n: int, new: int) -> list[SearchJob]:
        """Up to `n` jobs, at most `new` of them of networks that the searcher proposes now."""
        ...

    def observe(self, results: Sequence[Result]) -> None:
        """Learn the results of jobs, in the order in which they were proposed."""
        ...

    def state_dict(self) -> SearcherState:
        """Everything the next jobs depend on."""
        ...

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue from there."""
        ...


class WholeTrainings:
    """Every proposal is one job, and that is all."""

    ready = 0

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher

    def propose(self, n: int, new: int) -> list[SearchJob]:
        """The searcher's proposals."""
        texts = self.searcher.propose(min(n, new))
        parent_of = getattr(self.searcher, "parent_of", lambda text: None)
        return [SearchJob(text, parent=parent_of(text)) for text in texts]

    def observe(self, results: Sequence[Result]) -> None:
        """Tell the searcher."""
        self.searcher.observe(results)

    def state_dict(self) -> SearcherState:
        """The searcher's."""
        return self.searcher.state_dict()

    def load_state_dict(self, state: SearcherState) -> None:
        """Hand it to the searcher."""
        self.searcher.load_state_dict(state)


class TrainingsInParts:
    """Promotes before it asks the searcher for anything new, as ASHA does.

    The searcher learns from the first rung alone, where every network is measured alike. A
    network that is known already is not promoted twice.

    Args:
        searcher: proposes networks.
        fidelity: the rungs, and the rule by which networks go from one to the next.
    """

    def __init__(self, searcher: Searcher, fidelity: Fidelity) -> None:
        self.searcher, self.rungs = searcher, fidelity.rungs
        self.promotions, self.turns = _rules(fidelity)
        #: Proposals so far, and of those that are not observed: bracket, rung, and the trial
        #: that they continue.
        self.proposed = 0
        self.flight: deque[tuple[int, int, int | None]] = deque()
        #: Networks that were new, which says whose turn among the brackets it is.
        self.new = 0

    @property
    def ready(self) -> int:
        """How many networks are to be promoted now."""
        return sum(each.ready for each in self.promotions)

    def propose(self, n: int, new: int) -> list[SearchJob]:
        """Promotions, and then what the searcher proposes."""
        jobs: list[SearchJob] = []
        while len(jobs) < n and (promoted := self._promoted()) is not None:
            jobs.append(promoted)
        for text in self.searcher.propose(wanted) if (wanted := min(n - len(jobs), new)) else []:
            bracket = self.turns[self.new % len(self.turns)]
            self.new += 1
            first = self.promotions[bracket].first
            jobs.append(self._job(bracket, first, text, None))
        return jobs

    def observe(self, results: Sequence[Result]) -> None:
        """Enter results into their rungs, and tell the searcher those of the first."""
        trials = range(self.proposed - len(self.flight), self.proposed)
        own = []
        for trial, result in zip(trials, results, strict=False):
            bracket, rung, continues = self.flight.popleft()
            promotion = self.promotions[bracket]
            is_new = continues is None
            if is_new:
                own.append(result)
            if result.reward is not None and not (is_new and result.repeated):
                promotion.enter(rung, trial, result.reward, continues)
        if own:
            self.searcher.observe(own)

    def state_dict(self) -> SearcherState:
        """The searcher's, and what stands in the rungs."""
        members = {
            "proposed": self.proposed,
            "flight": list(map(list, self.flight)),
            "new": self.new,
        }
        rules: SearcherState = {}
        for bracket, promotion in enumerate(self.promotions):
            rules |= promotion.parts(f"{_PART}/{bracket}")
        return {**self.searcher.state_dict(), **rules, _PART: members}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue there."""
        members = state[_PART]
        self.proposed, self.new = members["proposed"], members["new"]
        self.flight = deque((at, rung, before) for at, rung, before in members["flight"])
        # Older stores have each rule in one part.
        old = {f"{_PART}/{at}": rule for at, rule in enumerate(members.get("rules", []))}
        for bracket, promotion in enumerate(self.promotions):
            promotion.load(f"{_PART}/{bracket}", {**state, **old})
        own = {key: state[key] for key in state if key.partition("/")[0] != _PART}
        self.searcher.load_state_dict(own)

    def _promoted(self) -> SearchJob | None:
        for bracket, promotion in enumerate(self.promotions):
            found = promotion.next()
            if found is not None:
                rung, trial = found
                return self._job(bracket, rung + 1, "", trial)
        return None

    def _job(self, bracket: int, rung: int, text: str, continues: int | None) -> SearchJob:
        self.proposed += 1
        self.flight.append((bracket, rung, continues))
        return SearchJob(text, self.rungs[rung], continues)


def _rules(fidelity: Fidelity) -> tuple[list[Promotion], list[int]]:
    """The brackets with their rules, and which of them new networks belong to, in turn."""
    rungs, reduction = len(fidelity.rungs), fidelity.reduction
    if fidelity.rule == ASHA:
        return [Asha(rungs, reduction)], [0]
    if fidelity.rule == HYPERBAND:
        sizes = hyperband_brackets(rungs, reduction)
        turns = [first for first, size in enumerate(sizes) for _ in range(size)]
        return [Asha(rungs, reduction, first) for first in range(len(sizes))], turns
    # Imported here because it brings Optuna.
    from nasdsl.search.pruning import Pruned

    return [Pruned(fidelity)], [0]


def schedule_of(searcher: Searcher, fidelity: Fidelity | None) -> JobSchedule:
    """The schedule of a search."""
    return WholeTrainings(searcher) if fidelity is None else TrainingsInParts(searcher, fidelity)
