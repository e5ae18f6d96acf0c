"""The run of a search: the same whatever the timing, resumable, and clear about mistakes."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from bench.reliability.mocks import SMALL, SimulatedEngine, reward_of
from nasdsl.errors import CellError
from nasdsl.language.genotype.types import Genotype
from nasdsl.search.engines.choosing import engine_for, slots
from nasdsl.search.engines.engine import Finished, Heartbeat, Notice
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.protocol import Result
from nasdsl.search.results import summary
from nasdsl.search.store import Lease, Outcome, Reader, Store, Trial
from nasdsl.search.store.records import decode_state

#: 2 * 2 genotypes in each cell, of which some are the same network.
TINY = """genotype tiny
ops nasnet
cell normal    { b0 = (h[i], {h[i] | h[i-1]}, identity, {identity | max_pool_3x3}, add) }
cell reduction { b0 = (h[i], {h[i] | h[i-1]}, max_pool_3x3, {max_pool_3x3 | avg_pool_3x3}, add) }
"""


def _settings(folder: Path, text: str = SMALL, **members: Any) -> SearchSettings:
    plain = SearchSettings(nasdsl.loads_space(text), folder / "s.db", evaluator="simulated")
    return replace(plain, **{"trials": 60, "workers": 4, "block": 5, "window": 15, **members})


def _trials(path: Path) -> list[Trial]:
    with Reader(path) as reader:
        return list(reader.trials())


def _said(path: Path) -> list[tuple[str, float | None]]:
    return [(trial.text, trial.reward) for trial in _trials(path)]


def _refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(CellError) as caught:
        call()
    (finding,) = caught.value.diagnostics
    return finding.code, finding.message


class Listener:
    """A searcher that proposes what it is told to and writes down what it observes."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.at, self.seen = list(texts), 0, []

    def propose(self, n: int) -> list[str]:
        found = self.texts[self.at : self.at + n]
        self.at += len(found)
        return found

    def observe(self, results: Sequence[Result]) -> None:
        self.seen += [[one.text, one.reward, one.failure] for one in results]

    def state_dict(self) -> dict[str, Any]:
        return {"at": self.at, "seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.at, self.seen = state["at"], state["seen"]


class FaultyEngine(SimulatedEngine):
    """Evaluations that fail by what `failure` says of their text."""

    def __init__(self, workers: int, failure: Callable[[str], str | None]) -> None:
        super().__init__(workers, burst=1)
        self._failure, self._texts = failure, {}

    def submit(self, lease: Lease) -> str:
        self._texts[lease.key] = lease.text
        return super().submit(lease)

    def poll(self, timeout: float) -> list[Notice]:
        return [self._spoilt(notice) for notice in super().poll(timeout)]

    def _spoilt(self, notice: Notice) -> Notice:
        assert isinstance(notice, Finished)
        outcome = notice.outcome
        failure = self._failure(self._texts[outcome.key])
        spoilt = Outcome(outcome.key, outcome.trial, failure=failure)
        return Finished(spoilt, "w") if failure else notice


# -- one search, whatever happens ----------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["random", "evolution"])
def test_timing_changes_nothing(tmp_path: Path, algorithm: str) -> None:
    """Another number of workers, other times and other bunches give the same trials."""
    found = []
    for workers, burst, seed in [(1, 1, 0), (4, 3, 1), (15, 20, 2)]:
        folder = tmp_path / str(workers)
        settings = _settings(folder, algorithm=algorithm, workers=workers)
        run(settings, engine=SimulatedEngine(workers, burst, seed))
        found.append(_said(settings.store))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 60


@pytest.mark.parametrize("at", [1, 7, 23, 59])
def test_interruptions_change_nothing(tmp_path: Path, at: int) -> None:
    """A search stopped by Ctrl-C after any number of results goes on as if it had not been."""
    whole = _settings(tmp_path / "whole", algorithm="evolution")
    run(whole, engine=SimulatedEngine(4))
    cut = _settings(tmp_path / "cut", algorithm="evolution")

    def stop(event: Event) -> None:
        if event.counts.completed >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(cut, stop, engine=SimulatedEngine(4, burst=1))
    acknowledged = _said(cut.store)
    counts = run(cut, resume=True, engine=SimulatedEngine(4, burst=2))
    assert counts.completed == 60
    assert _said(cut.store) == _said(whole.store)
    assert sum(reward is not None for _, reward in acknowledged) >= at


def test_more_trials_later(tmp_path: Path) -> None:
    """A finished search goes on when more trials are asked for, as one that had them at once."""
    settings = _settings(tmp_path / "a", trials=20)
    run(settings, engine=SimulatedEngine(4))
    run(replace(settings, trials=60), resume=True, engine=SimulatedEngine(4))
    whole = _settings(tmp_path / "b")
    run(whole, engine=SimulatedEngine(4))
    assert _said(settings.store) == _said(whole.store)


def test_observed_once_and_in_order(tmp_path: Path) -> None:
    """The searcher observes every proposal once, in the order in which it made them."""
    space = nasdsl.loads_space(SMALL)
    texts = [nasdsl.genotype_text(one) for one in nasdsl.sample(space, 30, seed=0)]
    searcher = Listener(texts)
    run(_settings(tmp_path, trials=30), engine=SimulatedEngine(4, seed=3), searcher=searcher)
    assert searcher.seen == [[text, reward_of(text), None] for text in texts]


def test_a_searcher_that_runs_dry(tmp_path: Path) -> None:
    """A searcher with nothing left to propose ends the search; the counts say so."""
    texts = [nasdsl.genotype_text(one) for one in nasdsl.sample(nasdsl.loads_space(SMALL), 12, 0)]
    counts = run(_settings(tmp_path), engine=SimulatedEngine(4), searcher=Listener(texts))
    assert (counts.proposed, counts.completed) == (12, 12)


def test_equal_networks_are_evaluated_once(tmp_path: Path) -> None:
    """Far more trials than networks: each network is evaluated once."""
    settings = _settings(tmp_path, TINY, trials=100)
    counts = run(settings, engine=SimulatedEngine(4))
    rows = _trials(settings.store)
    evaluated = [row.hash for row in rows if row.attempts]
    assert counts.completed == 100
    assert counts.unique == len(evaluated) == len(set(evaluated)) == len({r.hash for r in rows})
    assert counts.unique <= 16


def test_events(tmp_path: Path) -> None:
    """Every trial is told of once, between `started` and `finished`; the best only gets better."""
    events: list[Event] = []
    run(_settings(tmp_path), events.append, engine=SimulatedEngine(4))
    assert (events[0].what, events[-1].what) == ("started", "finished")
    told = [trial.id for event in events for trial in event.trials]
    assert sorted(told) == list(range(60))
    best = [event.best.reward for event in events if event.best]
    assert best == sorted(best)
    assert best[-1] == max(trial.reward for trial in _trials(tmp_path / "s.db"))


@pytest.mark.parametrize("text", [TINY, SMALL])
def test_the_number_of_trained_networks(tmp_path: Path, text: str) -> None:
    """Networks count once and only with a reward, whatever the timing; known ones are free."""
    found = []
    for workers in (1, 4, 15):
        settings = _settings(tmp_path / str(workers), text, workers=workers)
        settings = replace(settings, trials=10_000, trained=8)
        engine = FaultyEngine(workers, lambda text: "bad" if reward_of(text) < 0.3 else None)
        counts = run(settings, engine=engine)
        assert counts.unique == 8
        assert counts.failed > 0
        assert (counts.queued, counts.running, counts.waiting) == (0, 0, 0)
        found.append(_said(settings.store))
    assert found[0] == found[1] == found[2]
    settings = replace(settings, trained=9)
    assert run(settings, resume=True, engine=SimulatedEngine(15)).unique == 9


def test_trials_end_a_search_that_finds_nothing_new(tmp_path: Path) -> None:
    """Sixteen networks at most: a search for a hundred ends with its proposals."""
    settings = _settings(tmp_path, TINY, trials=80, trained=100)
    counts = run(settings, engine=SimulatedEngine(4))
    assert (counts.proposed, counts.unique < 17) == (80, True)


@pytest.mark.parametrize(
    ("workers", "block", "window"), [(1, 1, 2), (4, 4, 8), (20, 20, 40), (450, 20, 470)]
)
def test_the_window_is_the_workers_and_a_block(
    tmp_path: Path, workers: int, block: int, window: int
) -> None:
    """Whatever a store says already stays, as in one of before."""
    settings = _settings(tmp_path, workers=workers, block=None, window=None, trials=5)
    run(settings, engine=SimulatedEngine(workers))
    with Reader(settings.store) as store:
        assert (store.settings()["block"], store.settings()["window"]) == (block, window)
    old = Store(settings.store)
    with old.transaction():
        old.put_settings({"window": 900})
    old.close()
    run(settings, resume=True, engine=SimulatedEngine(workers))
    with Reader(settings.store) as store:
        assert store.settings()["window"] == 900


# -- limits and failures -------------------------------------------------------------------


def test_limits_reject(tmp_path: Path) -> None:
    """What is beyond a limit is not evaluated and does not count as a trial."""

    def limit(genotype: Genotype) -> str | None:
        return "odd" if len(nasdsl.genotype_text(genotype)) % 2 else None

    settings = _settings(tmp_path, limit=limit, limits={"--max-odd": 1})
    counts = run(settings, engine=SimulatedEngine(4))
    assert counts.completed >= 60
    assert counts.rejected > 0
    rejected = [row for row in _trials(settings.store) if row.state == "rejected"]
    assert all((row.attempts, row.failure) == (0, "odd") for row in rejected)


def test_empty_under_the_limits(tmp_path: Path) -> None:
    """Limits that nothing passes are one diagnostic."""
    limits = {"--max-params": 1}
    settings = _settings(tmp_path, limit=lambda one: "large", limits=limits, dry_after=50)
    code, message = _refusal(lambda: run(settings, engine=SimulatedEngine(4)))
    assert code == "NAS868"
    assert "--max-params 1" in message


def test_failures_are_observed(tmp_path: Path) -> None:
    """A failure is its trial's alone; the searcher hears of it and the search goes on."""
    engine = FaultyEngine(4, lambda text: "bad" if reward_of(text) < 0.3 else None)
    counts = run(_settings(tmp_path), engine=engine)
    assert counts.failed > 0
    assert counts.completed + counts.failed == 60


def test_an_evaluator_that_always_fails(tmp_path: Path) -> None:
    """It is one diagnostic, none of its failures is kept, and once repaired all is well."""
    settings = _settings(tmp_path)
    broken = FaultyEngine(4, lambda text: "ZeroDivisionError: oops")
    code, message = _refusal(lambda: run(settings, engine=broken))
    assert code == "NAS867"
    assert "ZeroDivisionError: oops" in message
    assert run(settings, resume=True, engine=SimulatedEngine(4)).completed == 60
    assert all(row.attempts == 1 for row in _trials(settings.store) if row.same_as is None)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_repaired_evaluator_leaves_no_trace(tmp_path: Path, workers: int) -> None:
    """However many failures were accepted before, the search is as if there had been none."""
    settings = _settings(tmp_path, workers=workers)
    broken = FaultyEngine(workers, lambda text: "a bug")
    for resume in (False, True):
        assert _refusal(lambda r=resume: run(settings, resume=r, engine=broken))[0] == "NAS867"
        with Reader(settings.store) as store:
            assert store.counts().running == 0
    counts = run(settings, resume=True, engine=SimulatedEngine(workers))
    assert (counts.completed, counts.failed) == (60, 0)
    other = replace(settings, store=tmp_path / "undisturbed.db")
    run(other, engine=SimulatedEngine(workers))
    found, expected = (
        [(row.text, row.reward, row.attempts) for row in _trials(one.store)]
        for one in (settings, other)
    )
    assert found == expected


def test_failed_trials_are_tried_again_on_request(tmp_path: Path) -> None:
    """In a search that is done too; what succeeded is not evaluated again."""
    settings = _settings(tmp_path)
    run(settings, engine=FaultyEngine(4, lambda text: "bad" if reward_of(text) < 0.3 else None))
    before = {row.id: row for row in _trials(settings.store)}
    failed = {number for number, row in before.items() if row.state == "failed"}
    assert 0 < len(failed) < 60
    assert run(settings, resume=True, engine=SimulatedEngine(4)).failed == len(failed)
    counts = run(settings, resume=True, retry_failed=True, engine=SimulatedEngine(4))
    assert (counts.completed, counts.failed, counts.waiting) == (60, 0, 0)
    after = {row.id: row for row in _trials(settings.store)}
    assert [after[number].text for number in after] == [before[number].text for number in before]
    for number, row in after.items():
        assert row.reward == reward_of(row.text)
        assert row.failure is None
        if number not in failed:
            assert row == before[number]


def test_all_of_a_few_trials_fail(tmp_path: Path) -> None:
    """Too few trials to lose patience: the diagnostic comes in the end."""
    settings = _settings(tmp_path, trials=2)
    code, message = _refusal(lambda: run(settings, engine=FaultyEngine(4, lambda text: "bad")))
    assert code == "NAS867"
    assert "2 networks" in message


def test_the_reason_is_that_of_a_failure(tmp_path: Path) -> None:
    """What a limit rejected before is no reason why the evaluator is at fault."""
    seen: list[Genotype] = []

    def limit(genotype: Genotype) -> str | None:
        seen.append(genotype)
        return "9,000 parameters" if len(seen) == 1 else None

    settings = _settings(tmp_path, trials=2, limit=limit, limits={"params": 1})
    code, message = _refusal(lambda: run(settings, engine=FaultyEngine(4, lambda text: "bad")))
    assert (code, message[-4:]) == ("NAS867", " bad")
    found = summary(settings.store)
    assert found.failed is not None
    assert (found.failed.state, found.failed.reason) == ("failed", "bad")


@pytest.mark.parametrize("workers", [1, 4])
def test_first_failures_stand_where_all_waits_for_them(tmp_path: Path, workers: int) -> None:
    """A window full of failures is no reason to stop: the search goes on to the first success."""
    space = nasdsl.loads_space(SMALL)
    texts = [nasdsl.genotype_text(one) for one in nasdsl.sample(space, 20, seed=0)]
    bad = set(texts[:4])
    engine = FaultyEngine(workers, lambda text: "bad" if text in bad else None)
    settings = _settings(tmp_path, workers=workers, block=1, window=1)
    counts = run(settings, engine=engine, searcher=Listener(texts))
    assert (counts.failed, counts.completed) == (4, 16)


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        ("raises", "NAS867", "ValueError: no such data"),
        ("gives_nan", "NAS867", "the reward nan"),
        ("gives_text", "NAS867", "a reward that is a str, not a number"),
        ("missing", "NAS882", "missing"),
    ],
)
def test_bad_evaluators(tmp_path: Path, function: str, code: str, words: str) -> None:
    """Through real workers: what raises, gives NaN, a text or is not there."""
    settings = _settings(
        tmp_path, evaluator=f"python:tests.search_evaluators:{function}", workers=2, heartbeat=600.0
    )
    found = _refusal(lambda: run(settings))
    assert found[0] == code
    assert words in found[1]


def test_workers_that_cannot_start(tmp_path: Path) -> None:
    """An evaluator that ends its process while it is made is one diagnostic with last words."""
    settings = _settings(tmp_path, evaluator="python:tests.search_suicide:any", workers=1)
    code, message = _refusal(lambda: run(settings))
    assert code == "NAS869"
    assert "farewell" in message


# -- what one commit holds -------------------------------------------------------------------


class SeedEngine(SimulatedEngine):
    """Notes the seed with which each network is to be evaluated."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.seeds: dict[str, int] = {}

    def submit(self, lease: Lease) -> str:
        self.seeds[lease.text] = lease.seed
        return super().submit(lease)


def test_evaluations_are_seeded_by_the_search(tmp_path: Path) -> None:
    """The same seed of a search evaluates a network alike, and every other seed does not."""
    texts = [nasdsl.genotype_text(one) for one in nasdsl.sample(nasdsl.loads_space(SMALL), 9, 0)]
    found = []
    for number, seed in enumerate([3, 3, 4]):
        engine = SeedEngine(4)
        settings = _settings(tmp_path / str(number), trials=9, seed=seed)
        run(settings, engine=engine, searcher=Listener(texts))
        found.append(engine.seeds)
    first, again, other = found
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[text] != other[text] for text in first)
    assert len(set(first.values())) == len(first)


def test_a_commit_has_trials_and_the_searchers_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every commit, what another process reads is one moment of the search."""
    moments = []
    plain = Store.transaction

    @contextmanager
    def watched(store: Store) -> Iterator[None]:
        with plain(store):
            yield
        with closing(sqlite3.connect(store.path)) as rows:
            proposed = rows.execute("SELECT count(*) FROM trial").fetchone()[0]
            parts = dict(rows.execute("SELECT part, value FROM searcher"))
            progress = rows.execute("SELECT value FROM search WHERE key = 'progress'").fetchone()
        if parts:
            at, seen = decode_state(parts["at"]), decode_state(parts["seen"])
            moments.append((at, len(seen)))
            told = json.loads(progress[0])
            assert (at, len(seen)) == (proposed, told["observed"]) == (told["proposed"], len(seen))

    monkeypatch.setattr(Store, "transaction", watched)
    texts = [nasdsl.genotype_text(one) for one in nasdsl.sample(nasdsl.loads_space(SMALL), 20, 0)]
    run(_settings(tmp_path, trials=20), engine=SimulatedEngine(4, 3), searcher=Listener(texts))
    assert len(set(moments)) > 4
    assert moments[-1] == (20, 20)


# -- leases, on a clock of their own ---------------------------------------------------------


class TimedEngine(SimulatedEngine):
    """One worker whose evaluations last as long as they are told to, on a clock of the test's.

    Its worker beats every `beats` seconds, where there are any; a poll moves the clock by a
    quarter of a second, or by `nap` after which all beats of the meantime are there at once.
    """

    def __init__(self, lasts: float, beats: float | None = None, nap: float = 0.25) -> None:
        super().__init__(1)
        self.now, self._lasts, self._interval, self._nap = 1000.0, lasts, beats, nap
        self._lease: Lease | None = None
        self._since = self._next_beat = 0.0
        self.ended_after: list[float] = []

    def free(self) -> int:
        return int(self._lease is None)

    def submit(self, lease: Lease) -> str:
        self._lease, self._since = lease, self.now
        self._next_beat = self.now + (self._interval or float("inf"))
        return "timed"

    def cancel(self, key: str) -> None:
        assert self._lease is not None
        assert key == self._lease.key
        self.ended_after.append(self.now - self._since)
        self._lease, self._lasts = None, 0.0  # the next try is quick

    def poll(self, timeout: float) -> list[Notice]:
        self.now += self._nap
        if self._lease is None:
            return []
        key, trial = self._lease.key, self._lease.trial
        if self.now >= self._since + self._lasts:
            self._lease = None
            return [Finished(Outcome(key, trial, 0.5, (0.5,)), "timed")]
        if self.now < self._next_beat:
            return []
        self._next_beat = self.now + (self._interval or 0.0)
        return [Heartbeat(key)]


def _timed(
    folder: Path, engine: TimedEngine, monkeypatch: pytest.MonkeyPatch, **members: Any
) -> list[Trial]:
    """The trials of a search in which the engine's clock is the loop's."""
    monkeypatch.setattr("nasdsl.search.loop.monotonic", lambda: engine.now)
    settings = _settings(folder, trials=3, workers=1, heartbeat=10.0, **members)
    run(settings, engine=engine)
    return _trials(settings.store)


def test_a_silent_worker_is_given_up_within_two_heartbeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before one beat could be late, and its trial is tried again."""
    engine = TimedEngine(lasts=1e6)
    first, *others = _timed(tmp_path, engine, monkeypatch)
    (after,) = engine.ended_after
    assert 10 < after <= 20
    assert (first.state, first.attempts) == ("done", 2)
    assert [(one.state, one.attempts) for one in others] == [("done", 1)] * 2


@pytest.mark.parametrize(("beats", "nap"), [(2.5, 0.25), (10.0, 0.25), (1.0, 100.0)])
def test_a_worker_that_beats_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beats: float, nap: float
) -> None:
    """However long it takes, and where the loop itself slept through many heartbeats."""
    engine = TimedEngine(1000.0, beats, nap)
    trials = _timed(tmp_path, engine, monkeypatch)
    assert engine.ended_after == []
    assert [(one.state, one.attempts) for one in trials] == [("done", 1)] * 3


def test_a_deadline_ends_a_worker_that_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as it has passed, and no sooner."""
    engine = TimedEngine(1e6, beats=2.5)
    first, *_ = _timed(tmp_path, engine, monkeypatch, deadline=60.0)
    (after,) = engine.ended_after
    assert 60 <= after <= 61
    assert (first.state, first.attempts) == ("done", 2)


# -- misuse --------------------------------------------------------------------------------


def test_nothing_to_search(tmp_path: Path) -> None:
    """A space of one member is refused."""
    text = nasdsl.genotype_text(next(iter(nasdsl.sample(nasdsl.loads_space(SMALL), 1, 0))))
    assert _refusal(lambda: run(_settings(tmp_path, text)))[0] == "NAS604"


def test_resuming_has_to_be_asked_for(tmp_path: Path) -> None:
    """A store that has a search is not begun again by mistake."""
    settings = _settings(tmp_path, trials=5)
    run(settings, engine=SimulatedEngine(4))
    code, _ = _refusal(lambda: run(settings, engine=SimulatedEngine(4)))
    assert code == "NAS866"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("space", nasdsl.loads_space(TINY)),
        ("algorithm", "evolution"),
        ("evaluator", "train"),
        ("seed", 1),
        ("block", 7),
        ("limits", {"--max-params": 5}),
    ],
)
def test_another_search(tmp_path: Path, member: str, value: Any) -> None:
    """A store goes on with its own search only, and says what differs."""
    settings = _settings(tmp_path, trials=5)
    run(settings, engine=SimulatedEngine(4))
    other = replace(settings, **{member: value})
    code, message = _refusal(lambda: run(other, resume=True, engine=SimulatedEngine(4)))
    assert code == "NAS863"
    assert member in message


def test_two_searches_on_one_store(tmp_path: Path) -> None:
    """The second one is refused while the first is at work, and the first is not disturbed."""
    settings, codes = _settings(tmp_path), []

    def intrude(event: Event) -> None:
        if event.what == "started":
            second = lambda: run(settings, resume=True, engine=SimulatedEngine(1))  # noqa: E731
            codes.append(_refusal(second)[0])

    assert run(settings, intrude, engine=SimulatedEngine(4)).completed == 60
    assert codes == ["NAS864"]


def test_more_gpus_than_there_are(tmp_path: Path) -> None:
    """Asking for GPUs that are not there is refused before anything starts."""
    code, message = _refusal(lambda: engine_for(_settings(tmp_path, gpus=1000)))
    assert code == "NAS869"
    assert "1,000 GPUs" in message


def test_slots_on_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several workers a GPU, each of which sees that one alone."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    found = slots(_settings(tmp_path, gpus=2, per_gpu=2, threads=3))
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in found] == ["3", "5", "3", "5"]
    assert {slot.environment["OMP_NUM_THREADS"] for slot in found} == {"3"}
    assert len({slot.name for slot in found}) == 4
