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

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

from nasdsl.errors import CellError, cell_error
from nasdsl.search.engines.engine import Beat, Engine, Finished, Gone, Notice
from nasdsl.search.proposing import Proposing
from nasdsl.search.protocol import Searcher
from nasdsl.search.settings import SearchSettings, agreed
from nasdsl.search.store import Counts, Lease, Store, Trial

#: Failures before the first success after which the evaluator is at fault, not the networks.
_PATIENCE = 5
#: Seconds to wait for news before looking at the clocks.
_TICK = 0.1

What = Literal["started", "trials", "lost", "finished"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something has been committed.

    `started` once, `trials` when these got their outcome, `lost` when the worker of one was
    lost (its `failure` is the reason; it is `queued` again or `quarantined`), `finished` once.
    """

    what: What
    counts: Counts
    best: Trial | None
    trials: tuple[Trial, ...] = ()
    workers: int = 0


OnEvent = Callable[[Event], None]


def run(
    settings: SearchSettings,
    on_event: OnEvent | None = None,
    *,
    resume: bool = False,
    searcher: Searcher | None = None,
    engine: Engine | None = None,
) -> Counts:
    """Search until all trials are settled; the final counts.

    Args:
        settings: what to search and how.
        on_event: told of every change.
        resume: go on with the store's search; a store that has none begins it.
        searcher: instead of the one named by the settings.
        engine: instead of the one named by the settings; it is started and closed here.

    Raises:
        CellError: NAS604 (nothing to search), NAS701 (a package is missing), NAS860 to NAS866
            (the store), NAS867 (the evaluator), NAS868 (limits leave nothing), NAS869, NAS870
            (the workers).
        KeyboardInterrupt: stopped by hand.
    """
    if searcher is None:
        from nasdsl.search.searchers import searcher as named

        searcher = named(settings.algorithm, settings.space, settings.seed, **settings.options)
    if engine is None:
        from nasdsl.search.engines.choosing import engine_for

        engine = engine_for(settings)
    store = Store(settings.store)
    try:
        settings = agreed(settings, store, resume=resume)
        state = store.searcher_state()
        if state:
            searcher.load_state_dict(state)
        return _Run(settings, store, searcher, engine, on_event).finish()
    finally:
        store.close()


@dataclass(slots=True)
class _Held:
    """A lease that a worker has, and when it was last heard of, on the monotonic clock."""

    lease: Lease
    since: float
    heard: float


class _Run:
    """One process's part of a search. `finish` is the loop, `_commit` what each turn keeps."""

    def __init__(
        self,
        settings: SearchSettings,
        store: Store,
        searcher: Searcher,
        engine: Engine,
        on_event: OnEvent | None,
    ) -> None:
        self.settings, self.store = settings, store
        self.engine, self.on_event = engine, on_event
        self.proposing = Proposing(settings, store, searcher)
        self.owner = uuid.uuid4().hex
        self.held: dict[str, _Held] = {}
        self.unproven: list[Finished] = []
        self.has_success = bool(store.best())

    def finish(self) -> Counts:
        """Work until nothing is left to do; the counts in the end."""
        with self.store.transaction():
            self.store.release()
            self.proposing.advance()
        try:
            self.engine.start()
            self._tell("started")
            while not self.proposing.is_done:
                self._turn()
        finally:
            self.engine.close()
        self._tell("finished")
        counts = self.store.counts()
        if counts.failed > counts.quarantined and not counts.completed:
            first = self.store.trial(0)
            raise self._hopeless(counts.failed, first.failure)
        return counts

    def _turn(self) -> None:
        # Looked at before the news are: what came in while this process slept still counts.
        now = time.monotonic()
        notices = self.engine.poll(_TICK)
        self._hear(notices)
        finished = [notice for notice in notices if isinstance(notice, Finished)]
        lost = [notice for notice in notices if isinstance(notice, Gone)]
        late = self._late(now)
        for notice in late:
            self.engine.cancel(notice.key)
        self._commit(self._proven(finished), [*lost, *late])

    def _commit(self, finished: Sequence[Finished], lost: Sequence[Gone]) -> None:
        """Keep what came in, let the searcher go on, and hand out leases; one transaction."""
        free = self.engine.free()
        if not (finished or lost or free):
            return
        with self.store.transaction():
            settled = [one.outcome.trial for one in finished if self._settled(one)]
            dropped = [trial for one in lost if (trial := self._lost(one)) is not None]
            if settled or dropped:
                self.proposing.advance()
            leases = self.store.claim(free, self.owner)
        for lease in leases:
            self._submit(lease)
        self._tell("trials", settled)
        self._tell("lost", dropped)
        self._judge_failures()

    # -- the workers ---------------------------------------------------------------------

    def _submit(self, lease: Lease) -> None:
        now = time.monotonic()
        # The same network gets the same seed, whichever trial or attempt it is.
        named = f"{self.settings.seed}/{lease.hash}".encode()
        seed = int.from_bytes(blake2b(named, digest_size=4).digest(), "big") >> 1
        lease = replace(lease, seed=seed)
        self.held[lease.key] = _Held(lease, since=now, heard=now)
        self.engine.submit(lease)

    def _hear(self, notices: Sequence[Notice]) -> None:
        now = time.monotonic()
        for notice in notices:
            if isinstance(notice, Beat) and notice.key in self.held:
                self.held[notice.key].heard = now

    def _late(self, now: float) -> list[Gone]:
        heartbeat, deadline = self.settings.heartbeat, self.settings.deadline
        late = []
        for key, held in self.held.items():
            # Less than two, so that the trial is queued again within two.
            if now - held.heard > 1.6 * heartbeat:
                late.append(Gone(key, f"the worker was silent for {1.6 * heartbeat:.3g} s"))
            elif deadline is not None and now - held.since > deadline:
                late.append(Gone(key, f"it ran for longer than the deadline of {deadline:g} s"))
        return late

    def _proven(self, finished: Sequence[Finished]) -> list[Finished]:
        """Those to keep: failures wait for the first success, which says whose fault they are."""
        if self.has_success:
            return list(finished)
        for one in finished:
            self.held.pop(one.outcome.key, None)
        self.unproven += finished
        self.has_success = any(one.outcome.reward is not None for one in finished)
        if not self.has_success:
            return []
        proven, self.unproven = self.unproven, []
        return proven

    def _judge_failures(self) -> None:
        """Give up an evaluator that only fails; let failures stand where all waits for them."""
        if not self.unproven:
            return
        counts = self.store.counts()
        failures = len(self.unproven) + counts.failed - counts.quarantined
        if failures >= _PATIENCE:
            raise self._hopeless(failures, self.unproven[0].outcome.failure)
        if not self.held and not counts.queued:
            proven, self.unproven = self.unproven, []
            self._commit(proven, [])

    def _hopeless(self, failures: int, reason: str | None) -> CellError:
        return cell_error(
            "NAS867",
            f"evaluator `{self.settings.evaluator}` has failed on all of {failures} networks "
            f"and never succeeded: {reason}",
            "repair it and go on with `--resume`",
        )

    def _settled(self, one: Finished) -> bool:
        outcome = one.outcome
        is_first = self.store.settle(outcome, one.worker)
        if self.held.pop(outcome.key, None) is None and is_first:
            # Late, and nevertheless first: whoever has been given the trial since may stop.
            for key in [
                key for key, held in self.held.items() if held.lease.trial == outcome.trial
            ]:
                self.engine.cancel(key)
                del self.held[key]
        return is_first

    def _lost(self, one: Gone) -> int | None:
        held = self.held.pop(one.key, None)
        if held is None or not self.store.record_loss(held.lease, one.reason, self.settings.tries):
            return None
        return held.lease.trial

    def _tell(self, what: What, trials: Sequence[int] = ()) -> None:
        if self.on_event is None or (what in ("trials", "lost") and not trials):
            return
        rows = tuple(self.store.trial(number) for number in trials)
        best = next(iter(self.store.best()), None)
        self.on_event(Event(what, self.store.counts(), best, rows, self.engine.workers()))
