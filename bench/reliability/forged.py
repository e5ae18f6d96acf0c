"""Stores that were damaged or changed by hand: diagnostics, and no search that hangs.

    python -m bench.reliability.forged --stores 20000 --seed 1

Each store is that of an interrupted search with something changed, by its seed and number: bits
are flipped, pages exchanged, the end is missing, a value of a row is another one, a table is a
view that never ends, rows are missing or too many. Looking at it, exporting it and resuming it
give what was asked for or a diagnostic. Exit status 1 if anything else happens, with the number
of the store. `tests/test_store_fuzz.py` has the first few hundred.
"""

import argparse
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from bench.reliability.mocks import SimulatedEngine, space
from nasdsl.errors import CellError
from nasdsl.search.checking import best_trials
from nasdsl.search.engines.engine import Notice
from nasdsl.search.exporting import export_trials
from nasdsl.search.figures import sampled_rewards, unique_rewards
from nasdsl.search.loop import SearchSettings, run
from nasdsl.search.results import summary
from nasdsl.search.store import Reader, Store

_ALGORITHMS = ("evolution", "local", "random")
_TRIALS = 40
#: Turns of a search that nothing hinders; each hands out what is free.
_MAX_TURNS = 500


class Bounded(SimulatedEngine):
    """An engine that is not asked for news for ever."""

    turns = 0

    def poll(self, timeout: float) -> list[Notice]:
        """The next ends.

        Raises:
            AssertionError: the search does not end.
        """
        self.turns += 1
        assert self.turns < _MAX_TURNS, "the search hangs"
        return super().poll(timeout)


def _settings(path: Path, algorithm: str) -> SearchSettings:
    return SearchSettings(space(), path, algorithm=algorithm, trials=_TRIALS, workers=4, seed=1)


def interrupted_search(folder: Path, algorithm: str) -> bytes:
    """The store of a search that was interrupted with half of its trials done, as bytes."""
    path = folder / f"{algorithm}.db"
    seen: list[object] = []

    def stop(event: object) -> None:
        seen.append(event)
        if len(seen) > _TRIALS // 2:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        run(_settings(path, algorithm), stop, engine=SimulatedEngine(4, burst=1))
    store = Store(path)
    # As after a kill: some trials are leased.
    with store.transaction():
        store.claim(2, "killed")
    store.close()
    return path.read_bytes()


# -- what is changed -----------------------------------------------------------------------

_VALUES: tuple[object, ...] = (
    *(None, 0, 1, -1, 2**62, -(2**63), 1.5, -0.0, float("inf"), float("-inf"), 1e308),
    *("", "x", "\0", "\x1b[2J", "../../../x", "null", "[]", "{}", "[[[", '{"proposed": 1e99}'),
    *("[" * 100_000, "9" * 5000, '[1, "x"]', "done", "queued", "running", "waiting", "true"),
    *(b"", b"\xff\xfe", b"b", b"j[", b"\x80\x04cposix\nsystem\n", "5", "1e400", '"x"'),
    '{"proposed": 40, "rejected": 0, "observed": 0, "starved": false}',
    '{"proposed": 1000000000000, "rejected": 1000000000000, "observed": 3, "starved": true}',
    '{"proposed": true, "rejected": -5, "observed": 0, "starved": 7}',
)
_COLUMNS = {
    "search": ("key", "value"),
    "searcher": ("part", "value"),
    "tally": ("state", "is_first", "n"),
    "trial": (
        *("id", "text", "hash", "state", "same_as", "attempts", "lease", "worker", "proposed"),
        *("started", "finished", "seconds", "reward", "curve", "params", "mult_adds", "failure"),
        *("measures", "function"),
    ),
}
_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
_SCHEMAS = (
    f"DROP TABLE tally; CREATE VIEW tally AS {_ENDLESS} SELECT 'done', 1, x FROM n",
    f"DROP TABLE search; CREATE VIEW search AS {_ENDLESS} SELECT 'k' || x, '1' FROM n",
    f"CREATE VIEW v AS {_ENDLESS} SELECT x FROM n",
    "CREATE TRIGGER t AFTER UPDATE ON trial BEGIN DELETE FROM search; END",
    "CREATE TABLE more (x)",
    "DROP INDEX trial_best",
    "DROP TRIGGER trial_moved",
    "ALTER TABLE trial ADD COLUMN more INTEGER AS (abs(-9223372036854775808))",
    "DROP TABLE searcher; CREATE TABLE searcher (part, value)",
    "CREATE INDEX i ON trial (text) WHERE reward > 0",
)


def _flip_bits(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _change_header(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 2))):
        data[random.randrange(100)] = random.randrange(256)


def _change_structure(data: bytearray, random: Random) -> None:
    """Bytes at the beginnings of pages, where the pointers to other pages are."""
    page = random.randrange(len(data) // 4096) * 4096
    for _ in range(random.choice((1, 2, 6))):
        data[page + random.randrange(24)] = random.choice((0, 1, 2, 5, 10, 13, 255))


def _copy_page(data: bytearray, random: Random) -> None:
    one, other = (random.randrange(len(data) // 4096) * 4096 for _ in range(2))
    data[one : one + 4096] = data[other : other + 4096] if random.random() < 0.7 else bytes(4096)


def _cut(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data)) :]


def _forge_value(rows: sqlite3.Connection, random: Random) -> None:
    table = random.choice(("search", "searcher", "tally", "trial", "trial"))
    column = random.choice(_COLUMNS[table])
    key = _COLUMNS[table][0]
    keys = [row[0] for row in rows.execute(f"SELECT {key} FROM {table}")]
    if random.random() < 0.5:
        # Without the triggers, which would keep the counts.
        triggers = rows.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        kept = triggers.fetchall()
        for name, _ in kept:
            rows.execute(f"DROP TRIGGER {name}")
        _forge(rows, f"UPDATE {table} SET {column} = ? WHERE {key} = ?", random, keys)
        for _, statement in kept:
            rows.execute(statement)
    else:
        _forge(rows, f"UPDATE {table} SET {column} = ? WHERE {key} = ?", random, keys)


def _forge(rows: sqlite3.Connection, statement: str, random: Random, keys: list[object]) -> None:
    for _ in range(random.choice((1, 1, 5))):
        rows.execute(statement, (random.choice(_VALUES), random.choice(keys)))


def _forge_rows(rows: sqlite3.Connection, random: Random) -> None:
    table = random.choice(tuple(_COLUMNS))
    if random.random() < 0.5:
        rows.execute(f"DELETE FROM {table} WHERE abs(random()) % 3 = 0")
    elif table == "trial":
        rows.execute("UPDATE trial SET id = id + 1000 WHERE id > 5")
    else:
        marks = ", ".join("?" for _ in _COLUMNS[table])
        values = [random.choice(_VALUES) for _ in _COLUMNS[table]]
        rows.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)


def _forge_schema(rows: sqlite3.Connection, random: Random) -> None:
    rows.executescript(random.choice(_SCHEMAS))


_BYTES: tuple[Callable[[bytearray, Random], None], ...] = (
    *(_flip_bits, _change_header, _change_structure, _copy_page, _cut),
)
_ROWS: tuple[Callable[[sqlite3.Connection, Random], None], ...] = (
    *(_forge_value, _forge_value, _forge_value, _forge_rows, _forge_schema),
)


def forge(path: Path, sound: bytes, seed: int, number: int) -> str:
    """Put store `number` of a seed where `path` is; what was changed of `sound`."""
    random = Random(f"{seed}/{number}")
    change = random.choice((*_BYTES, *_ROWS))
    path.write_bytes(sound)
    if change in _BYTES:
        data = bytearray(sound)
        change(data, random)  # type: ignore[arg-type]
        path.write_bytes(data)
        return change.__name__.strip("_")
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.execute("PRAGMA ignore_check_constraints = ON")
        rows.execute("PRAGMA journal_mode = DELETE")
        with suppress(sqlite3.Error):  # of a value that SQLite itself refuses
            change(rows, random)  # type: ignore[arg-type]
        rows.execute("PRAGMA journal_mode = WAL")
    return change.__name__.strip("_")


# -- what is done with it ------------------------------------------------------------------


def _plotted(path: Path) -> None:
    with Reader(path) as store:
        trials = list(store.trials())
        store.settings().get("algorithm")
    sampled_rewards(trials)
    unique_rewards(trials)


def _exported(path: Path) -> None:
    with Reader(path) as store:
        export_trials(store, path.with_suffix(".csv"))


_LOOKS: tuple[Callable[[Path], object], ...] = (
    *(summary, lambda path: best_trials(path, 5), _plotted, _exported),
)


def fates(path: Path, algorithm: str) -> list[str]:
    """What came of looking at a store in every way, and then of resuming it: `ok`, or a code.

    Raises:
        Exception: anything but a diagnostic; an AssertionError where the search hangs.
    """
    found = []
    for look in _LOOKS:
        try:
            look(path)
            found.append("ok")
        except CellError as error:
            found.append(error.diagnostics[0].code)
    try:
        run(_settings(path, algorithm), engine=Bounded(4), resume=True)
        found.append("ok")
    except CellError as error:
        found.append(error.diagnostics[0].code)
    assert "NAS900" not in found
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stores", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    counted: Counter[str] = Counter()
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = {each: interrupted_search(folder, each) for each in _ALGORITHMS}
        for number in range(given.stores):
            algorithm = _ALGORITHMS[number % len(_ALGORITHMS)]
            path = folder / f"forged{number}.db"
            change = forge(path, sound[algorithm], given.seed, number)
            try:
                *read, resumed = fates(path, algorithm)
                counted.update(f"read: {fate}" for fate in read)
                counted[f"resumed: {resumed}"] += 1
            except Exception:
                failures.append(f"store {number} ({change})\n{traceback.format_exc()}")
            for left in folder.glob(f"forged{number}.*"):
                left.unlink()
    print(f"{given.stores:,} stores of seed {given.seed}")
    for fate, count in sorted(counted.items()):
        print(f"  {count:>9,}  {fate}")
    print(f"  {len(failures):>9,}  anything else")
    print("\n".join(failures[:10]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
