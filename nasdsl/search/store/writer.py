"""`Store`: every change of a search as a method, for one process at a time.

The caller groups changes into transactions. A trial has at most one reward, whoever delivers it
and however often. Times in the store are for people to read: the time limits of leases are
measured in `nasdsl.search.loop`, on a clock that never jumps.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nasdsl.report.visible import encodable
from nasdsl.search.protocol import Result
from nasdsl.search.store import reader
from nasdsl.search.store.files import locked, require_local_disk, store_errors
from nasdsl.search.store.records import (
    SETTLED,
    Counts,
    Lease,
    NotOfASearch,
    Outcome,
    Progress,
    Proposal,
    Trial,
    decode_state,
    encode_state,
)
from nasdsl.search.store.schema import create_tables, known_version, migrate
from nasdsl.search.store.soundness import (
    distrust,
    limited_work,
    require_own_schema,
    require_sound,
)

#: The values of several objectives, more being better, of what was measured by name.
GainsOf = Callable[[Mapping[str, float]], tuple[float, ...]]


class Store:
    """A store opened for writing. What was committed is safe even if it is never closed.

    Raises:
        CellError: NAS860 (cannot be read or written), NAS861 (network file system), NAS862
            (newer version), NAS864 (in use), NAS865 (not a store, or damaged).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: dict[str, bytes] = {}
        require_local_disk(path)
        with store_errors(path), ExitStack() as opened:
            path.parent.mkdir(parents=True, exist_ok=True)
            opened.enter_context(locked(path))
            # An absolute path, because SQLite keeps `:memory:` nowhere.
            self._rows = opened.enter_context(
                closing(sqlite3.connect(path.absolute(), isolation_level=None, timeout=30))
            )
            distrust(self._rows)
            is_new = not self._rows.execute("PRAGMA page_count").fetchone()[0]
            if not is_new:
                with limited_work(self._rows):
                    version = known_version(self._rows, path)
                    require_own_schema(self._rows, version)
                    require_sound(self._rows, version, with_indexes=True)
                migrate(self._rows, path)
            self._rows.execute("PRAGMA journal_mode = WAL")
            self._rows.execute("PRAGMA synchronous = FULL")
            if is_new:
                create_tables(self._rows)
            # Closed in reverse order: the lock is released last.
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close the file and release the lock; nothing is left beside a store that is at rest."""
        # A reader of a store in WAL mode makes the files of the log, and may not remove them.
        # While somebody is reading, the mode stays.
        with suppress(sqlite3.Error):
            self._rows.execute("PRAGMA busy_timeout = 0")
            self._rows.execute("PRAGMA journal_mode = DELETE")
        self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes made in the block together, or none of them.

        Raises:
            CellError: NAS860, NAS865; nothing of the transaction is kept.
        """
        with store_errors(self.path):
            self._rows.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._rows.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._rows.in_transaction:
                    self._rows.execute("ROLLBACK")
                self._written.clear()
                raise

    # -- the search as a whole -----------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """The settings that the search was started with; empty for a new store."""
        with store_errors(self.path):
            return reader.settings(self._rows)

    def put_settings(self, settings: Mapping[str, Any]) -> None:
        """Save these, by key, as JSON."""
        rows = [(key, json.dumps(value)) for key, value in settings.items()]
        self._rows.executemany("INSERT OR REPLACE INTO search VALUES (?, ?)", rows)

    def progress(self) -> Progress:
        """How far the searcher had come at the last commit."""
        with store_errors(self.path):
            found = reader.settings(self._rows).get("progress", {})
            return _progress(found, reader.counts(self._rows))

    def searcher_state(self) -> dict[str, Any]:
        """The searcher's state at the last commit; empty before the first."""
        with store_errors(self.path):
            try:
                return {part: decode_state(value) for part, value in self._rows.execute(_ALL_PARTS)}
            except ValueError as error:
                raise NotOfASearch(f"its searcher's state is damaged: {error!s:.80}") from error

    def advance(self, progress: Progress, state: Mapping[str, Any]) -> None:
        """Save the searcher's state together with how far it has come."""
        self.put_settings({"progress": asdict(progress)})
        for part, value in state.items():
            data = encode_state(value)
            # Bytes that are the same object are known to be equal without a look at them.
            mark = value if isinstance(value, bytes) else blake2b(data, digest_size=16).digest()
            if self._written.get(part) != mark:
                self._rows.execute("INSERT OR REPLACE INTO searcher VALUES (?, ?)", (part, data))
                self._written[part] = mark

    # -- trials --------------------------------------------------------------------------

    def counts(self) -> Counts:
        """How many trials of each kind there are."""
        with store_errors(self.path):
            return reader.counts(self._rows)

    def networks(self) -> int:
        """How many unique networks have been proposed, those beyond the limits left out."""
        (found,) = self._rows.execute(_NETWORKS).fetchone()
        (continued,) = self._rows.execute(_CONTINUED).fetchone()
        return int(found) - int(continued)

    def networks_rejected_by_workers(self) -> int:
        """How many unique networks were rejected after they had been measured."""
        return int(self._rows.execute(_MEASURED_AND_REJECTED).fetchone()[0])

    def failures(self, start: int, stop: int) -> int:
        """How many unique networks failed among the trials from `start` up to `stop`.

        Those that a worker has rejected are among them.
        """
        return int(self._rows.execute(_FAILURES, (start, stop)).fetchone()[0])

    def rejected_by_workers(self, start: int, stop: int) -> list[str]:
        """Why trials from `start` up to `stop` were rejected after they had been measured."""
        return [reason for (reason,) in self._rows.execute(_REJECTED_BY_WORKERS, (start, stop))]

    def rejected(self, start: int, stop: int) -> int:
        """How many of the trials from `start` up to `stop` were rejected, for whatever reason."""
        return int(self._rows.execute(_REJECTED, (start, stop)).fetchone()[0])

    def best(self, n: int = 1) -> list[Trial]:
        """The `n` unique networks with the highest rewards, best first."""
        with store_errors(self.path):
            return reader.best(self._rows, n)

    def first_failure(self) -> str | None:
        """Why the first trial failed that did, in a line; None where none did."""
        with store_errors(self.path):
            found = self._rows.execute(_FIRST_FAILURE).fetchone()
        return found and str(found[0]).partition("\n")[0]

    def trial(self, number: int) -> Trial:
        """The trial of that number, which exists."""
        with store_errors(self.path):
            return reader.trial(self._rows, number)

    def propose(self, first: int, proposals: Iterable[Proposal]) -> None:
        """Add trials numbered from `first`; a network that is known already shares its reward."""
        for number, proposal in enumerate(proposals, first):
            part = proposal.epochs, proposal.continues, self._trial_of(proposal.parent)
            known = self._rows.execute(_FIRST_OF, (proposal.hash, part[0])).fetchone()
            # A limit is of a structure, so a rejected one has nothing to share.
            function = None if proposal.rejection else proposal.function
            # A training continues as that of its own structure.
            if known is None and function is not None and proposal.continues is None:
                known = self._rows.execute(_FIRST_OF_FUNCTION, (function, part[0])).fetchone()
            if known is None:
                state = "rejected" if proposal.rejection else "queued"
                row = (number, proposal.text, proposal.hash, state, proposal.rejection)
                self._rows.execute(_INSERT, (*row, time.time(), function, *part))
                continue
            settled = known[1] in SETTLED
            self._rows.execute(
                _INSERT_SHARED,
                (
                    *(number, proposal.text, proposal.hash),
                    known[1] if settled else "waiting",
                    *(time.time(), time.time() if settled else None, function),
                    *(*part[:2], known[0]),
                ),
            )

    def _trial_of(self, hash: str | None) -> int | None:
        """The trial in which the network of that hash was trained, with success."""
        found = hash and self._rows.execute(_DONE, (hash,)).fetchone()
        return int(found[0]) if found else None

    def claim(self, n: int, owner: str, busy: Iterable[str] = ()) -> list[Lease]:
        """Lease the `n` oldest queued trials, or all of them if there are fewer.

        A lease's key consists of `owner`, which is never used twice, the trial and the attempt.

        Args:
            n: how many.
            owner: who leases them.
            busy: hashes of networks in training. In a search that trains in parts, no other part
                of theirs is leased: the state of a training is one folder's.
        """
        leases, known = [], set(busy)
        found: list[tuple[Any, ...]] = []
        for row in self._rows.execute(_QUEUED):
            if len(found) == n:
                break
            if row[4] is None or row[2] not in known:
                known.add(row[2])
                found.append(row)
        for number, text, name, attempts, epochs, inherits in found:
            key = f"{owner}/{number}/{attempts + 1}"
            self._rows.execute(_CLAIM, (key, time.time(), number))
            leases.append(Lease(key, number, text, name, epochs=epochs, inherits=inherits))
        return leases

    def settle(self, outcome: Outcome, worker: str = "") -> bool:
        """Save an outcome; False, and nothing is changed, if the trial has one already.

        A late outcome, of a lease whose worker was thought lost, counts if it is the first.
        """
        without = "failed" if outcome.rejection is None else "rejected"
        state = without if outcome.reward is None else "done"
        said = outcome.failure or outcome.rejection
        values = (
            *(state, worker, time.time(), outcome.seconds, outcome.reward),
            *(json.dumps(outcome.curve), outcome.params, outcome.mult_adds),
            *(said and encodable(said), json.dumps(dict(outcome.measures))),
        )
        changed = self._rows.execute(_SETTLE, (*values, outcome.trial)).rowcount
        if changed:
            self._rows.execute(_SHARE, (time.time(), outcome.trial))
        return bool(changed)

    def record_loss(self, lease: Lease, reason: str, tries: int) -> bool:
        """Queue the trial of a lost worker again, or quarantine it after so many tries.

        False, and nothing is changed, if the trial runs under another lease.
        """
        values = {"key": lease.key, "trial": lease.trial, "tries": tries, "now": time.time()}
        changed = self._rows.execute(_RECORD_LOSS, {**values, "reason": encodable(reason)}).rowcount
        if changed:
            self._rows.execute(_SHARE, (time.time(), lease.trial))
        return bool(changed)

    def release(self) -> int:
        """Queue again what was running when a search ended; how many trials those were.

        The end of the search is not the trial's fault: the attempt is not counted.
        """
        return self._rows.execute(_RELEASE).rowcount

    def retry_failed(self) -> int:
        """Queue again what failed or was quarantined; how many networks those were."""
        self._rows.execute(_WAIT_AGAIN)
        return self._rows.execute(_RETRY).rowcount

    def restart(self) -> None:
        """Forget every trial and the searcher's state; the settings stay."""
        self._written.clear()
        for statement in _RESTART:
            self._rows.execute(statement)

    def results(
        self, start: int, stop: int, gains: GainsOf | None = None
    ) -> Sequence[Result] | None:
        """The results of the trials from `start` up to `stop`; None until all have one.

        Args:
            start: the first trial.
            stop: the trial after the last.
            gains: makes `Result.gains` of what a trial has measured; None where there is one
                objective.
        """
        found = self._rows.execute(_RESULTS, (start, stop)).fetchall()
        if any(row[0] not in SETTLED for row in found):
            return None
        return [_result(row, gains) for row in found]


def _result(row: tuple[Any, ...], gains: GainsOf | None) -> Result:
    _, text, name, reward, failure, same_as, number, measures = row
    found: tuple[float, ...] = ()
    if gains is not None and reward is not None:
        try:
            found = gains(reader.measures_of(measures, number))
        except KeyError as error:
            raise NotOfASearch(f"its trial {number} has no {error}") from error
    # A traceback is for people.
    said = failure and failure.partition("\n")[0]
    return Result(text, name, reward, said, repeated=same_as is not None, gains=found)


def _progress(found: object, counts: Counts) -> Progress:
    """The progress that a store holds, if its trials agree.

    Raises:
        NotOfASearch: a search would wait for ever, or go wrong.
    """
    whole = ("proposed", "rejected", "observed", "promoted")
    if not isinstance(found, dict) or not found.keys() <= {*whole, "starved"}:
        raise NotOfASearch(f"its progress is {found!r:.80}")
    progress = Progress(**found)
    numbers = [getattr(progress, name) for name in whole]
    is_plain = all(type(number) is int for number in numbers) and type(progress.starved) is bool
    if (
        not is_plain
        or progress.proposed != counts.proposed
        or not 0 <= progress.observed <= progress.proposed
        or not 0 <= progress.rejected <= progress.proposed
        or not 0 <= progress.promoted <= progress.proposed
    ):
        raise NotOfASearch(f"its progress is {found!r:.80}, with {counts.proposed} trials")
    return progress


_NETWORKS = "SELECT coalesce(sum(n), 0) FROM tally WHERE is_first AND state <> 'rejected'"
_CONTINUED = """
SELECT count(*) FROM trial
WHERE continues IS NOT NULL AND same_as IS NULL AND state <> 'rejected'
"""
_MEASURED_AND_REJECTED = """
SELECT count(*) FROM trial WHERE state = 'rejected' AND same_as IS NULL AND started IS NOT NULL
"""
_FAILURES = """
SELECT count(*) FROM trial
WHERE id >= ? AND id < ? AND same_as IS NULL AND continues IS NULL
    AND (state IN ('failed', 'quarantined') OR (state = 'rejected' AND started IS NOT NULL))
"""
_FIRST_FAILURE = """
SELECT failure FROM trial WHERE state = 'failed' AND failure IS NOT NULL ORDER BY id LIMIT 1
"""
_REJECTED = "SELECT count(*) FROM trial WHERE id >= ? AND id < ? AND state = 'rejected'"
_REJECTED_BY_WORKERS = """
SELECT failure FROM trial t WHERE id >= ? AND id < ? AND state = 'rejected'
    AND (SELECT started FROM trial a WHERE a.id = coalesce(t.same_as, t.id)) IS NOT NULL
"""
_ALL_PARTS = "SELECT part, value FROM searcher ORDER BY part"
_FIRST_OF = "SELECT id, state FROM trial WHERE hash = ? AND epochs IS ? AND same_as IS NULL"
_FIRST_OF_FUNCTION = """
SELECT id, state FROM trial WHERE function = ? AND epochs IS ? AND same_as IS NULL
"""
_INSERT = """
INSERT INTO trial (id, text, hash, state, failure, proposed, function, epochs, continues,
                   inherits)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_DONE = "SELECT id FROM trial WHERE hash = ? AND same_as IS NULL AND state = 'done'"
_INSERT_SHARED = """
INSERT INTO trial (id, text, hash, state, proposed, finished, function, epochs, continues,
                   inherits, same_as, reward, params, mult_adds, failure, measures)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, id, reward, params, mult_adds, failure, measures
FROM trial WHERE id = ?
"""
_QUEUED = """
SELECT id, text, hash, attempts, epochs, inherits FROM trial
WHERE state = 'queued' ORDER BY id
"""
_CLAIM = """
UPDATE trial SET state = 'running', attempts = attempts + 1, lease = ?, started = ?
WHERE id = ?
"""
_SETTLE = """
UPDATE trial SET state = ?, lease = NULL, worker = ?, finished = ?, seconds = ?, reward = ?,
    curve = ?, params = ?, mult_adds = ?, failure = ?, measures = ?
WHERE id = ? AND state IN ('queued', 'running')
"""
_RECORD_LOSS = """
UPDATE trial SET
    state = CASE WHEN attempts < :tries THEN 'queued' ELSE 'quarantined' END,
    finished = CASE WHEN attempts < :tries THEN NULL ELSE :now END,
    lease = NULL, failure = :reason
WHERE id = :trial AND state = 'running' AND lease = :key
"""
#: Trials that wait for this one get its outcome.
_SHARE = """
UPDATE trial SET finished = ?, (state, reward, params, mult_adds, failure, measures) =
    (SELECT state, reward, params, mult_adds, failure, measures
     FROM trial a WHERE a.id = trial.same_as)
WHERE state = 'waiting' AND same_as = ?
  AND (SELECT state FROM trial a WHERE a.id = trial.same_as) NOT IN ('queued', 'running')
"""
_RELEASE = """
UPDATE trial SET state = 'queued', lease = NULL, attempts = attempts - 1 WHERE state = 'running'
"""
_RETRY = """
UPDATE trial SET state = 'queued', attempts = 0, worker = NULL, started = NULL, finished = NULL,
    seconds = NULL, curve = '[]', params = NULL, mult_adds = NULL, failure = NULL, measures = '{}'
WHERE state IN ('failed', 'quarantined') AND same_as IS NULL
"""
#: Trials that share a failure wait for the next outcome.
_WAIT_AGAIN = """
UPDATE trial SET state = 'waiting', finished = NULL, params = NULL, mult_adds = NULL,
    failure = NULL
WHERE state IN ('failed', 'quarantined') AND same_as IS NOT NULL
"""
_RESTART = (
    "DELETE FROM trial",
    "DELETE FROM tally",
    "DELETE FROM searcher",
    "DELETE FROM search WHERE key = 'progress'",
)
_RESULTS = """
SELECT state, text, hash, reward, failure, same_as, id, measures FROM trial
WHERE id >= ? AND id < ? ORDER BY id
"""
