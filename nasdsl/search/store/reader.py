"""`Reader`: look into a store from any process, even while the search is running.

A reader never writes, takes no lock that the search would wait for, and sees whole
transactions only.
"""

import math
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from nasdsl.documents import json_value
from nasdsl.search.store.files import is_locked, require_local_disk, require_store, store_errors
from nasdsl.search.store.records import Counts, NotOfASearch, Rung, Trial
from nasdsl.search.store.schema import known_version
from nasdsl.search.store.soundness import (
    distrust,
    limited_work,
    require_own_schema,
    require_sound,
)
from nasdsl.values import require_types


class Reader:
    """A store opened for reading: `with Reader("s1.db") as store: store.counts()`.

    Raises:
        CellError: NAS001 (no such file), NAS008 (no path), NAS860, NAS861, NAS862, NAS865.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        require_types(path=(path, str | os.PathLike))
        self.path = path = Path(path)
        require_store(path)
        require_local_disk(path)
        #: Whether a search had the store open when the reader was made.
        self.is_in_use = is_locked(path)
        with store_errors(path), ExitStack() as opened:
            self._rows = opened.enter_context(_readable(path))
            # In a transaction, because a search may be writing.
            self._rows.execute("BEGIN")
            with limited_work(self._rows):
                version = known_version(self._rows, path)
                require_own_schema(self._rows, version)
                require_sound(self._rows, version, with_indexes=False)
                if version in _LACKING:
                    # Nothing in the file changes: the view is this connection's own.
                    lacking = f"CREATE TEMP VIEW trial AS SELECT *, {_LACKING[version]}"
                    self._rows.execute(f"{lacking} FROM main.trial")
            self._rows.execute("COMMIT")
            self._opened = opened.pop_all()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def settings(self) -> Mapping[str, Any]:
        """What the search was started with: space, algorithm, options, evaluator, seed, ..."""
        with store_errors(self.path):
            return settings(self._rows)

    def counts(self) -> Counts:
        """How many trials of each kind there are now."""
        with store_errors(self.path):
            return counts(self._rows)

    def best(self, n: int = 1) -> list[Trial]:
        """The `n` unique networks with the highest rewards, best first, the earlier of equals.

        Where networks are trained in parts, those that were trained longest come first.
        """
        with store_errors(self.path):
            return best(self._rows, n)

    def distinct(self) -> Iterator[Trial]:
        """Every unique network that has a reward, in the order of the proposals."""
        return (each for each in self.trials() if each.state == "done" and each.same_as is None)

    def shared_by_function(self) -> int:
        """How many trials have the reward of a network of another structure."""
        with store_errors(self.path):
            return int(self._rows.execute(_BY_FUNCTION).fetchone()[0])

    def rungs(self) -> list[Rung]:
        """Of a search that trains in parts, its rungs; the shortest trainings first."""
        with store_errors(self.path):
            return [Rung(*row) for row in self._rows.execute(_RUNGS)]

    def trials(self, start: int = 0) -> Iterator[Trial]:
        """Every trial from number `start` on, in the order of the proposals.

        Rows are read in pieces, when they are needed, so that no reader keeps the search from
        cleaning up its log.
        """
        while True:
            with store_errors(self.path):
                piece = _trials(self._rows, "WHERE id >= ? ORDER BY id LIMIT 1000", start)
            yield from piece
            if len(piece) < 1000:
                return
            start = piece[-1].id + 1


@contextmanager
def _readable(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing, to a file that may lie where nothing can be written."""
    # `mode=ro` still shares the log's memory with the writer, for which it needs a file.
    try:
        connection = _connected(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise
        log = path.with_name(f"{path.name}-wal")
        if log.is_file() and log.stat().st_size:
            # What the log holds is a part of the store.
            with TemporaryDirectory() as folder:
                copies = [Path(copy(each, folder)) for each in (path, log)]
                with closing(_connected(copies[0], "mode=rw")) as connection:
                    yield connection
            return
        connection = _connected(path, "immutable=1")
    with closing(connection):
        yield connection


def _connected(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
    try:
        distrust(connection)
        connection.execute("PRAGMA schema_version")  # which opens the file
    except BaseException:
        connection.close()
        raise
    return connection


_BY_FUNCTION = """
SELECT count(*) FROM trial t JOIN trial a ON a.id = t.same_as
WHERE t.hash <> a.hash AND t.state = 'done'
"""
_RUNGS = """
SELECT epochs, sum(state = 'done'), sum(state IN ('queued', 'running', 'waiting')),
    sum(state IN ('failed', 'quarantined')), max(reward)
FROM trial WHERE epochs IS NOT NULL AND same_as IS NULL GROUP BY epochs ORDER BY epochs
"""
_NO_PARTS = "NULL AS epochs, NULL AS continues, NULL AS inherits"
#: What a store of an older version lacks.
_LACKING = {1: f"'{{}}' AS measures, NULL AS function, {_NO_PARTS}", 2: _NO_PARTS}


# -- the same queries, for the search on its own connection --------------------------------


def settings(rows: sqlite3.Connection) -> dict[str, Any]:
    """Every row of the table `search`."""
    found = {}
    for key, value in rows.execute("SELECT * FROM search"):
        try:
            found[key] = json_value(value)
        except ValueError as error:
            raise NotOfASearch(f"its setting {key!r:.40} is not JSON: {error!s:.80}") from error
    return found


def counts(rows: sqlite3.Connection) -> Counts:
    """The counts in the table `tally`."""
    found: dict[tuple[str, bool], int] = {
        (state, bool(first)): n for state, first, n in rows.execute("SELECT * FROM tally")
    }

    promoted = {bool(first): n for first, n in rows.execute(_PROMOTED)}

    def of(state: str) -> int:
        return found.get((state, True), 0) + found.get((state, False), 0)

    return Counts(
        proposed=sum(found.values()),
        queued=of("queued"),
        running=of("running"),
        waiting=of("waiting"),
        completed=of("done"),
        unique=found.get(("done", True), 0) - promoted.get(True, 0),
        failed=of("failed") + of("quarantined"),
        quarantined=of("quarantined"),
        rejected=of("rejected"),
        promoted=sum(promoted.values()),
    )


_PROMOTED = """
SELECT same_as IS NULL, count(*) FROM trial WHERE continues IS NOT NULL AND state = 'done'
GROUP BY 1
"""
_IN_PARTS = "SELECT epochs IS NOT NULL FROM trial WHERE id = 0"
#: Of each network the longest training.
_LONGEST = """
WHERE state = 'done' AND same_as IS NULL AND epochs IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM trial t WHERE t.hash = trial.hash AND t.same_as IS NULL AND t.state = 'done'
        AND t.epochs > trial.epochs
) ORDER BY epochs DESC, reward DESC, id LIMIT ?
"""
_BEST = "WHERE state = 'done' AND same_as IS NULL ORDER BY reward DESC, id LIMIT ?"


def best(rows: sqlite3.Connection, n: int) -> list[Trial]:
    """The first `n` by reward, found through the index.

    Where networks are trained in parts, rewards after more epochs come first: those after fewer
    are no more than a guess at them.
    """
    in_parts = any(found for (found,) in rows.execute(_IN_PARTS))
    return _trials(rows, _LONGEST if in_parts else _BEST, n)


def trial(rows: sqlite3.Connection, number: int) -> Trial:
    """The trial of that number."""
    (found,) = _trials(rows, "WHERE id = ?", number)
    return found


def _trials(rows: sqlite3.Connection, where: str, *values: object) -> list[Trial]:
    return [_trial(row) for row in rows.execute(f"SELECT {_COLUMNS} FROM trial {where}", values)]


_NAMES = tuple(field.name for field in fields(Trial))
_COLUMNS = ", ".join(_NAMES)


def _trial(row: tuple[Any, ...]) -> Trial:
    values = dict(zip(_NAMES, row, strict=True))
    try:
        curve = json_value(values["curve"])
        if not isinstance(curve, list) or not all(type(each) in (int, float) for each in curve):
            raise ValueError("not a list of numbers")
    except ValueError as error:
        raise NotOfASearch(
            f"the curve of its trial {row[0]} is not a curve: {error!s:.80}"
        ) from error
    measures = measures_of(values["measures"], row[0])
    return Trial(**{**values, "curve": tuple(curve), "measures": measures})


def measures_of(text: str, trial: int) -> dict[str, float]:
    """What a trial has measured, by name.

    Raises:
        NotOfASearch: the text is something else.
    """
    try:
        found = json_value(text)
        if not isinstance(found, dict) or not all(map(_is_number, found.values())):
            raise ValueError("not numbers by name")
    except ValueError as error:
        text = f"the measures of its trial {trial} are none: {error!s:.80}"
        raise NotOfASearch(text) from error
    return found


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
