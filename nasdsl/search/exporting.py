"""A search's trials for other programs: CSV, Parquet, an Optuna study.

A table has one row for each trial, finished or not, in the order of the proposals.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from io import StringIO
from pathlib import Path

from nasdsl.atomic_write import atomic_write, require_writable
from nasdsl.errors import cell_error, install_hint
from nasdsl.search.checking import checked_trial
from nasdsl.search.objectives import gains_of, stored_objectives
from nasdsl.search.optuna_study import study_content
from nasdsl.search.pareto import front
from nasdsl.search.results import named_text
from nasdsl.search.store import Reader, Trial

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

    What was measured beside the reward has a column each, which is called `measured_NAME` where
    the trial has a column of that name with other values; in a search of several objectives,
    `on_front` says which networks are on the Pareto front.
    """
    trials = list(_trials(store))
    found: dict[str, list[object]] = {
        name: [getattr(trial, name) for trial in trials] for name in _COLUMNS
    }
    for name in dict.fromkeys(name for trial in trials for name in trial.measures):
        values = [trial.measures.get(name) for trial in trials]
        own = found.setdefault(name, list[object](values))
        if any(one is not None and one != other for one, other in zip(values, own, strict=True)):
            found[f"measured_{name}"] = list[object](values)
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
    try:
        content, count = study_content(store, list(_trials(store)))
    except ImportError:
        raise _missing_package("optuna") from None
    _write(path, content)
    return count


def _missing_package(package: str) -> Exception:
    text = f"this export needs `{package}`, which is not installed"
    return cell_error("NAS701", text, install_hint("search"))


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
