"""`run`: start or resume a search, and return when it is done.

    from nasdsl.search import SearchSettings, run
    counts = run(SearchSettings(space, Path("s.db"), algorithm="ppo", workers=2))

Each turn of the loop reads what the workers have sent, commits it to the store together with
the searcher's new state, and hands out more work. `on_event` is called with an `Event` after
every commit that changed something; it may raise `KeyboardInterrupt` to stop. Any process may
watch with `nasdsl.search.Reader(path)`.

Results are observed in the order of the proposals, in blocks of a fixed size, and a block is
proposed when all but a window's worth of trials before it have been observed. So what the
searcher sees depends on no clock: a search of the same seed, block and window proposes the same
genotypes on one worker or on many, interrupted or not.

Ctrl-C ends `run` with `KeyboardInterrupt`; only the evaluations that were running are lost, as
after any other end.
"""

import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from time import monotonic
from types import MappingProxyType
from typing import Literal

from nasdsl.errors import CellError, cell_error
from nasdsl.search.engines.engine import Engine, Finished, Heartbeat, Lost, Notice
from nasdsl.search.proposing import Proposer, searcher_errors
from nasdsl.search.protocol import Family, Searcher
from nasdsl.search.schedule import JobSchedule, schedule_of
from nasdsl.search.settings import SearchSettings, start_or_resume
from nasdsl.search.starting import StartedSearcher
from nasdsl.search.store import Counts, Lease, Store, Trial
from nasdsl.search.trial_log import TrialLog
from nasdsl.values import typed

#: Heartbeats after which a silent worker counts as lost. Less than two, so that its trial is
#: queued again within two.
_SILENT_HEARTBEATS = 1.6
#: Seconds to wait for news before looking at the clocks.
_POLL_SECONDS = 0.1

What = Literal["started", "progress", "trials", "lost", "finished"]


@dataclass(frozen=True, slots=True)
class Event:
    """A change that has been committed, or progress that has been reported.

    `started` comes once; `progress` when evaluations reported values of their curves, in
    `values` by the number of the trial; `trials` when these got their outcome; `lost` when the
    workers of these were lost (a trial's `failure` is the reason; it is `queued` again or
    `quarantined`); `finished` once.
    """

    what: What
    counts: Counts
    best: Trial | None
    trials: tuple[Trial, ...] = ()
    workers: int = 0
    values: Mapping[int, float] = field(default_factory=dict)


_NO_VALUES: Mapping[int, float] = MappingProxyType({})
OnEvent = Callable[[Event], None]


@typed
def run(
    settings: SearchSettings,
    on_event: OnEvent | None = None,
    *,
    resume: bool = False,
    retry_failed: bool = False,
    searcher: Searcher | None = None,
    engine: Engine | None = None,
) -> Counts:
    """Search until every trial has its outcome; the final counts.

    Args:
        settings: what to search and how.
        on_event: called after every change.
        resume: continue the store's search; an empty store starts one. Where networks have
            failed and none has a reward, the evaluator was at fault, and the search starts anew.
        retry_failed: evaluate again what failed or was quarantined before. The searcher has
            observed those failures, and is not told of the new results.
        searcher: used instead of the one that the settings name.
        engine: used instead of the one that the settings name; it is started and closed here.

    Raises:
        CellError: NAS604 (nothing to search), NAS701 (a package is missing), NAS860 to NAS866
            (the store), NAS867 (the evaluator), NAS868 (limits leave nothing), NAS869, NAS870
            (the workers).
        KeyboardInterrupt: stopped by hand.
    """
    if searcher is None:
        from nasdsl.search.searchers import make_searcher

        searcher = make_searcher(
            settings.algorithm,
            settings.space,
            settings.seed,
            settings.options,
            objectives=max(1, len(settings.objectives)),
        )
    if settings.start:
        searcher = StartedSearcher(searcher, settings.start)
    if engine is None:
        from nasdsl.search.engines.choosing import engine_for

        engine = engine_for(settings.for_workers)
    store = Store(settings.store)
    try:
        is_new = not store.settings()
        settings = start_or_resume(settings, store, resume=resume)
        if is_new and settings.fidelity is not None:
            # States of a search whose store is gone are those of other trainings.
            shutil.rmtree(settings.trainings, ignore_errors=True)
        _forget_failures(store, retry_failed)
        schedule, state = schedule_of(searcher, settings.fidelity), store.searcher_state()
        if state:
            with searcher_errors(store.path):
                schedule.load_state_dict(state)
        return _SearchLoop(settings, store, schedule, engine, on_event, bool(state)).run()
    finally:
        store.close()


def _forget_failures(store: Store, retry_failed: bool) -> None:
    """Let trials be evaluated again whose failures say nothing about their networks."""
    counts = store.counts()
    with store.transaction():
        if counts.failed > counts.quarantined and not counts.completed:
            store.restart()
        elif retry_failed:
            store.retry_failed()


@dataclass(slots=True)
class _Running:
    """A lease that a worker has: since when, and when its worker was last heard of.

    Both times are on the monotonic clock.
    """

    lease: Lease
    since: float
    last_heartbeat: float


class _SearchLoop:
    """One process's part of a search."""

    def __init__(
        self,
        settings: SearchSettings,
        store: Store,
        schedule: JobSchedule,
        engine: Engine,
        on_event: OnEvent | None,
        is_resumed: bool,
    ) -> None:
        self.settings, self.store = settings, store
        self.engine, self.on_event = engine, on_event
        self.proposer = Proposer(settings, store, schedule, is_resumed=is_resumed)
        self.log = TrialLog(settings.store)
        self.owner = uuid.uuid4().hex
        self.running: dict[str, _Running] = {}
        self.early_failures: list[Finished] = []
        self.has_success = bool(store.best())

    def run(self) -> Counts:
        """Repeat turns until nothing is left to do; the counts at the end."""
        with self.store.transaction():
            self.store.release()
            self.proposer.advance()
        try:
            self.engine.start()
            self._emit("started")
            while not self._is_done():
                self._require_open_work()
                self._turn()
        finally:
            self.engine.close()
            # Nothing runs from here on. What ends a search may also keep this from being saved.
            with suppress(CellError), self.store.transaction():
                self.store.release()
        self._emit("finished")
        counts = self.store.counts()
        if counts.failed > counts.quarantined and not counts.completed:
            raise self._evaluator_error(counts.failed, self.store.first_failure())
        return counts

    def _is_done(self) -> bool:
        """Whether everything is observed, and nothing that was observed is evaluated again."""
        if not self.proposer.is_done:
            return False
        counts = self.store.counts()
        return not (counts.queued or counts.running)

    def _require_open_work(self) -> None:
        """A search that waits for trials which nothing will ever end was not saved like that."""
        if not (self.running or self.early_failures or self.store.counts().queued):
            raise cell_error(
                "NAS865",
                f"{self.store.path} waits for results of trials that nothing evaluates",
                "the store is damaged or was changed by another program",
            )

    def _turn(self) -> None:
        # The time before the news is read: what arrived while this process slept is not late.
        now = monotonic()
        notices = self.engine.poll(_POLL_SECONDS)
        self._note_heartbeats(notices)
        self._log(notices)
        finished = [notice for notice in notices if isinstance(notice, Finished)]
        lost = [notice for notice in notices if isinstance(notice, Lost)]
        overdue = self._overdue(now)
        for notice in overdue:
            self.engine.cancel(notice.key)
        self._commit(self._without_early_failures(finished), [*lost, *overdue])

    def _commit(self, finished: Sequence[Finished], lost: Sequence[Lost]) -> None:
        """Save what came in, let the searcher continue, and lease trials, in one transaction."""
        free = self.engine.free()
        if not (finished or lost or free):
            return
        with self.store.transaction():
            settled = [notice.outcome.trial for notice in finished if self._settle(notice)]
            requeued = [
                trial for notice in lost if (trial := self._record_loss(notice)) is not None
            ]
            if settled or requeued:
                self.proposer.advance()
            busy = [running.lease.hash for running in self.running.values()]
            leases = self.store.claim(free, self.owner, busy)
        for lease in leases:
            self._submit(lease)
        self._emit("trials", settled)
        self._emit("lost", requeued)
        self._check_early_failures()

    # -- the workers ---------------------------------------------------------------------

    def _submit(self, lease: Lease) -> None:
        now = monotonic()
        # The same network gets the same seed, whichever trial or attempt it is.
        text = f"{self.settings.seed}/{lease.hash}".encode()
        seed = int.from_bytes(blake2b(text, digest_size=4).digest(), "big") >> 1
        lease = replace(lease, seed=seed)
        fidelity = self.settings.fidelity
        if fidelity is not None:
            folder = str(self.settings.trainings / lease.hash)
            lease = replace(lease, folder=folder, is_last=lease.epochs == fidelity.max_epochs)
        if self.settings.inherit_weights:
            lease = replace(lease, family=self._family(lease))
        self.running[lease.key] = _Running(lease, since=now, last_heartbeat=now)
        self.engine.submit(lease)

    def _family(self, lease: Lease) -> Family:
        own = str(self.settings.weights / f"{lease.hash}.pt")
        if lease.inherits is None:
            return Family(own)
        parent = self.store.trial(lease.inherits)
        return Family(own, parent.text, str(self.settings.weights / f"{parent.hash}.pt"))

    def _note_heartbeats(self, notices: Sequence[Notice]) -> None:
        now = monotonic()
        values = {}
        for notice in notices:
            if isinstance(notice, Heartbeat) and notice.key in self.running:
                running = self.running[notice.key]
                running.last_heartbeat = now
                if notice.value is not None:
                    values[running.lease.trial] = notice.value
        if values:
            self._emit("progress", values=values)

    def _log(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            if isinstance(notice, Finished):
                outcome = notice.outcome
                self.log.add(outcome.trial, notice.worker, notice.printed, outcome.failure)
            elif isinstance(notice, Lost) and notice.key in self.running:
                trial = self.running[notice.key].lease.trial
                self.log.add(trial, "lost", notice.printed, notice.reason)

    def _overdue(self, now: float) -> list[Lost]:
        """The leases whose worker has been silent, or has been at work, for too long."""
        silence, deadline = _SILENT_HEARTBEATS * self.settings.heartbeat, self.settings.deadline
        overdue = []
        for key, running in self.running.items():
            if now - running.last_heartbeat > silence:
                overdue.append(Lost(key, f"the worker was silent for {silence:.3g} s"))
            elif deadline is not None and now - running.since > deadline:
                overdue.append(Lost(key, f"it ran for longer than the deadline of {deadline:g} s"))
        return overdue

    # -- outcomes ------------------------------------------------------------------------

    def _settle(self, notice: Finished) -> bool:
        """Save an outcome; whether it is the first of its trial."""
        outcome = notice.outcome
        is_first = self.store.settle(outcome, notice.worker)
        if self.running.pop(outcome.key, None) is None and is_first:
            # Late, but still the first: a worker that has been given the trial since may stop.
            again = [k for k, one in self.running.items() if one.lease.trial == outcome.trial]
            for key in again:
                self.engine.cancel(key)
                del self.running[key]
        return is_first

    def _record_loss(self, notice: Lost) -> int | None:
        """The trial of a lost worker, queued again or quarantined; None if it is not affected."""
        running = self.running.pop(notice.key, None)
        if running is None:
            return None
        lease = running.lease
        is_current = self.store.record_loss(lease, notice.reason, self.settings.tries)
        return lease.trial if is_current else None

    def _without_early_failures(self, finished: Sequence[Finished]) -> list[Finished]:
        """Hold failures back until the first success, which shows that the evaluator works."""
        if self.has_success:
            return list(finished)
        rejected = [notice for notice in finished if notice.outcome.rejection is not None]
        finished = [notice for notice in finished if notice.outcome.rejection is None]
        for notice in finished:
            self.running.pop(notice.outcome.key, None)
        self.early_failures += finished
        self.has_success = any(notice.outcome.reward is not None for notice in finished)
        if not self.has_success:
            return rejected
        held_back, self.early_failures = self.early_failures, []
        return [*rejected, *held_back]

    def _check_early_failures(self) -> None:
        """Stop if the evaluator only fails; accept its failures if nothing else is left to run."""
        if not self.early_failures:
            return
        counts = self.store.counts()
        failures = len(self.early_failures) + counts.failed - counts.quarantined
        if failures >= self.settings.patience:
            failure = self.early_failures[0].outcome.failure or ""
            raise self._evaluator_error(failures, failure.partition("\n")[0])
        if not self.running and not counts.queued:
            held_back, self.early_failures = self.early_failures, []
            self._commit(held_back, [])

    def _evaluator_error(self, failures: int, reason: str | None) -> CellError:
        return cell_error(
            "NAS867",
            f"evaluator `{self.settings.evaluator}` has failed on all of {failures} networks "
            f"and never succeeded: {reason}",
            *([f"{str(self.log.path)!r} has tracebacks and what was printed"] * self.log.exists),
            "correct it, then continue with `--resume`",
        )

    def _emit(
        self, what: What, trials: Sequence[int] = (), values: Mapping[int, float] = _NO_VALUES
    ) -> None:
        if self.on_event is None or (what in ("trials", "lost") and not trials):
            return
        rows = tuple(self.store.trial(number) for number in trials)
        best = next(iter(self.store.best()), None)
        workers = self.engine.workers()
        self.on_event(Event(what, self.store.counts(), best, rows, workers, values))
