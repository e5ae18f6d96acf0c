"""Nothing is lost: short versions of the scripts under `bench/reliability/`."""

import os
import sys
from pathlib import Path

import pytest

from bench import formatting
from bench.reliability import children, claims, cluster, disk, search, soak, workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def test_searches_are_killed(tmp_path: Path) -> None:
    """SIGKILL at random moments: nothing acknowledged is lost, nothing counts twice."""
    found = search.kill_often(tmp_path, kills=4, algorithm="random", beyond=40)
    assert found.is_sound, found
    assert found.acknowledged > 0


def test_workers_are_lost(tmp_path: Path) -> None:
    """SIGKILL and SIGSTOP: leases return, at most three times. When is the controller's test."""
    found = workers.lose_workers(tmp_path / "s.db", losses=6, workers=4, heartbeat=5.0)
    assert found.is_sound, found
    assert found.losses > 0
    assert found.quarantined > 0


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("stubborn", "deadline"), ("forking", "deadline"), ("dying", "SIGKILL")],
)
def test_children_are_ended(tmp_path: Path, kind: str, reason: str) -> None:
    """Children that hang, fork or die are ended, quarantined with the reason, without orphans."""
    found = children.end_children(kind, tmp_path, trials=1, tries=2)
    assert found.orphans == 0
    assert all(reason in each for each in found.reasons)


def test_memory_is_limited(tmp_path: Path) -> None:
    """A child that takes more memory than it may is ended."""
    found = children.end_children("leaking", tmp_path, trials=1, tries=1)
    assert found.reasons == ("used more than 200000000 bytes of memory",)
    assert found.orphans == 0


def test_no_orphans_of_a_killed_search(tmp_path: Path) -> None:
    """What the workers of a killed search have started ends too, in other sessions as well."""
    found = children.kill_search(tmp_path)
    assert found.orphans == 0


def test_limited_files(tmp_path: Path) -> None:
    """Writes that fail in the middle: a diagnostic, no corruption, and on it goes."""
    found = disk.full(tmp_path, 300_000)
    assert found.is_sound, found


def test_the_clock_jumps(tmp_path: Path) -> None:
    """Clocks that jump by an hour change nothing."""
    assert disk.clock_jumps(tmp_path).is_sound


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A store where nothing may be written is refused with advice."""
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = tmp_path / "readonly"
    folder.mkdir(mode=0o555)
    assert "NAS860" in disk._failing(folder / "s.db")


def test_processes_claim_together(tmp_path: Path) -> None:
    """One writer at a time; the others wait, and no trial is claimed twice."""
    assert claims.claim_together(tmp_path / "s.db", 2, claims=6, batch=2).is_sound(12)


def test_writers_of_checkpoints_are_killed(tmp_path: Path) -> None:
    """A kill inside a write leaves the checkpoint before, and the next write cleans up."""
    pytest.importorskip("torch")
    from bench.reliability import checkpoints

    found = checkpoints.kill_often(tmp_path / "checkpoints", kills=5)
    assert found.is_sound, found
    assert found.steps > 5


def test_pickles_are_never_run(tmp_path: Path) -> None:
    """Each would write a file, and does where it is unpickled on purpose."""
    pytest.importorskip("torch")
    from bench.reliability import canaries

    found = canaries.read_all(tmp_path)
    assert found.is_sound, found
    assert found.fates.total() > 100


def test_nothing_unpickles_what_could_run() -> None:
    """No module asks torch or numpy to, and the only reader of pickles has a list of names."""
    root = Path(__file__).parents[1]
    readers = []
    for path in [*root.glob("nasdsl/**/*.py"), *root.glob("backends/**/*.py")]:
        text = path.read_text(encoding="utf-8")
        for word in ("weights_only=False", "allow_pickle=True", "pickle.load"):
            assert word not in text, path
        if "Unpickler" in text:
            readers.append(path.name)
    assert readers == ["cifar.py"]


def test_a_long_search_keeps_its_files_closed(tmp_path: Path) -> None:
    """Memory is measured by the script alone: a few trials say nothing about it."""
    found = soak.soak(tmp_path / "s.db", trials=100)
    assert len(found.files) == 10
    assert found.files[-1] <= found.files[0]


def test_careless_files_are_formatted() -> None:
    """The first of those that `python -m bench.formatting` makes."""
    assert [formatting.generated_fault(1, number) for number in range(20)] == [None] * 20


@pytest.mark.skipif(not os.environ.get("NASDSL_CLUSTER_TESTS"), reason="takes a minute")
@pytest.mark.parametrize("what", ["node", "head"])
def test_a_cluster_loses_parts(tmp_path: Path, what: str) -> None:
    """On a Ray cluster of three raylets, a node or the head costs what was in flight."""
    pytest.importorskip("ray")
    found = cluster.lose(what, tmp_path, trials=30)
    assert (found.completed, found.wrong) == (30, 0)
    assert found.retried <= 3
