"""A search's trials for other programs: CSV, Parquet, an Optuna study.

There is one row for each trial, finished or not, in the order of the proposals.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any
from warnings import catch_warnings

from nasdsl.atomic_write import atomic_write, require_writable
from nasdsl.errors import cell_error, install_hint
from nasdsl.language.genotype.types import Space
from nasdsl.language.tree import FIELD_NAMES
from nasdsl.loading import cells_of_text, loads_space
from nasdsl.search.checking import checked_trial
from nasdsl.search.objectives import Objective, gains_of, stored_objectives
from nasdsl.search.pareto import front
from nasdsl.search.results import named_text
from nasdsl.search.store import Reader, Trial
from nasdsl.space import choices

#: What was measured has a column for each name.
_COLUMNS = tuple(field.name for field in fields(Trial) if field.name != "measures")


def export_trials(store: Reader, path: Path) -> int:
    """Write all trials of a store in the format of the suffix; how many there were.

    `.csv` and `.parquet` are tables; `.db` is a new Optuna storage with one study, for Optuna's
    dashboard.

    Raises:
        CellError: NAS007 for another suffix, NAS006 where the file cannot be written or, for
            a study, exists already; NAS701 where a package is not installed; NAS865 where a
            trial holds something that no search writes.
    """
    writers: dict[str, Callable[[Reader, Path], int]] = {
        ".csv": _csv,
        ".parquet": _parquet,
        ".db": _study,
    }
    write = writers.get(path.suffix.lower())
    if write is None:
        text = f"{str(path)!r} has the suffix {path.suffix!r}, which is not a format of trials"
        raise cell_error("NAS007", text, "the formats are .csv, .parquet and .db (an Optuna study)")
    if path.exists() and write is _study:
        raise cell_error(
            "NAS006", f"cannot write {str(path)!r}: the file exists, and a study is not overwritten"
        )
    require_writable(path)
    return write(store, path)


def _trials(store: Reader) -> Iterator[Trial]:
    for trial in store.trials():
        checked = checked_trial(trial, store.path)
        yield replace(checked, text=named_text(checked, store.path))


def _columns(store: Reader) -> dict[str, list[object]]:
    """The columns of a table of all trials, by name.

    What was measured beside the reward has a column each; in a search of several objectives,
    `on_front` says which networks are on the Pareto front.
    """
    trials = list(_trials(store))
    found: dict[str, list[object]] = {
        name: [getattr(trial, name) for trial in trials] for name in _COLUMNS
    }
    for name in dict.fromkeys(name for trial in trials for name in trial.measures):
        if name not in found:
            found[name] = [trial.measures.get(name) for trial in trials]
    objectives = stored_objectives(store.settings(), store.path)
    if len(objectives) > 1:
        unique = [each for each in trials if each.state == "done" and each.same_as is None]
        places = front([gains_of(trial, objectives, store.path) for trial in unique])
        best = {unique[at].id for at in places}
        found["on_front"] = [trial.id in best for trial in trials]
    return found


def _csv(store: Reader, path: Path) -> int:
    columns = _columns(store)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(map(_csv_value, row))
    _write(path, text.getvalue().encode())
    return len(columns["id"])


def _csv_value(value: object) -> object:
    return " ".join(map(repr, value)) if isinstance(value, tuple) else value


def _parquet(store: Reader, path: Path) -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise _missing_package("pyarrow") from None
    columns = _columns(store)
    table = pyarrow.table(
        {
            name: [list(value) if isinstance(value, tuple) else value for value in values]
            for name, values in columns.items()
        }
    )
    content = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, content)
    _write(path, content.getvalue().to_pybytes())
    return len(columns["id"])


def _study(store: Reader, path: Path) -> int:
    """Each open decision is a categorical parameter, by which Optuna rates what matters."""
    try:
        import optuna
    except ImportError:
        raise _missing_package("optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    about = store.settings()
    found = [trial for trial in _trials(store) if trial.state in _STATES]
    # In memory: Optuna takes an address, in which some characters of a path would mean something
    # else, and what it raises where the disk is full is not for people.
    storage = optuna.storages.RDBStorage("sqlite://")
    objectives = stored_objectives(about, store.path)
    study = optuna.create_study(
        storage=storage,
        study_name=f"{about.get('algorithm')}-{about.get('seed')}",
        **_directions(objectives),
    )
    if len(objectives) > 1:
        with catch_warnings(action="ignore"):  # "experimental" is nothing for people to act on
            study.set_metric_names([each.name for each in objectives])
    space = loads_space(str(about["space"])) if "space" in about else None
    study.add_trials([_optuna_trial(trial, space, objectives) for trial in found])
    with closing(storage.engine.raw_connection()) as connection:
        rows: Any = connection.driver_connection
        _write(path, rows.serialize())
    return len(found)


def _directions(objectives: Sequence[Objective]) -> dict[str, Any]:
    if len(objectives) < 2:
        return {"direction": "maximize"}
    return {"directions": ["minimize" if each.less else "maximize" for each in objectives]}


_STATES = {"done": "COMPLETE", "failed": "FAIL", "quarantined": "FAIL", "rejected": "PRUNED"}


def _optuna_trial(trial: Trial, space: Space | None, objectives: Sequence[Objective]) -> Any:
    import optuna

    names, options = _parameters(space) if space else ([], {})
    taken = choices(space, cells_of_text(trial.text)) if space else ()
    state = optuna.trial.TrialState[_STATES[trial.state]]
    parameters = {name: options[name][taken[at]] for at, name in names}
    # A trial that shares another one's reward took no time of its own.
    started = trial.started or trial.proposed
    finished = max(trial.finished or started, started)
    several = trial.reward is not None and len(objectives) > 1
    return optuna.trial.FrozenTrial(
        number=trial.id,
        trial_id=trial.id,
        state=state,
        value=None if several else trial.reward,
        values=[trial.measures[each.name] for each in objectives] if several else None,
        datetime_start=datetime.fromtimestamp(started),
        datetime_complete=datetime.fromtimestamp(finished),
        params=parameters,
        distributions={
            name: optuna.distributions.CategoricalDistribution(options[name]) for _, name in names
        },
        system_attrs={},
        user_attrs={
            "text": trial.text,
            "hash": trial.hash,
            "params": trial.params,
            "mult_adds": trial.mult_adds,
            "measures": dict(trial.measures),
            "failure": trial.failure,
        },
        intermediate_values=dict(enumerate(trial.curve, 1)),
    )


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


def _missing_package(package: str) -> Exception:
    text = f"this export needs `{package}`, which is not installed"
    return cell_error("NAS701", text, install_hint("search"))


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
