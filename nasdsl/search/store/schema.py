"""The tables of a store, their version, and the migration of older versions to this one.

A file of an older version is copied beside itself before anything in it is changed; a file of a
newer version is left alone.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from nasdsl.errors import cell_error

#: Stands in the file's header, so that `file` and other programs can tell whose it is.
APPLICATION = 0x4E415344
VERSION = 3

#: The tables of version 1, and since then: they are never edited.
#: `trial.same_as` is the first trial of the same network. The partial indexes hold only trials
#: that are open or the first of their network, and triggers keep the counts in `tally`, so that
#: claims, look-ups and counts cost the same however many trials there are.
_TABLES = """
CREATE TABLE search (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE trial (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('queued', 'running', 'waiting', 'done', 'failed', 'quarantined', 'rejected')),
    same_as INTEGER REFERENCES trial (id),
    attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT,
    worker TEXT,
    proposed REAL NOT NULL,
    started REAL,
    finished REAL,
    seconds REAL,
    reward REAL,
    curve TEXT NOT NULL DEFAULT '[]',
    params INTEGER,
    mult_adds INTEGER,
    failure TEXT
);
CREATE INDEX trial_network ON trial (hash) WHERE same_as IS NULL;
CREATE INDEX trial_queued ON trial (id) WHERE state = 'queued';
CREATE INDEX trial_running ON trial (id) WHERE state = 'running';
CREATE INDEX trial_waiting ON trial (same_as) WHERE state = 'waiting';
CREATE INDEX trial_best ON trial (reward) WHERE state = 'done' AND same_as IS NULL;
CREATE TABLE tally (
    state TEXT NOT NULL,
    is_first INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (state, is_first)
) WITHOUT ROWID;
CREATE TRIGGER trial_added AFTER INSERT ON trial BEGIN
    INSERT INTO tally VALUES (new.state, new.same_as IS NULL, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER trial_moved AFTER UPDATE OF state ON trial WHEN new.state <> old.state BEGIN
    UPDATE tally SET n = n - 1 WHERE state = old.state AND is_first = (old.same_as IS NULL);
    INSERT INTO tally VALUES (new.state, new.same_as IS NULL, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TABLE searcher (
    part TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
"""

#: From version k to k + 1: `_STEPS[k]`. A script is never edited once it has been released.
_STEPS: dict[int, str] = {
    # What was measured beside the reward, and what is computed, where results are shared by that.
    1: """
ALTER TABLE trial ADD COLUMN measures TEXT NOT NULL DEFAULT '{}';
ALTER TABLE trial ADD COLUMN function TEXT;
CREATE INDEX trial_function ON trial (function) WHERE same_as IS NULL AND function IS NOT NULL;
""",
    # After how many epochs a network was evaluated, whose training went on, and whose weights
    # it began with.
    2: """
ALTER TABLE trial ADD COLUMN epochs INTEGER;
ALTER TABLE trial ADD COLUMN continues INTEGER REFERENCES trial (id);
ALTER TABLE trial ADD COLUMN inherits INTEGER REFERENCES trial (id);
CREATE INDEX trial_continued ON trial (state, same_as) WHERE continues IS NOT NULL;
CREATE INDEX trial_longest ON trial (epochs, reward)
    WHERE state = 'done' AND same_as IS NULL AND epochs IS NOT NULL;
""",
}


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file, in one transaction: all of them or none."""
    connection.executescript(
        f"BEGIN IMMEDIATE;{_script(VERSION)}"
        f"PRAGMA application_id = {APPLICATION};PRAGMA user_version = {VERSION};COMMIT;"
    )


def schema_at(version: int) -> dict[str, tuple[str, str, str | None]]:
    """What SQLite says of each table, index and trigger of a store of that version, by name.

    That is its type, its table, and the statement that made it; None for automatic indexes.
    """
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(_script(version))
        rows = empty.execute("SELECT name, type, tbl_name, sql FROM sqlite_schema")
        return {name: (kind, table, sql) for name, kind, table, sql in rows}


def _script(version: int) -> str:
    """What makes the tables of that version in an empty file."""
    return "".join((_TABLES, *(_STEPS[step] for step in range(1, version))))


def migrate(connection: sqlite3.Connection, path: Path) -> Path | None:
    """Migrate a store to this version; the path of the backup, or None if none was needed.

    Raises:
        CellError: as `known_version` does.
    """
    version = known_version(connection, path)
    if version == VERSION:
        return None
    backup = path.with_name(f"{path.name}.v{version}.backup")
    with sqlite3.connect(backup) as copy:
        connection.backup(copy)
    copy.close()
    for step in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE;{_STEPS[step]}PRAGMA user_version = {step + 1};COMMIT;"
        )
    return backup


def known_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the schema of a store, as its header says.

    Raises:
        CellError: NAS865 where it is not a store, NAS862 where a newer release has written it.
    """
    if _pragma(connection, "application_id") != APPLICATION:
        raise cell_error(
            "NAS865",
            f"{path} is not the store of a search",
            "`nasdsl search` creates a store; another path creates a new one",
        )
    version = _pragma(connection, "user_version")
    if version > VERSION:
        raise cell_error(
            "NAS862",
            f"{path} has the schema of a newer nasdsl (version {version}; {VERSION} is known)",
            "a newer nasdsl opens it",
            "the file was not changed",
        )
    if version < 1:
        raise cell_error("NAS865", f"{path} is not the store of a search: its version is {version}")
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
