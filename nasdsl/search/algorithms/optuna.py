"""Any sampler of Optuna, as a searcher.

Purpose: TPE and the other samplers of Optuna (Akiba et al. 2019) behind the one protocol, each
decision a categorical parameter.
Non-goals: Optuna's storage and pruning; the store of the search is the only truth.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState, create_trial

from nasdsl.errors import cell_error, nearest
from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, generator, open_decisions
from nasdsl.search.protocol import Result, State


class OptunaSearch:
    """Proposes what a sampler of Optuna asks for.

    The sampler is made anew for each proposal, with a seed of its own, so all it knows is the
    trials: samplers that keep more than that begin again each time. The state is every trial,
    and grows with their number.

    Args:
        space: what to search.
        seed: of the samplers.
        sampler: a class of `optuna.samplers`, made with its defaults.

    Raises:
        CellError: no sampler is called so, or it takes no seed (NAS881).
    """

    def __init__(self, space: Space, seed: int, *, sampler: str = "TPESampler") -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.make_sampler = _sampler_class(sampler)
        self.distributions: dict[str, BaseDistribution] = {
            str(at): CategoricalDistribution(range(size))
            for at, size in enumerate(self.decisions.sizes)
        }
        self._begin()

    def propose(self, n: int) -> list[str]:
        """`n` proposals, each knowing of the ones before it that they are in flight."""
        return [self._next() for _ in range(n)]

    def observe(self, results: Sequence[Result]) -> None:
        """Tell Optuna."""
        for result in results:
            numbers = self.flying[result.text]
            number = numbers.pop(0)
            if not numbers:
                del self.flying[result.text]
            self._tell(number, result.reward)

    def state_dict(self) -> State:
        """Every trial: its choices, and its reward, or whether it failed or is in flight."""
        trials = self.study.get_trials(deepcopy=False)
        return {"trials": [[list(self._taken(each)), _fate(each), each.value] for each in trials]}

    def load_state_dict(self, state: State) -> None:
        """Go on after those trials."""
        self._begin()
        for number, (taken, fate, value) in enumerate(state["trials"]):
            parameters = {str(at): option for at, option in enumerate(taken)}
            with _quiet():
                trial = create_trial(
                    state=TrialState[fate],
                    params=parameters,
                    distributions=self.distributions,
                    value=value,
                )
                self.study.add_trial(trial)
            if fate == "RUNNING":
                self.flying.setdefault(self.decisions.text(taken), []).append(number)

    def _begin(self) -> None:
        with _quiet():
            self.study = optuna.create_study(direction="maximize")
        self.flying: dict[str, list[int]] = {}

    def _next(self) -> str:
        turn = len(self.study.get_trials(deepcopy=False))
        self.study.sampler = self.make_sampler(seed=generator(self.seed, turn).getrandbits(32))
        with _quiet():
            trial = self.study.ask(self.distributions)
        text = self.decisions.text(self._taken(trial))
        self.flying.setdefault(text, []).append(trial.number)
        return text

    def _tell(self, number: int, reward: float | None) -> None:
        with _quiet():
            if reward is None:
                self.study.tell(number, state=TrialState.FAIL)
            else:
                self.study.tell(number, reward)

    def _taken(self, trial: Any) -> Choices:
        return tuple(trial.params[str(at)] for at in range(len(self.distributions)))


def _fate(trial: Any) -> str:
    fate: str = trial.state.name
    return fate


def _sampler_class(name: str) -> Any:
    known = [each for each in optuna.samplers.__all__ if each.endswith("Sampler")]
    if name not in known or not hasattr(optuna.samplers, name):
        guess = nearest(name, known)
        raise cell_error(
            "NAS881",
            f"Optuna has no sampler called {name!r:.60}",
            f"did you mean `{guess}`?" if guess else "its default is `TPESampler`",
        )
    made = getattr(optuna.samplers, name)
    try:
        made(seed=0)
    except TypeError as error:
        raise cell_error(
            "NAS881", f"Optuna's {name} cannot be made from a seed alone: {error}"
        ) from error
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's log lines out of the search's own."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
