"""Optuna's pruners as rules of promotion: whom a pruner does not stop continues to the next rung.

Each network is a trial of a study and reports its reward at each rung, in the order in which the
search observes them. What a pruner remembers it keeps in the study, which a search that is resumed
makes again from those reports.
"""

from collections import deque
from inspect import signature
from typing import Any
from warnings import catch_warnings, simplefilter

import optuna
from optuna.trial import TrialState

from nasdsl.errors import cell_error, name_hints
from nasdsl.search.algorithms.optuna import quiet
from nasdsl.search.fidelity import Fidelity
from nasdsl.search.history import History
from nasdsl.search.protocol import SearcherState


class Pruned:
    """A pruner of Optuna as a `Promotion`.

    Args:
        fidelity: its rule names the pruner, which is made with its defaults; one that has rungs of
            its own gets those of the search.
    """

    first = 0

    def __init__(self, fidelity: Fidelity) -> None:
        self.fidelity = fidelity
        self._start()

    @property
    def ready(self) -> int:
        """How many networks wait for the next part of their training."""
        return len(self.going)

    def enter(self, rung: int, trial: int, reward: float, continues: int | None) -> None:
        """Report a reward, and ask whether the network is to continue."""
        self.reports.append([rung, trial, reward, continues])
        with quiet():
            known = self.study.ask() if continues is None else self.open.pop(continues)
            known.report(reward, self.fidelity.rungs[rung])
            if rung + 1 == len(self.fidelity.rungs):
                self.study.tell(known, reward)
            elif known.should_prune():
                self.study.tell(known, state=TrialState.PRUNED)
            else:
                self.open[trial] = known
                self.going.append((rung, trial))

    def next(self) -> tuple[int, int] | None:
        """The network that has waited longest."""
        if not self.going:
            return None
        self.taken += 1
        return self.going.popleft()

    def parts(self, name: str) -> SearcherState:
        """All reports, and how many networks went on after them."""
        reports = self.history.parts(f"{name}/reports", lambda start: self.reports[start:])
        return {**reports, f"{name}/taken": self.taken}

    def load(self, name: str, state: SearcherState) -> None:
        """Report all of them again."""
        self._start()
        # Older stores have both in one part.
        old = state.get(name)
        reports, taken = old or (
            self.history.load(f"{name}/reports", state),
            state[f"{name}/taken"],
        )
        for rung, trial, reward, continues in reports:
            self.enter(rung, trial, reward, continues)
        for _ in range(taken):
            self.next()

    def _start(self) -> None:
        with quiet():
            self.study = optuna.create_study(
                direction="maximize",
                # By this name some pruners divide trials among brackets.
                study_name="nasdsl",
                sampler=optuna.samplers.RandomSampler(seed=0),
                pruner=_pruner(self.fidelity),
            )
        self.history = History()
        #: Reports in order; Optuna's trials that may continue, by the search's; those that wait.
        self.reports: list[list[Any]] = []
        self.open: dict[int, Any] = {}
        self.going: deque[tuple[int, int]] = deque()
        self.taken = 0


def pruner_class(name: str) -> Any:
    """A pruner of Optuna by its name.

    Raises:
        CellError: NAS887, there is none of this name, or it needs to be told something.
    """
    known = [each for each in optuna.pruners.__all__ if each.endswith("Pruner")]
    known.remove("BasePruner")
    if name not in known:
        raise cell_error(
            "NAS887", f"Optuna has no pruner called {name!r:.60}", *name_hints(name, known)
        )
    found = getattr(optuna.pruners, name)
    try:
        with catch_warnings():
            # Some are experimental, which is for Optuna's documentation to say.
            simplefilter("ignore")
            found()
    except TypeError as error:
        raise cell_error(
            "NAS887",
            f"Optuna's {name} cannot be made without more: {error}",
            "`MedianPruner`, `SuccessiveHalvingPruner` and `HyperbandPruner` can",
        ) from error
    return found


def _pruner(fidelity: Fidelity) -> Any:
    found = pruner_class(fidelity.rule)
    rungs = {
        "min_resource": fidelity.min_epochs,
        "max_resource": fidelity.max_epochs,
        "reduction_factor": fidelity.reduction,
    }
    own = signature(found).parameters
    with catch_warnings():
        simplefilter("ignore")
        return found(**{name: value for name, value in rungs.items() if name in own})
