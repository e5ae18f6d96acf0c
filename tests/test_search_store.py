"""The store: transactions, shared rewards, leases, late results, versions, places, misuse."""

import errno
import fcntl
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

import nasdsl
from nasdsl.errors import CellError
from nasdsl.search import SearchSettings
from nasdsl.search.store import Outcome, Progress, Reader, Store, files, writer
from nasdsl.search.store import schema as schema_module
from nasdsl.search.store.files import file_system, require_local_disk
from nasdsl.search.store.records import (
    Counts,
    NotOfASearch,
    Proposal,
    decode_state,
    encode_state,
)


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "s.db")
    yield opened
    opened.close()


def _codes(call: Callable[[], object]) -> list[str]:
    with pytest.raises(CellError) as caught:
        call()
    assert "Traceback" not in str(caught.value)
    return [finding.code for finding in caught.value.diagnostics]


def _proposed(store: Store, *hashes: str) -> None:
    with store.transaction():
        first = store.counts().proposed
        store.propose(first, [Proposal(f"text {first + k}", h) for k, h in enumerate(hashes)])


def test_a_new_store_has_nothing_behind_it(store: Store) -> None:
    """No trial, and a searcher that has not been asked yet."""
    assert store.progress() == Progress(proposed=0, rejected=0, observed=0, starved=False)
    assert (store.searcher_state(), store.best()) == ({}, [])


def test_a_network_is_evaluated_once(store: Store) -> None:
    """Trials of one hash wait for the first of them and share its reward, later ones at once."""
    _proposed(store, "a", "b", "a")
    with store.transaction():
        leases = store.claim(10, "me")
    assert [lease.trial for lease in leases] == [0, 1]
    assert store.counts().waiting == 1
    with store.transaction():
        store.settle(Outcome(leases[0].key, 0, reward=0.5, curve=(0.25, 0.5), params=7))
    _proposed(store, "a")
    assert [store.trial(k).reward for k in (0, 1, 2, 3)] == [0.5, None, 0.5, 0.5]
    assert [store.trial(k).same_as for k in (0, 1, 2, 3)] == [None, None, 0, 0]
    counts = store.counts()
    assert (counts.completed, counts.unique, counts.shared, counts.running) == (3, 1, 2, 1)
    results = store.results(2, 4)
    assert results is not None
    assert all(result.repeated for result in results)
    assert store.results(0, 2) is None


def test_failures_are_shared_and_rejections_too(store: Store) -> None:
    """What fails or is beyond a limit once is not tried a second time."""
    with store.transaction():
        store.propose(0, [Proposal("x", "a", "too large"), Proposal("y", "b"), Proposal("z", "b")])
        (lease,) = store.claim(10, "me")
        store.settle(Outcome(lease.key, lease.trial, failure="it raises"))
        store.propose(3, [Proposal("x", "a", "too large")])
    states = [store.trial(number).state for number in range(4)]
    assert states == ["rejected", "failed", "failed", "rejected"]
    assert store.trial(2).failure == "it raises"
    assert store.counts().rejected == 2


def test_a_result_counts_once(store: Store) -> None:
    """The first result of a trial stands, whichever lease brings it; none after it counts."""
    _proposed(store, "a")
    with store.transaction():
        (old,) = store.claim(1, "me")
        assert store.record_loss(old, "silent", tries=3)
        (new,) = store.claim(1, "me")
        assert old.key != new.key
        assert not store.record_loss(old, "silent", tries=3)
        assert store.settle(Outcome(old.key, 0, reward=0.5))
        assert not store.settle(Outcome(new.key, 0, reward=0.75))
        assert not store.record_loss(new, "silent", tries=3)
    assert store.trial(0).reward == 0.5


def test_three_losses_are_enough(store: Store) -> None:
    """A trial is queued again twice and then quarantined with the reason, as are its like."""
    _proposed(store, "a", "a")
    for left in ("queued", "queued", "quarantined"):
        with store.transaction():
            (lease,) = store.claim(5, "me")
            store.record_loss(lease, f"lost before {left}", tries=3)
        assert store.trial(0).state == left
        assert store.trial(1).state == ("quarantined" if left == "quarantined" else "waiting")
    assert store.trial(1).failure == "lost before quarantined"
    assert (store.counts().failed, store.counts().quarantined) == (2, 2)


def test_release_forgives_the_attempt(store: Store) -> None:
    """What was in flight when a search ended is queued as if it had never been."""
    _proposed(store, "a")
    with store.transaction():
        store.claim(1, "me")
    with store.transaction():
        assert store.release() == 1
    assert (store.trial(0).state, store.trial(0).attempts) == ("queued", 0)


def test_a_transaction_is_whole(store: Store) -> None:
    """Nothing of a transaction that fails is kept, the searcher's state included."""
    _proposed(store, "a")
    with store.transaction():
        store.advance(Progress(1, 0, 0), {"a": b"old", "b": 1})

    def interrupted() -> None:
        with store.transaction():
            store.propose(1, [Proposal("x", "b")])
            store.advance(Progress(2, 0, 1), {"a": b"new", "b": 1})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.searcher_state() == {"a": b"old", "b": 1}
    assert store.progress() == Progress(1, 0, 0)
    assert store.counts().proposed == 1
    with store.transaction():
        store.advance(Progress(2, 0, 1), {"a": b"new", "b": 1})
    assert store.searcher_state()["a"] == b"new"


def test_tally_agrees_with_the_rows(store: Store) -> None:
    """The counts that are kept as rows move are those of counting the rows."""
    _proposed(store, *"abcabdae")
    with store.transaction():
        for lease in store.claim(3, "me")[:2]:
            store.settle(Outcome(lease.key, lease.trial, reward=0.5))
    with Reader(store.path) as reader:
        states = [trial.state for trial in reader.trials()]
        counts = reader.counts()
    assert counts.proposed == len(states)
    assert counts.completed == states.count("done")
    assert (counts.waiting, counts.queued) == (states.count("waiting"), states.count("queued"))
    assert counts.running == states.count("running") == 1


def test_states_are_plain_data() -> None:
    """Bytes come back anywhere, nothing else than plain data goes in."""
    state = {"weights": b"\0\xff", "nested": [1, 2.5, None, True, "x", {"deep": b"\1"}]}
    assert {key: decode_state(encode_state(value)) for key, value in state.items()} == state
    with pytest.raises(TypeError, match="holds a set"):
        encode_state({1})


def test_best_and_trials(store: Store) -> None:
    """The best are unique networks by reward, the earlier of equals first."""
    _proposed(store, *"abcd")
    with store.transaction():
        for lease, reward in zip(store.claim(4, "me"), (0.25, 0.75, 0.75, 0.5), strict=True):
            store.settle(Outcome(lease.key, lease.trial, reward=reward), "w")
    with Reader(store.path) as reader:
        assert [trial.id for trial in reader.best(3)] == [1, 2, 3]
        assert [trial.id for trial in reader.trials(2)] == [2, 3]


# -- what is refused ---------------------------------------------------------------------


def test_two_searches(store: Store) -> None:
    """A second search is refused; a reader is not."""
    assert _codes(lambda: Store(store.path)) == ["NAS864"]
    with Reader(store.path) as reader:
        assert reader.counts().proposed == 0


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_one_store_under_two_names(store: Store, tmp_path: Path, link: str) -> None:
    """The lock is the file's, whatever name leads to it, and a refusal does no harm."""
    other = tmp_path / "elsewhere" / "other.db"
    other.parent.mkdir()
    getattr(other, link)(store.path)
    assert _codes(lambda: Store(other)) == ["NAS864"]
    words = [sys.executable, "-c", HOLD, str(other)]
    refused = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert "NAS864" in refused.stderr
    _proposed(store, "a")
    assert store.counts().proposed == 1
    store.close()
    Store(store.path).close()


#: Opens a store and waits; says so.
HOLD = """
import sys
from pathlib import Path
from nasdsl.search.store import Store
store = Store(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_killed_search_leaves_no_lock(tmp_path: Path) -> None:
    """While another process has the store it is in use; once that was killed it is not."""
    path = tmp_path / "s.db"
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        assert _codes(lambda: Store(path)) == ["NAS864"]
        holder.kill()
        holder.wait()
    Store(path).close()


def test_no_store(tmp_path: Path) -> None:
    """A text, another program's database and a missing file are told apart, and left alone."""
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("not a database, but long enough to be looked at as one\n" * 100)
    rows = sqlite3.connect(other)
    rows.execute("CREATE TABLE t (x)")
    rows.close()
    before = text.read_bytes(), other.read_bytes()
    for path in (text, other):
        assert _codes(lambda path=path: Store(path)) == ["NAS865"]
        assert _codes(lambda path=path: Reader(path)) == ["NAS865"]
    assert (text.read_bytes(), other.read_bytes()) == before
    assert _codes(lambda: Reader(tmp_path / "missing.db")) == ["NAS001"]
    assert _codes(lambda: Reader(str(tmp_path / "missing.db"))) == ["NAS001"]
    space = nasdsl.load_space("nasnet_space")
    assert SearchSettings(space, "s.db").store == Path("s.db")  # type: ignore[arg-type]
    assert _codes(lambda: Reader(7)) == ["NAS008"]  # type: ignore[arg-type]
    assert _codes(lambda: Store(text / "below" / "s.db")) == ["NAS860"]


def test_newer_version(tmp_path: Path) -> None:
    """A newer schema is refused, and nothing is written."""
    path = tmp_path / "s.db"
    Store(path).close()
    rows = sqlite3.connect(path)
    rows.execute("PRAGMA user_version = 99")
    rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    rows.close()
    before = path.read_bytes()
    assert _codes(lambda: Store(path)) == ["NAS862"]
    assert _codes(lambda: Reader(path)) == ["NAS862"]
    assert path.read_bytes() == before


def test_migration_keeps_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older schema is brought up to date step by step, after a copy was made."""
    path = tmp_path / "s.db"
    old = Store(path)
    _proposed(old, "a")
    old.close()
    now = schema_module.VERSION
    monkeypatch.setattr(schema_module, "VERSION", now + 1)
    step = "ALTER TABLE trial ADD COLUMN note TEXT;"
    monkeypatch.setattr(schema_module, "_STEPS", {**schema_module._STEPS, now: step})
    new = Store(path)
    assert new.trial(0).hash == "a"
    new.close()
    backup = sqlite3.connect(tmp_path / f"s.db.v{now}.backup")
    assert backup.execute("SELECT hash FROM trial").fetchall() == [("a",)]
    assert backup.execute("PRAGMA user_version").fetchone() == (now,)
    backup.close()
    migrated = sqlite3.connect(path)
    assert migrated.execute("SELECT note FROM trial").fetchall() == [(None,)]
    assert migrated.execute("PRAGMA user_version").fetchone() == (now + 1,)
    migrated.close()


def test_full_disk(store: Store) -> None:
    """A full store refuses the transaction, keeps what it had, and goes on when there is room."""
    _proposed(store, "a")
    pages = store._rows.execute("PRAGMA page_count").fetchone()[0]
    store._rows.execute(f"PRAGMA max_page_count = {pages}")
    big = [Proposal("x" * 5000, f"h{number}") for number in range(20)]

    def fill() -> None:
        with store.transaction():
            store.propose(1, big)

    assert _codes(fill) == ["NAS860"]
    assert store.counts().proposed == 1
    store._rows.execute("PRAGMA max_page_count = 1000000")
    fill()
    assert store.counts().proposed == 21
    assert store._rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)


class Mount(NamedTuple):
    """As psutil describes one."""

    mountpoint: str
    fstype: str


MOUNTS = [
    Mount("/", "ext4"),
    Mount("/home", "nfs4"),
    Mount("/home/local disk", "xfs"),
    Mount("/mnt/remote", "fuse.sshfs"),
    Mount("/homely", "nfs"),
    Mount("/homely", "tmpfs"),
]


@pytest.mark.parametrize(
    ("path", "kind", "is_refused"),
    [
        ("/home/me/s.db", "nfs4", True),
        ("/home/local disk/s.db", "xfs", False),
        ("/mnt/remote/s.db", "fuse.sshfs", True),
        ("/homely/s.db", "tmpfs", False),
        ("/var/s.db", "ext4", False),
    ],
)
def test_network_file_systems(
    monkeypatch: pytest.MonkeyPatch, path: str, kind: str, is_refused: bool
) -> None:
    """The innermost mount decides, the last of two in one place; shared ones are refused."""
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: MOUNTS)
    assert file_system(Path(path)) == kind
    if is_refused:
        assert _codes(lambda: require_local_disk(Path(path))) == ["NAS861"]
    else:
        require_local_disk(Path(path))


def test_a_link_to_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is counts, not where a link to it is."""
    remote = tmp_path / "remote"
    remote.mkdir()
    (tmp_path / "s.db").symlink_to(remote / "s.db")
    mounts = [Mount("/", "ext4"), Mount(str(remote.resolve()), "cifs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    assert _codes(lambda: Store(tmp_path / "s.db")) == ["NAS861"]


def test_unknown_mounts_are_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not say how it is mounted, nothing is refused."""

    def hidden(all: bool) -> None:
        raise FileNotFoundError("/proc/self/mounts")

    monkeypatch.setattr(psutil, "disk_partitions", hidden)
    require_local_disk(tmp_path / "s.db")


def test_mounts_of_this_machine(tmp_path: Path) -> None:
    """The real list of mounts is understood."""
    assert file_system(tmp_path / "s.db") == file_system(tmp_path / "other.db") != ""


def test_counts_of_nothing() -> None:
    """All of them are zero."""
    assert set(astuple(Counts())) == {0}


def test_a_trial_that_lacks_an_objective() -> None:
    """A trial that was not measured by the search's objectives is of no search."""
    row = (0, "text", "hash", 0.5, None, None, 7, '{"params": 3}')
    found = writer._result(row, lambda measures: (measures["params"],))
    assert found.gains == (3,)
    with pytest.raises(NotOfASearch, match="trial 7 has no 'latency'"):
        writer._result(row, lambda measures: (measures["latency"],))


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    """SQLite's header has four bytes for it, in a folder that was not there."""
    path = tmp_path / "new" / "folder" / "s.db"
    Store(path).close()
    assert path.read_bytes()[68:72] == b"NASD"


def test_an_index_that_lacks_rows(tmp_path: Path) -> None:
    """It hinders nobody who only looks; a search would wait for ever for what it lacks: NAS865."""
    path = tmp_path / "s.db"
    with closing(Store(path)) as opened:
        _proposed(opened, *"abc")
    rewrite = "UPDATE sqlite_schema SET sql = ? WHERE name = 'trial_queued'"
    statement = "CREATE INDEX trial_queued ON trial (id) WHERE state = '{}'"
    for state, script in (("none", "REINDEX trial_queued"), ("queued", "SELECT 1")):
        with closing(sqlite3.connect(path)) as rows, rows:
            rows.execute("PRAGMA writable_schema = ON")
            rows.execute(rewrite, (statement.format(state),))
        with closing(sqlite3.connect(path)) as rows, rows:
            rows.execute(script)
    with closing(Reader(path)) as opened:
        assert opened.counts().proposed == 3
    assert _codes(lambda: Store(path)) == ["NAS865"]


def test_errors_of_the_system_are_said(tmp_path: Path) -> None:
    """In the system's words, or, where it has none, in those of the exception."""
    for error, said in (
        (OSError(errno.ENOSPC, "No space left on device"), "s.db: No space left on device"),
        (OSError("the mount is gone"), "s.db: the mount is gone(.|\n)*needs a local folder"),
    ):
        with pytest.raises(CellError, match=said) as raised, files.store_errors(tmp_path / "s.db"):
            raise error
        assert [found.code for found in raised.value.diagnostics] == ["NAS860"]


def test_errors_of_sqlite_by_name(tmp_path: Path) -> None:
    """Those that Python itself raises have none, and are about values that nothing can read."""
    named = sqlite3.OperationalError("it is not so")
    named.sqlite_errorname = "SQLITE_PROTOCOL"
    for error, code in ((named, "NAS860"), (sqlite3.DatabaseError("no text"), "NAS865")):
        with pytest.raises(CellError) as raised, files.store_errors(tmp_path / "s.db"):
            raise error
        assert [found.code for found in raised.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("curve", each) for each in ('["high"]', "[true]", "5", '{"0": 1}', "[")),
        *(("measures", each) for each in ('{"params": "few"}', '{"params": NaN}', "[]", "{")),
    ],
)
def test_forged_numbers(column: str, value: str, tmp_path: Path) -> None:
    """A curve is a list of numbers, and measures are numbers by name."""
    path = tmp_path / "s.db"
    with closing(Store(path)) as opened:
        _proposed(opened, "a")
    with closing(sqlite3.connect(path)) as rows, rows:
        rows.execute(f"UPDATE trial SET {column} = ?", (value,))

    def read() -> None:
        with closing(Reader(path)) as opened:
            list(opened.trials())

    assert _codes(read) == ["NAS865"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the lock is another file")
def test_a_store_that_another_process_has_locked(tmp_path: Path) -> None:
    """Locks of other processes are seen, and are gone with them."""
    path = tmp_path / "s.db"
    Store(path).close()
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert files.is_locked(path)
    assert not files.is_locked(path)


def test_a_reader_beside_its_search(tmp_path: Path) -> None:
    """A look from the same process leaves SQLite's locks: no other program may remove the log."""
    path = tmp_path / "s.db"
    with closing(Store(path)) as store:
        _proposed(store, "a")
        with Reader(path) as opened:
            assert opened.counts().queued == 1
        connect = "import sqlite3, sys; other = sqlite3.connect(sys.argv[1])"
        look = f"{connect}; other.execute('SELECT * FROM trial'); other.close()"
        subprocess.run([sys.executable, "-c", look, path], check=True)
        assert (tmp_path / "s.db-wal").exists()


def test_a_store_with_a_name_of_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`:memory:` is a file like any other."""
    monkeypatch.chdir(tmp_path)
    with closing(Store(Path(":memory:"))) as store:
        _proposed(store, "a")
    with Reader(":memory:") as opened:
        assert opened.counts().queued == 1


def test_one_part_of_a_training_at_a_time(store: Store) -> None:
    """Parts of one network wait for each other, also those that are leased elsewhere."""
    with store.transaction():
        parts = [("a", 1), ("a", 3), ("b", 1), ("c", 1)]
        store.propose(0, [Proposal(h, h, epochs=epochs) for h, epochs in parts])
        assert [lease.trial for lease in store.claim(4, "me", ["c"])] == [0, 2]
        assert [lease.trial for lease in store.claim(4, "me", ["b"])] == [1, 3]
