"""What other programs are told of trials that have no reward, and how a store is kept."""

from pathlib import Path

from nasdsl.search.exporting import export_trials
from nasdsl.search.store import Outcome, Reader, Store
from nasdsl.search.store.records import Proposal
from tests.conftest import ReadStudy


def test_states_of_a_study(tmp_path: Path, read_study: ReadStudy) -> None:
    """A network beyond the limits was pruned, and one whose evaluation failed has failed."""
    store = Store(tmp_path / "s.db")
    with store.transaction():
        proposals = [Proposal("", "0" * 16), Proposal("", "1" * 16), Proposal("", "2" * 16, "big")]
        store.propose(0, proposals)
        good, bad = store.claim(2, "me")
        store.settle(Outcome(good.key, good.trial, reward=0.5))
        store.settle(Outcome(bad.key, bad.trial, failure="no luck"))
    store.close()
    with Reader(tmp_path / "s.db") as opened:
        assert export_trials(opened, tmp_path / "study.db") == 3
    trials = read_study(tmp_path / "study.db").trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "PRUNED"]


def test_a_commit_is_on_the_disk(tmp_path: Path) -> None:
    """SQLite waits for the disk with each commit (2, FULL), as a log that is written ahead."""
    store = Store(tmp_path / "s.db")
    try:
        assert store._rows.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._rows.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        store.close()
