"""Engines: workers are reused, replaced and told their devices; an engine may be lost whole."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from bench.reliability.mocks import SMALL, SimulatedEngine, reward_of
from bench.reliability.patience import PATIENCE
from nasdsl.errors import CellError, cell_error
from nasdsl.search.engines import subprocess_engine
from nasdsl.search.engines.engine import Finished, Heartbeat, Notice, Slot, WorkerSettings
from nasdsl.search.engines.local import LocalEngine
from nasdsl.search.engines.ray import RayEngine
from nasdsl.search.engines.subprocess_engine import SubprocessEngine
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Lease, Reader, Trial
from tests.search_evaluators import STRANGE


def _searched(folder: Path, function: str, **members: Any) -> list[Trial]:
    settings = SearchSettings(
        nasdsl.loads_space(SMALL),
        folder / "s.db",
        evaluator=f"python:tests.search_evaluators:{function}",
        trials=10,
        heartbeat=600.0,
    )
    run(replace(settings, **members))
    with Reader(settings.store) as reader:
        return list(reader.trials())


def test_prints_and_tracebacks_are_kept(tmp_path: Path) -> None:
    """A traceback in the store, the reason alone for the searcher, prints in a log beside it."""
    path = tmp_path / "s.db"
    spec = "python:tests.search_evaluators:talks_and_fails"
    reported: list[float] = []
    settings = SearchSettings(nasdsl.loads_space(SMALL), path, evaluator=spec, trials=8)
    settings = replace(settings, heartbeat=600.0)
    run(settings, lambda event: reported.extend(event.values.values()))
    with Reader(path) as store:
        rows = list(store.trials())
    failed = [row for row in rows if row.state == "failed"]
    assert 0 < len(failed) < 8
    for row in failed:
        assert row.reason == "ZeroDivisionError: division by zero"
        assert row.failure is not None
        assert "search_evaluators.py" in row.failure
        assert "return 1 / (seed % 2)" in row.failure
        assert row.failure.count("File ") == 1  # the evaluator's own, not what led to it
    assert {row.curve for row in rows if row.state == "done"} == {(0.25, 0.5)}
    log = (tmp_path / "s.db.log").read_text()
    assert log.count("--- trial ") == 8
    assert log.count("\nseed ") == 8
    assert log.count("return 1 / (seed % 2)") == len(failed)
    assert 0.5 in reported
    assert set(reported) <= {0.25, 0.5}


def test_scores_that_no_store_keeps(tmp_path: Path) -> None:
    """They fail, each with its reason, and the store can be read; numpy's numbers are numbers."""
    rows = _searched(tmp_path, "strange", trials=len(STRANGE))
    assert [row.state for row in rows] == ["done", *["failed"] * (len(STRANGE) - 1)]
    for row, (_, words) in zip(rows, STRANGE, strict=True):
        assert row.attempts == 1
        assert words is None or words in (row.failure or "")
    first = rows[0]
    assert (first.reward, first.curve, first.params, first.mult_adds) == (0.5, (0.25, 0.5), 7, 12)
    assert first.measures == {"latency": 0.5}


def test_workers_live_long_and_are_recycled(tmp_path: Path) -> None:
    """A process evaluates many genotypes, no more than it may, and may print what it likes."""
    rows = _searched(tmp_path, "process", recycle=4)
    processes = [row.curve[0] for row in rows]
    assert len(set(processes)) == 3
    assert max(processes.count(one) for one in processes) == 4
    assert {row.worker for row in rows} == {"cpu0"}


def test_seeds_follow_the_network(tmp_path: Path) -> None:
    """A seed depends on the search's seed and the network, not on workers or order."""
    one = _searched(tmp_path / "a", "seeded", workers=1, block=5, window=10)
    two = _searched(tmp_path / "b", "seeded", workers=2, block=5, window=10)
    assert [(row.text, row.reward) for row in one] == [(row.text, row.reward) for row in two]
    other = _searched(tmp_path / "c", "seeded", seed=1)
    assert len({row.reward for row in [*one, *other]}) == 20


def test_out_of_memory_is_tried_again_elsewhere(tmp_path: Path) -> None:
    """A MemoryError costs the process and a try; after three, the trial is quarantined."""
    rows = _searched(tmp_path, "greedy", trials=2)
    assert {(row.state, row.attempts, row.failure) for row in rows} == {
        ("quarantined", 3, "out of memory")
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_first_failure_is_not_the_end(tmp_path: Path, seed: int) -> None:
    """Where every trial has a fresh process, failures before the first success are waited out."""
    rows = _searched(tmp_path, "picky", recycle=1, block=5, window=10, seed=seed, trials=12)
    assert {row.state for row in rows} == {"done", "failed"}
    assert all(row.attempts == 1 for row in rows)


def test_workers_too_large_to_start(tmp_path: Path) -> None:
    """Where no worker becomes ready within the limit of memory, that is said."""
    settings = replace(_settings(tmp_path), evaluator="python:tests.search_sleeper:f", memory=1)
    with pytest.raises(CellError) as caught:
        run(replace(settings, workers=1))
    assert caught.value.diagnostics[0].code == "NAS869"
    assert "more than 1 bytes of memory" in caught.value.diagnostics[0].message


def test_a_worker_that_is_done_and_too_large(tmp_path: Path) -> None:
    """It is replaced once, and its result is kept."""
    spec = "python:tests.search_evaluators:process"
    engine = LocalEngine([Slot("cpu0")], WorkerSettings(spec, recycle=1))
    engine.start()
    try:
        while not engine.free():
            engine.poll(0.1)
        engine.submit(Lease("key", 0, "", ""))
        time.sleep(1.2)  # memory is looked at once a second
        engine.settings = replace(engine.settings, memory=1)
        notices: list[Notice] = []
        while not notices:
            notices = [each for each in engine.poll(0.1) if not isinstance(each, Heartbeat)]
        assert isinstance(notices[0], Finished)
        assert engine.workers() == 1
    finally:
        engine.close()


# -- an engine in a process of its own -----------------------------------------------------


class Unreachable(SimulatedEngine):
    """An engine that finds no cluster."""

    def start(self) -> None:
        raise cell_error("NAS870", "nobody there")


class Pausing(SimulatedEngine):
    """An engine that keeps its leases after `results` results, until a file is there."""

    def __init__(self, workers: int, results: int, file: Path) -> None:
        super().__init__(workers, burst=1)
        self._left, self._file = results, file

    def poll(self, timeout: float) -> list[Notice]:
        if not self._left and not self._file.exists():
            time.sleep(timeout)
            return []
        notices = super().poll(timeout)
        self._left = max(0, self._left - len(notices))
        return notices


class Frail(SimulatedEngine):
    """An engine whose process ends when it has a lease, and after that whenever it starts."""

    def __init__(self, workers: int, file: Path) -> None:
        super().__init__(workers)
        self._file = file

    def start(self) -> None:
        if self._file.exists():
            os._exit(1)

    def submit(self, lease: Lease) -> str:
        self._file.touch()
        os._exit(1)


class Mute(SimulatedEngine):
    """An engine whose process ends while it starts."""

    def start(self) -> None:
        os._exit(1)


def _settings(folder: Path) -> SearchSettings:
    space = nasdsl.loads_space(SMALL)
    return SearchSettings(space, folder / "s.db", evaluator="simulated", trials=60, workers=4)


def test_an_engine_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's process is killed: its leases are evaluated again, nothing else happens."""
    monkeypatch.setattr(subprocess_engine, "_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(subprocess_engine, "_MAX_SILENCE", PATIENCE)
    go_on = tmp_path / "go on"
    engine, killed = SubprocessEngine(Pausing(4, 20, go_on)), []

    def kill(event: Event) -> None:
        if event.counts.completed >= 20 and not killed:
            assert engine._process is not None
            killed.append(engine._process.pid)
            os.kill(engine._process.pid, signal.SIGKILL)
            go_on.touch()

    settings = _settings(tmp_path)
    counts = run(settings, kill, engine=engine)
    assert counts.completed == 60
    with Reader(settings.store) as reader:
        assert all(row.reward == reward_of(row.text) for row in reader.trials())
        assert 0 < sum(row.attempts == 2 for row in reader.trials()) <= 4


@pytest.mark.parametrize("kind", [Unreachable, Mute])
def test_no_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[SimulatedEngine]
) -> None:
    """Where the engine cannot start, or its process dies of it, there is one diagnostic."""
    monkeypatch.setattr(subprocess_engine, "_MAX_SILENCE", PATIENCE)
    with pytest.raises(CellError) as caught:
        run(_settings(tmp_path), engine=SubprocessEngine(kind(4)))
    assert caught.value.diagnostics[0].code == "NAS870"


def test_an_engine_that_stays_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose process ends again and again without a reason is not tried for ever."""
    for name, seconds in (("_RETRY_SECONDS", 0.1), ("_MAX_OUTAGE", 0.5)):
        monkeypatch.setattr(subprocess_engine, name, seconds)
    with pytest.raises(CellError) as caught:
        run(_settings(tmp_path), engine=SubprocessEngine(Frail(4, tmp_path / "ended")))
    assert caught.value.diagnostics[0].code == "NAS870"


def test_ray_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, and with an address where nobody listens, nothing hangs."""
    pytest.importorskip("ray")
    engine = RayEngine("127.0.0.1:1", 1, WorkerSettings("simulated"))
    with pytest.raises(CellError) as caught:
        engine.start()
    assert caught.value.diagnostics[0].code == "NAS870"
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(CellError) as caught:
        RayEngine("auto", 1, WorkerSettings("simulated")).start()
    assert caught.value.diagnostics[0].code == "NAS701"
