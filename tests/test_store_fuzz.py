"""Stores that were damaged or forged: a diagnostic, and no search that hangs."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.reliability import forged
from nasdsl.errors import CellError
from nasdsl.search.results import summary
from nasdsl.search.store import Reader, Store, soundness
from nasdsl.search.store.records import NotOfASearch
from nasdsl.search.store.soundness import limited_work


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The store of an interrupted search."""
    return forged.interrupted_search(tmp_path_factory.mktemp("sound"), "evolution")


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_changed_stores(first: int, sound: bytes, tmp_path: Path) -> None:
    """The first of those that `python -m bench.reliability.forged` makes."""
    refused = 0
    for number in range(first, first + 20):
        path = tmp_path / f"{number}.db"
        forged.forge(path, sound, 0, number)
        refused += "NAS865" in forged.fates(path, "evolution")
    assert refused > 4


def test_the_store_as_it_was(sound: bytes, tmp_path: Path) -> None:
    """What is refused above is refused for what was changed."""
    path = tmp_path / "s.db"
    path.write_bytes(sound)
    assert forged.fates(path, "evolution") == ["ok"] * 5


def _refused(call: Callable[[], object]) -> str:
    with pytest.raises(CellError) as caught:
        call()
    (finding,) = caught.value.diagnostics
    assert finding.code == "NAS865"
    return finding.message


@pytest.fixture
def path(sound: bytes, tmp_path: Path) -> Path:
    """That store in a file."""
    found = tmp_path / "s.db"
    found.write_bytes(sound)
    return found


def change(path: Path, script: str) -> None:
    """Run SQL on a store."""
    with closing(sqlite3.connect(path)) as rows:
        rows.executescript(script)


@pytest.mark.parametrize(("what", "script"), [(s[:40], s) for s in forged._SCHEMAS])
def test_other_schemas(what: str, script: str, path: Path) -> None:
    """A view that never ends, a trigger of others, a table more or less: nothing of it is run."""
    change(path, script)
    assert "no search makes" in _refused(lambda: Reader(path)) or "lacks" in _refused(
        lambda: Store(path)
    )


PROGRESS = {
    "nothing was proposed": '{"proposed": 0, "rejected": 0, "observed": 0}',
    "more than there is": '{"proposed": 10000000, "rejected": 0, "observed": 0}',
    "observed before it is proposed": '{"proposed": %d, "rejected": 0, "observed": 999}',
    "rejected what was not proposed": '{"proposed": %d, "rejected": 999, "observed": 0}',
    "promoted less than nothing": '{"proposed": %d, "promoted": -1}',
    "a number for a truth": '{"proposed": %d, "starved": 1}',
    "a truth for a number": '{"proposed": %d, "rejected": false, "observed": 0}',
    "another name": '{"proposed": %d, "more": 1}',
    "a list": "[]",
    "no JSON": "{",
}


@pytest.mark.parametrize("case", PROGRESS)
def test_forged_progress(case: str, path: Path) -> None:
    """Progress that the trials contradict would make a search wait for ever."""
    with Reader(path) as opened:
        proposed = opened.counts().proposed
    text = PROGRESS[case] % proposed if "%d" in PROGRESS[case] else PROGRESS[case]
    assert text == "{" or json.loads(text) is not None
    change(path, f"UPDATE search SET value = '{text}' WHERE key = 'progress'")
    assert forged.fates(path, "evolution")[-1] == "NAS865"


WAITING = {
    "for one that ended": "UPDATE trial SET state = 'waiting', reward = NULL, same_as = 0"
    " WHERE id = (SELECT max(id) FROM trial)",
    "for nobody": "UPDATE trial SET state = 'waiting', reward = NULL, same_as = -5 WHERE id = 3;"
    "UPDATE search SET value = json_set(value, '$.observed', 0) WHERE key = 'progress'",
}


@pytest.mark.parametrize("case", WAITING)
def test_trials_that_wait_for_ever(case: str, path: Path) -> None:
    """A search that nothing can continue says so."""
    script = "DROP TRIGGER trial_moved; DELETE FROM tally;" + WAITING[case]
    with closing(sqlite3.connect(path)) as rows:
        (trigger,) = rows.execute("SELECT sql FROM sqlite_schema WHERE name = 'trial_moved'")
    counted = "INSERT INTO tally SELECT state, same_as IS NULL, count(*) FROM trial GROUP BY 1, 2"
    change(path, f"{script};{counted};{trigger[0]}")
    assert forged.fates(path, "evolution")[-1] == "NAS865"


def test_work_is_limited() -> None:
    """What never ends is interrupted after a number of steps."""
    with closing(sqlite3.connect(":memory:")) as rows:

        def count() -> None:
            with limited_work(rows):
                rows.execute(f"{forged._ENDLESS} SELECT count(*) FROM n").fetchone()

        with pytest.raises(NotOfASearch, match="more work"):
            count()
        # The limit ends with the block, and another block has its own.
        assert rows.execute("SELECT 1").fetchone() == (1,)
        with limited_work(rows):
            assert rows.execute("SELECT 1").fetchone() == (1,)


def test_errors_that_are_not_of_the_limit_pass() -> None:
    """Whatever else SQLite refuses keeps its own words."""
    with (
        closing(sqlite3.connect(":memory:")) as rows,
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        limited_work(rows),
    ):
        rows.execute("SELECT * FROM absent")


def test_the_limit_on_work_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes as many steps as are allowed ends; with fewer it is interrupted."""
    statement = f"{forged._ENDLESS} SELECT count(*) FROM (SELECT x FROM n LIMIT 10000)"
    looks: list[int] = []
    with closing(sqlite3.connect(":memory:")) as rows:
        rows.set_progress_handler(lambda: looks.append(0), 1000)  # type: ignore[arg-type]
        rows.execute(statement).fetchone()
        rows.set_progress_handler(None, 0)
        assert len(looks) > 50
        for name, value in (("_STEPS_AT_A_TIME", 1000), ("_STEPS_PER_PAGE", 0)):
            monkeypatch.setattr(soundness, name, value)
        monkeypatch.setattr(soundness, "_MIN_STEPS", 1000 * len(looks))
        with limited_work(rows):
            assert rows.execute(statement).fetchone() == (10000,)
        monkeypatch.setattr(soundness, "_MIN_STEPS", 1000 * (len(looks) - 1))
        with pytest.raises(NotOfASearch, match="more work"), limited_work(rows):
            rows.execute(statement).fetchone()


# -- media that cannot be written ----------------------------------------------------------


@pytest.fixture
def protected(sound: bytes) -> Iterator[Path]:
    """A store in a folder where this process may not write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "media")
        folder.mkdir()
        (folder / "s.db").write_bytes(sound)
        os.chmod(name, 0o755)
        user = os.geteuid()
        try:
            yield folder / "s.db"
        finally:
            if user == 0:
                os.seteuid(0)
            folder.chmod(0o755)


def _protect(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.seteuid(65534)  # whom permissions bind


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="takes away permissions")
def test_a_store_on_media_that_cannot_be_written(protected: Path) -> None:
    """It can be looked at, and nothing is left beside it."""
    expected = summary(protected).counts
    for path in protected.parent.glob("*.db-*"):
        path.unlink()
    _protect(protected.parent)
    assert summary(protected).counts == expected
    assert [path.name for path in protected.parent.iterdir()] == ["s.db"]
    with pytest.raises(CellError, match="NAS860"):
        Store(protected)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="takes away permissions")
def test_a_log_on_media_that_cannot_be_written(protected: Path) -> None:
    """What only the log of a killed search holds is there too."""
    folder, path = protected.parent, protected
    with closing(sqlite3.connect(path)) as rows:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA wal_autocheckpoint = 0")
        rows.execute("UPDATE search SET value = '\"changed\"' WHERE key = 'algorithm'")
        rows.commit()
        log = Path(f"{path}-wal").read_bytes()
        before = path.read_bytes()
    path.write_bytes(before)
    Path(f"{path}-wal").write_bytes(log)
    Path(f"{path}-shm").unlink(missing_ok=True)
    _protect(folder)
    with Reader(path) as store:
        assert store.settings()["algorithm"] == "changed"
    assert {each.name for each in folder.iterdir()} == {"s.db", "s.db-wal"}
