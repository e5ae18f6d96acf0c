"""`Reader`: look into a store from any process, even while the search is running.

A reader never writes, takes no lock that the search would wait for, and sees whole
transactions only.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from nasdsl.errors import cell_error
from nasdsl.search.store.files import diagnosed, refuse_shared
from nasdsl.search.store.records import Trial
from nasdsl.search.store.schema import refuse_foreign


@dataclass(frozen=True, slots=True)
class Counts:
    """How many trials there are of each kind.

    `completed` have a reward, `unique` of them were the first of their network, `shared` have
    taken theirs from another trial. `failed` includes `quarantined`. `waiting` share a network
    that is still being evaluated.
    """

    proposed: int = 0
    queued: int = 0
    running: int = 0
    waiting: int = 0
    completed: int = 0
    unique: int = 0
    failed: int = 0
    quarantined: int = 0
    rejected: int = 0

    @property
    def shared(self) -> int:
        """Completed trials that cost nothing."""
        return self.completed - self.unique


class Reader:
    """A store opened for reading; `with Reader(path) as store: store.counts()`.

    Raises:
        CellError: NAS001 (no such file), NAS860, NAS861, NAS862, NAS865.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise cell_error(
                "NAS001", f"{path}: no such file", "a store is made by `nasdsl search`"
            )
        refuse_shared(path)
        with diagnosed(path), ExitStack() as opened:
            # `mode=ro` still shares the log's memory with the writer; nothing is changed.
            uri = f"{path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
            self._rows = opened.enter_context(closing(connection))
            refuse_foreign(self._rows, path)
            opened.pop_all()

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
        """Let go of the file."""
        self._rows.close()

    def settings(self) -> Mapping[str, Any]:
        """What the search was started with: space, algorithm, options, evaluator, seed, ..."""
        with diagnosed(self.path):
            return settings(self._rows)

    def counts(self) -> Counts:
        """How many trials of each kind there are now."""
        with diagnosed(self.path):
            return counts(self._rows)

    def best(self, n: int = 1) -> list[Trial]:
        """The `n` unique networks of the highest rewards, best first; the earlier of equals."""
        with diagnosed(self.path):
            return best(self._rows, n)

    def trials(self, start: int = 0) -> Iterator[Trial]:
        """Every trial from number `start` on, in the order of the proposals.

        Rows are read as they are asked for, in pieces, so that no reader stays in the way of
        the controller's housekeeping.
        """
        while True:
            with diagnosed(self.path):
                piece = _trials(self._rows, "WHERE id >= ? ORDER BY id LIMIT 1000", start)
            yield from piece
            if len(piece) < 1000:
                return
            start = piece[-1].id + 1


# -- the same questions, for the controller on its own connection ------------------------


def settings(rows: sqlite3.Connection) -> dict[str, Any]:
    """Every row of the table `search`."""
    return {key: json.loads(value) for key, value in rows.execute("SELECT * FROM search")}


def counts(rows: sqlite3.Connection) -> Counts:
    """What the table `tally` says."""
    found: dict[tuple[str, bool], int] = {
        (state, bool(first)): n for state, first, n in rows.execute("SELECT * FROM tally")
    }

    def of(state: str) -> int:
        return found.get((state, True), 0) + found.get((state, False), 0)

    return Counts(
        proposed=sum(found.values()),
        queued=of("queued"),
        running=of("running"),
        waiting=of("waiting"),
        completed=of("done"),
        unique=found.get(("done", True), 0),
        failed=of("failed") + of("quarantined"),
        quarantined=of("quarantined"),
        rejected=of("rejected"),
    )


def best(rows: sqlite3.Connection, n: int) -> list[Trial]:
    """The first `n` by reward, through the index."""
    where = "WHERE state = 'done' AND same_as IS NULL ORDER BY reward DESC, id LIMIT ?"
    return _trials(rows, where, n)


def trial(rows: sqlite3.Connection, number: int) -> Trial:
    """The trial of that number."""
    (found,) = _trials(rows, "WHERE id = ?", number)
    return found


def _trials(rows: sqlite3.Connection, where: str, *values: object) -> list[Trial]:
    return [_trial(row) for row in rows.execute(f"SELECT {_COLUMNS} FROM trial {where}", values)]


_NAMES = tuple(field.name for field in fields(Trial))
_COLUMNS = ", ".join(_NAMES)
_CURVE = _NAMES.index("curve")


def _trial(row: tuple[Any, ...]) -> Trial:
    return Trial(**{**dict(zip(_NAMES, row, strict=True)), "curve": tuple(json.loads(row[_CURVE]))})
