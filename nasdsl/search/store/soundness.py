"""Whether a file is a store that can be relied on, before anything else is read from it.

Purpose: a store may come from anybody, and a disk may damage it. The file is sound, its schema
is word for word the one that a search creates, so that no view or trigger of others runs, and
values have the types and the counts that a search writes. Work is limited in steps of SQLite's
virtual machine, not in seconds.
Non-goals: what a trial says of its network (`nasdsl.search.checking`).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from nasdsl.search.store.records import NotOfASearch
from nasdsl.search.store.schema import schema_at

#: Steps of the virtual machine that a check may take: in all, and for each page. A page of
#: trials takes some hundreds.
_MIN_STEPS, _STEPS_PER_PAGE = 20_000_000, 20_000
#: Steps between two looks at their number.
_STEPS_AT_A_TIME = 100_000

#: SQLite keeps values of any type in any column; these are the types that a search writes.
_TYPES = {
    **dict.fromkeys(("text", "hash", "state", "curve"), ("text",)),
    **dict.fromkeys(("lease", "worker", "failure"), ("text", "null")),
    "attempts": ("integer",),
    **dict.fromkeys(("same_as", "params", "mult_adds"), ("integer", "null")),
    "proposed": ("real",),
    **dict.fromkeys(("started", "finished", "seconds", "reward"), ("real", "null")),
}
#: Those that came with version 2.
_NEW_TYPES = {"measures": ("text",), "function": ("text", "null")}
#: Those that came with version 3.
_PARTS_TYPES = dict.fromkeys(("epochs", "continues", "inherits"), ("integer", "null"))
_COUNTED = "SELECT state, same_as IS NULL, count(*) FROM trial GROUP BY 1, 2"
_TALLY = "SELECT state, is_first, n FROM tally WHERE n <> 0"


def distrust(rows: sqlite3.Connection) -> None:
    """Let SQLite run nothing that stands in the file, and check each page that it reads."""
    rows.execute("PRAGMA trusted_schema = OFF")
    rows.execute("PRAGMA cell_size_check = ON")


@contextmanager
def limited_work(rows: sqlite3.Connection) -> Iterator[None]:
    """Interrupt what takes more steps than the size of the file explains.

    Raises:
        NotOfASearch: it took more.
    """
    pages: int = rows.execute("PRAGMA page_count").fetchone()[0]
    left = [(_MIN_STEPS + _STEPS_PER_PAGE * pages) // _STEPS_AT_A_TIME]

    def is_too_much() -> bool:
        left[0] -= 1
        return left[0] < 0

    rows.set_progress_handler(is_too_much, _STEPS_AT_A_TIME)
    try:
        yield
    except sqlite3.OperationalError as error:
        if left[0] < 0:
            raise NotOfASearch("it takes more work to read than its size explains") from error
        raise
    finally:
        rows.set_progress_handler(None, 0)


def require_own_schema(rows: sqlite3.Connection, version: int) -> None:
    """Check that the tables are those of a store of that version, and there is nothing else.

    Raises:
        NotOfASearch: something differs.
    """
    expected = schema_at(version)
    found = {
        str(name): (kind, table, sql)
        for kind, name, table, sql in rows.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_schema"
        )
    }
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            if name not in found:
                raise NotOfASearch(f"it lacks the {expected[name][0]} {name}")
            kind = str(found[name][0])
            raise NotOfASearch(f"it has a {kind[:20]} {name[:40]!r} that no search makes")


def _strange_trial(version: int) -> str:
    newer = ({}, _NEW_TYPES, {**_NEW_TYPES, **_PARTS_TYPES})[version - 1]
    types = {**_TYPES, **newer}
    strange = " ".join(
        f"WHEN typeof({column}) NOT IN ({', '.join(map(repr, legal))}) THEN '{column}'"
        for column, legal in types.items()
    )
    return f"""
SELECT id, strange FROM (
    SELECT id, CASE {strange} WHEN attempts < 0 THEN 'attempts'
        WHEN same_as >= id THEN 'same_as' END AS strange FROM trial
) WHERE strange IS NOT NULL LIMIT 1
"""


def require_sound(rows: sqlite3.Connection, version: int, *, with_indexes: bool) -> None:
    """Check the pages of the file, and that values are such as a search writes.

    Args:
        rows: the store.
        version: of its schema.
        with_indexes: whether each index has to agree with its table. That takes longer, and a
            search that finds its trials through them would wait for ever for what they lack.

    Raises:
        NotOfASearch: something is damaged, or is not what a search writes.
    """
    check = "integrity_check" if with_indexes else "quick_check"
    (report,) = rows.execute(f"PRAGMA {check}(1)").fetchone()
    if report != "ok":
        raise NotOfASearch(f"it is damaged ({str(report).splitlines()[-1][:80]})")
    for number, column in rows.execute(_strange_trial(version)):
        raise NotOfASearch(f"the {column} of its trial {number} is not what a search writes")
    count, first, last = rows.execute("SELECT count(*), min(id), max(id) FROM trial").fetchone()
    if count and (first, last) != (0, count - 1):
        raise NotOfASearch(f"its {count} trials have the numbers {first} to {last}")
    if set(rows.execute(_COUNTED)) != set(rows.execute(_TALLY)):
        raise NotOfASearch("its trials are not those that it has counted")
