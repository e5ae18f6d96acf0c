"""Any sampler of Optuna, as a searcher.

TPE and the other samplers of Optuna (Akiba et al. 2019) behind the protocol of all searchers;
each decision is a categorical parameter. Optuna's storage and pruning are not used: the store of
the search holds everything.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState, create_trial

from nasdsl.errors import cell_error, name_hints
from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, open_decisions, rng_for_turn
from nasdsl.search.history import History
from nasdsl.search.protocol import Result, SearcherState


class OptunaSearch:
    """Proposes what a sampler of Optuna suggests.

    A new sampler is made for each proposal, with a seed of its own, so that all it knows is the
    trials: samplers that remember more than that start afresh each time. The state holds every
    trial, and grows with their number.

    Args:
        space: what to search.
        seed: of the samplers.
        sampler: a class of `optuna.samplers`, made with its defaults.
        objectives: how many there are.

    Raises:
        CellError: no sampler has this name, or it takes no seed (NAS881).
    """

    def __init__(
        self, space: Space, seed: int, *, sampler: str = "TPESampler", objectives: int = 1
    ) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.objectives = objectives
        self.make_sampler = _sampler_class(sampler)
        self.distributions: dict[str, BaseDistribution] = {
            str(at): CategoricalDistribution(range(size))
            for at, size in enumerate(self.decisions.sizes)
        }
        self._start()

    def propose(self, n: int) -> list[str]:
        """`n` proposals, each made with those before it in flight."""
        return [self._next() for _ in range(n)]

    def observe(self, results: Sequence[Result]) -> None:
        """Report the results to Optuna."""
        for result in results:
            numbers = self.in_flight[result.text]
            number = numbers.pop(0)
            if not numbers:
                del self.in_flight[result.text]
            self._tell(number, result)

    def learn(self, results: Sequence[Result]) -> None:
        """Report results of members that others proposed."""
        for result in results:
            if result.reward is not None:
                choices = self.decisions.choices(result.text)
                values = list(result.gains or (result.reward,))
                with quiet():
                    self.study.add_trial(
                        create_trial(
                            params={str(at): option for at, option in enumerate(choices)},
                            distributions=self.distributions,
                            values=values,
                        )
                    )

    def state_dict(self) -> SearcherState:
        """Every trial: its choices, its state in Optuna's words, and its reward or rewards."""
        trials = self.study.get_trials(deepcopy=False)
        running = (number for numbers in self.in_flight.values() for number in numbers)
        return self.history.parts(
            "trials",
            lambda start: [
                [list(self._choices(each)), _state_name(each), self._values(each)]
                for each in trials[start:]
            ],
            final=min(running, default=len(trials)),
        )

    def _values(self, trial: Any) -> float | list[float] | None:
        return trial.value if self.objectives == 1 else trial.values  # type: ignore[no-any-return]

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue after those trials."""
        self._start()
        for number, (choices, state_name, value) in enumerate(self.history.load("trials", state)):
            parameters = {str(at): option for at, option in enumerate(choices)}
            with quiet():
                trial = create_trial(
                    state=TrialState[state_name],
                    params=parameters,
                    distributions=self.distributions,
                    **({"value": value} if self.objectives == 1 else {"values": value}),
                )
                self.study.add_trial(trial)
            if state_name == "RUNNING":
                self.in_flight.setdefault(self.decisions.text(choices), []).append(number)

    def _start(self) -> None:
        with quiet():
            self.study = optuna.create_study(directions=["maximize"] * self.objectives)
        self.in_flight: dict[str, list[int]] = {}
        self.history = History()

    def _next(self) -> str:
        turn = len(self.study.get_trials(deepcopy=False))
        self.study.sampler = self.make_sampler(seed=rng_for_turn(self.seed, turn).getrandbits(32))
        with quiet():
            trial = self.study.ask(self.distributions)
        text = self.decisions.text(self._choices(trial))
        self.in_flight.setdefault(text, []).append(trial.number)
        return text

    def _tell(self, number: int, result: Result) -> None:
        with quiet():
            if result.reward is None:
                self.study.tell(number, state=TrialState.FAIL)
            else:
                self.study.tell(number, result.gains or result.reward)

    def _choices(self, trial: Any) -> Choices:
        return tuple(trial.params[str(at)] for at in range(len(self.distributions)))


def _state_name(trial: Any) -> str:
    name: str = trial.state.name
    return name


def _sampler_class(name: str) -> Any:
    known = [each for each in optuna.samplers.__all__ if each.endswith("Sampler")]
    if name not in known or not hasattr(optuna.samplers, name):
        raise cell_error(
            "NAS881",
            f"Optuna has no sampler called {name!r:.60}",
            *name_hints(name, known, "its default is `TPESampler`"),
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
def quiet() -> Iterator[None]:
    """Keep Optuna's log lines out of the search's output."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
