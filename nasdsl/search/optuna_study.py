"""A search as an Optuna study, for Optuna's dashboard.

Each open decision is a categorical parameter, by which Optuna rates what matters. In a search that
trains in parts, a network is one trial: each part is an intermediate value, and a network that did
not get as far as the last rung is pruned, as Optuna has it.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from warnings import catch_warnings

from nasdsl.language.genotype.types import Space
from nasdsl.language.tree import FIELD_NAMES
from nasdsl.loading import cells_of_text, loads_space
from nasdsl.search.objectives import Objective, gains_of, stored_objectives
from nasdsl.search.store import Reader, Trial
from nasdsl.space import choices

_STATES = {"done": "COMPLETE", "failed": "FAIL", "quarantined": "FAIL", "rejected": "PRUNED"}


def study_content(store: Reader, trials: Iterable[Trial]) -> tuple[bytes, int]:
    """An Optuna storage with one study, as the bytes of a file, and how many trials it has.

    Args:
        store: the search.
        trials: all of it, checked; those without an end are left out.

    Raises:
        ImportError: Optuna is not installed.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    about = store.settings()
    # In memory: Optuna takes an address, in which some characters of a path would mean something
    # else, and what it raises where the disk is full is not for people.
    storage = optuna.storages.RDBStorage("sqlite://")
    objectives = stored_objectives(about, store.path)
    study = optuna.create_study(
        storage=storage,
        study_name=f"{about.get('algorithm')}-{about.get('seed')}",
        **_directions(objectives),
    )
    with catch_warnings(action="ignore"):  # "experimental" is nothing for people to act on
        study.set_metric_names([each.name for each in objectives] or ["reward"])
    for name in ("algorithm", "evaluator", "seed"):
        study.set_user_attr(name, about.get(name))
    space = loads_space(str(about["space"])) if "space" in about else None
    fidelity = about.get("fidelity")
    last = None if fidelity is None else fidelity["max_epochs"]
    found = [
        _optuna_trial(parts, last, space, objectives, store.path) for parts in _networks(trials)
    ]
    study.add_trials(found)
    with closing(storage.engine.raw_connection()) as connection:
        rows: Any = connection.driver_connection
        content = bytes(rows.serialize())
    storage.remove_session()
    storage.engine.dispose()
    return content, len(found)


def _networks(trials: Iterable[Trial]) -> list[list[Trial]]:
    """The parts of each training, in order; one of each where trainings have no parts."""
    found: dict[int, list[Trial]] = {}
    first: dict[int, int] = {}
    for trial in trials:
        if trial.state in _STATES:
            root = trial.id if trial.continues is None else first.get(trial.continues, trial.id)
            first[trial.id] = root
            found.setdefault(root, []).append(trial)
    return list(found.values())


def _directions(objectives: Sequence[Objective]) -> dict[str, Any]:
    if len(objectives) < 2:
        return {"direction": "maximize"}
    return {"directions": ["minimize" if each.less else "maximize" for each in objectives]}


def _optuna_trial(
    parts: Sequence[Trial],
    last_rung: int | None,
    space: Space | None,
    objectives: Sequence[Objective],
    store: Path,
) -> Any:
    import optuna

    trial = parts[-1]
    names, options = _parameters(space) if space else ([], {})
    taken = choices(space, cells_of_text(trial.text)) if space else ()
    state = _STATES[trial.state]
    if state == "COMPLETE" and trial.epochs != last_rung:
        state = "PRUNED"
    # A trial that shares another one's reward took no time of its own.
    started = parts[0].started or parts[0].proposed
    finished = max(trial.finished or started, started)
    several = trial.reward is not None and len(objectives) > 1
    gains = gains_of(trial, objectives, store) if several else ()
    return optuna.trial.FrozenTrial(
        number=trial.id,
        trial_id=trial.id,
        state=optuna.trial.TrialState[state],
        value=None if several else trial.reward,
        values=[each.gain(gain) for each, gain in zip(objectives, gains, strict=True)]
        if several
        else None,
        datetime_start=datetime.fromtimestamp(started),
        datetime_complete=datetime.fromtimestamp(finished),
        params={name: options[name][taken[at]] for at, name in names},
        distributions={
            name: optuna.distributions.CategoricalDistribution(options[name]) for _, name in names
        },
        system_attrs={},
        user_attrs={
            "trial": trial.id,
            "text": trial.text,
            "hash": trial.hash,
            "params": trial.params,
            "mult_adds": trial.mult_adds,
            "measures": dict(trial.measures),
            "failure": trial.failure,
        },
        intermediate_values=_values_by_epoch(parts),
    )


def _values_by_epoch(parts: Sequence[Trial]) -> dict[int, float]:
    """The rewards after each epoch that is known, those at the end of each part among them."""
    found: dict[int, float] = {}
    before = 0
    for part in parts:
        if part.epochs is None:
            return dict(enumerate(part.curve, 1))
        # What reports an epoch at a time may do so from the start or from where it went on.
        if len(part.curve) in (part.epochs, part.epochs - before):
            found |= dict(enumerate(part.curve, 1 + part.epochs - len(part.curve)))
        if part.reward is not None:
            found[part.epochs] = part.reward
        before = part.epochs
    return found


@lru_cache(maxsize=1)
def _parameters(space: Space) -> tuple[list[tuple[int, str]], dict[str, list[str]]]:
    """The open decisions with their places, and the options of each, in the words of the text."""
    names, options = [], {}
    fields = (
        (f"{cell.kind} {block.name} {field}", found)
        for cell in space.cells
        for block in cell.blocks
        for field, found in zip(FIELD_NAMES, block.decisions, strict=True)
    )
    for at, (name, found) in enumerate(fields):
        if len(found) > 1:
            names.append((at, name))
            options[name] = [str(option) for option in found]
    return names, options
