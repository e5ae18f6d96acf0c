"""`Reader`: look into a store from any process, even while the search is running.

A reader never writes, takes no lock that the search would wait for, and sees whole
transactions only.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any

from nasdsl.documents import json_value
from nasdsl.errors import cell_error
from nasdsl.search.store.files import require_local_disk, store_errors
from nasdsl.search.store.records import Counts, Trial
from nasdsl.search.store.schema import require_known_schema


class Reader:
    """A store opened for reading: `with Reader(path) as store: store.counts()`.

    Raises:
        CellError: NAS001 (no such file), NAS860, NAS861, NAS862, NAS865.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise cell_error("NAS001", f"{path}: no such file", "`nasdsl search` creates a store")
        require_local_disk(path)
        with store_errors(path), ExitStack() as opened:
            # `mode=ro` still shares the log's memory with the writer, and changes nothing.
            uri = f"{path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
            self._rows = opened.enter_context(closing(connection))
            require_known_schema(self._rows, path)
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
        """Close the file."""
        self._rows.close()

    def settings(self) -> Mapping[str, Any]:
        """What the search was started with: space, algorithm, options, evaluator, seed, ..."""
        with store_errors(self.path):
            return settings(self._rows)

    def counts(self) -> Counts:
        """How many trials of each kind there are now."""
        with store_errors(self.path):
            return counts(self._rows)

    def best(self, n: int = 1) -> list[Trial]:
        """The `n` unique networks with the highest rewards, best first, the earlier of equals."""
        with store_errors(self.path):
            return best(self._rows, n)

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


# -- the same queries, for the search on its own connection --------------------------------


def settings(rows: sqlite3.Connection) -> dict[str, Any]:
    """Every row of the table `search`."""
    return {key: json_value(value) for key, value in rows.execute("SELECT * FROM search")}


def counts(rows: sqlite3.Connection) -> Counts:
    """The counts in the table `tally`."""
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
    """The first `n` by reward, found through the index."""
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
    return Trial(**{**dict(zip(_NAMES, row, strict=True)), "curve": tuple(json_value(row[_CURVE]))})
