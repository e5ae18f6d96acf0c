"""`Store`: every change of a search as a method, for one process at a time.

The caller groups changes into transactions. A trial has at most one reward, whoever delivers it
and however often. Times in the store are for people to read: the time limits of leases are
measured in `nasdsl.search.loop`, on a clock that never jumps.
"""

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from nasdsl.errors import cell_error
from nasdsl.search.protocol import Result
from nasdsl.search.store import reader
from nasdsl.search.store.files import diagnosed, refuse_shared
from nasdsl.search.store.records import SETTLED, Lease, Outcome, Proposal, Trial, decoded, encoded
from nasdsl.search.store.schema import bring_up_to_date, create


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the searcher has come: trials proposed, of these rejected, trials observed.

    `starved` says that it had nothing to propose when it was last asked.
    """

    proposed: int = 0
    rejected: int = 0
    observed: int = 0
    starved: bool = False


class Store:
    """A store opened for writing. Only `close` it; whatever was committed needs no goodbye.

    Raises:
        CellError: NAS860 (cannot be read or written), NAS861 (network file system), NAS862
            (newer version), NAS864 (in use), NAS865 (no store, or damaged).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: dict[str, bytes] = {}
        refuse_shared(path)
        with diagnosed(path), ExitStack() as opened:
            path.parent.mkdir(parents=True, exist_ok=True)
            opened.enter_context(_locked(path))
            self._rows = opened.enter_context(
                closing(sqlite3.connect(path, isolation_level=None, timeout=30))
            )
            is_new = not self._rows.execute("PRAGMA page_count").fetchone()[0]
            if not is_new:
                bring_up_to_date(self._rows, path)
            self._rows.execute("PRAGMA journal_mode = WAL")
            self._rows.execute("PRAGMA synchronous = FULL")
            if is_new:
                create(self._rows)
            # Closed in the reverse order: the lock is let go of last.
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Let go of the file and of the lock."""
        self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes made within are committed together, or none is.

        Raises:
            CellError: NAS860, NAS865; nothing of the transaction is kept then.
        """
        with diagnosed(self.path):
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
        """What the search was started with; empty for a new store."""
        with diagnosed(self.path):
            return reader.settings(self._rows)

    def put_settings(self, settings: Mapping[str, Any]) -> None:
        """Keep these, by key, as JSON."""
        rows = [(key, json.dumps(value)) for key, value in settings.items()]
        self._rows.executemany("INSERT OR REPLACE INTO search VALUES (?, ?)", rows)

    def progress(self) -> Progress:
        """How far the searcher had come at the last commit."""
        return Progress(**self.settings().get("progress", {}))

    def searcher_state(self) -> dict[str, Any]:
        """The searcher's state at the last commit; empty before the first."""
        with diagnosed(self.path):
            return {part: decoded(value) for part, value in self._rows.execute(_ALL_PARTS)}

    def advance(self, progress: Progress, state: Mapping[str, Any]) -> None:
        """Keep the searcher's state with what it has proposed and observed by then."""
        self.put_settings({"progress": asdict(progress)})
        for part, value in state.items():
            data = encoded(value)
            digest = blake2b(data, digest_size=16).digest()
            if self._written.get(part) != digest:
                self._rows.execute("INSERT OR REPLACE INTO searcher VALUES (?, ?)", (part, data))
                self._written[part] = digest

    # -- trials --------------------------------------------------------------------------

    def counts(self) -> reader.Counts:
        """How many trials of each kind there are."""
        with diagnosed(self.path):
            return reader.counts(self._rows)

    def best(self, n: int = 1) -> list[Trial]:
        """The `n` unique networks of the highest rewards, best first."""
        with diagnosed(self.path):
            return reader.best(self._rows, n)

    def trial(self, number: int) -> Trial:
        """The trial of that number, which exists."""
        with diagnosed(self.path):
            return reader.trial(self._rows, number)

    def propose(self, first: int, proposals: Iterable[Proposal]) -> None:
        """Add trials numbered from `first`. A network that is known already costs nothing."""
        for number, proposal in enumerate(proposals, first):
            known = self._rows.execute(_FIRST_OF, (proposal.hash,)).fetchone()
            if known is None:
                state = "rejected" if proposal.rejection else "queued"
                row = (number, proposal.text, proposal.hash, state, proposal.rejection)
                self._rows.execute(_INSERT, (*row, time.time()))
                continue
            settled = known[1] in SETTLED
            self._rows.execute(
                _INSERT_SHARED,
                (
                    *(number, proposal.text, proposal.hash),
                    known[1] if settled else "waiting",
                    *(time.time(), time.time() if settled else None, known[0]),
                ),
            )

    def claim(self, n: int, owner: str) -> list[Lease]:
        """The `n` oldest queued trials, which are running from now on; fewer if there are fewer.

        A lease's key is made of `owner`, which is never used twice, the trial and the attempt.
        """
        leases = []
        for number, text, name, attempts in self._rows.execute(_QUEUED, (n,)).fetchall():
            key = f"{owner}/{number}/{attempts + 1}"
            self._rows.execute(_CLAIM, (key, time.time(), number))
            leases.append(Lease(key, number, text, name))
        return leases

    def settle(self, outcome: Outcome, worker: str = "") -> bool:
        """Take in an outcome; False if the trial has one already, and nothing is changed then.

        A late outcome, of a lease that was given up for lost, counts if it is the first.
        """
        state = "failed" if outcome.reward is None else "done"
        values = (
            *(state, worker, time.time(), outcome.seconds, outcome.reward),
            *(json.dumps(outcome.curve), outcome.params, outcome.mult_adds, outcome.failure),
        )
        changed = self._rows.execute(_SETTLE, (*values, outcome.trial)).rowcount
        if changed:
            self._rows.execute(_SHARE, (time.time(), outcome.trial))
        return bool(changed)

    def lose(self, lease: Lease, reason: str, tries: int) -> bool:
        """A worker was lost: queue its trial again, or quarantine it after so many tries.

        False if the lease is not the one the trial runs under; nothing is changed then.
        """
        values = {"key": lease.key, "trial": lease.trial, "reason": reason, "tries": tries}
        changed = self._rows.execute(_LOSE, {**values, "now": time.time()}).rowcount
        if changed:
            self._rows.execute(_SHARE, (time.time(), lease.trial))
        return bool(changed)

    def release(self) -> int:
        """Queue again what was in flight when a controller ended; how many those were.

        The controller's end says nothing against a trial: the attempt is not counted.
        """
        return self._rows.execute(_RELEASE).rowcount

    def results(self, start: int, stop: int) -> Sequence[Result] | None:
        """The results of the trials from `start` up to `stop`, or None if one has none yet."""
        found = self._rows.execute(_RESULTS, (start, stop)).fetchall()
        if any(row[0] not in SETTLED for row in found):
            return None
        return [
            Result(text, name, reward, failure, repeated=kin is not None)
            for _, text, name, reward, failure, kin in found
        ]


_ALL_PARTS = "SELECT part, value FROM searcher ORDER BY part"
_FIRST_OF = "SELECT id, state FROM trial WHERE hash = ? AND same_as IS NULL"
_INSERT = "INSERT INTO trial (id, text, hash, state, failure, proposed) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_SHARED = """
INSERT INTO trial (id, text, hash, state, proposed, finished,
                   same_as, reward, params, mult_adds, failure)
SELECT ?, ?, ?, ?, ?, ?, id, reward, params, mult_adds, failure FROM trial WHERE id = ?
"""
_QUEUED = "SELECT id, text, hash, attempts FROM trial WHERE state = 'queued' ORDER BY id LIMIT ?"
_CLAIM = """
UPDATE trial SET state = 'running', attempts = attempts + 1, lease = ?, started = ?
WHERE id = ?
"""
_SETTLE = """
UPDATE trial SET state = ?, lease = NULL, worker = ?, finished = ?, seconds = ?, reward = ?,
    curve = ?, params = ?, mult_adds = ?, failure = ?
WHERE id = ? AND state IN ('queued', 'running')
"""
_LOSE = """
UPDATE trial SET
    state = CASE WHEN attempts < :tries THEN 'queued' ELSE 'quarantined' END,
    finished = CASE WHEN attempts < :tries THEN NULL ELSE :now END,
    lease = NULL, failure = :reason
WHERE id = :trial AND state = 'running' AND lease = :key
"""
#: What waits for a trial takes over what became of it.
_SHARE = """
UPDATE trial SET finished = ?, (state, reward, params, mult_adds, failure) =
    (SELECT state, reward, params, mult_adds, failure FROM trial kin WHERE kin.id = trial.same_as)
WHERE state = 'waiting' AND same_as = ?
  AND (SELECT state FROM trial kin WHERE kin.id = trial.same_as) NOT IN ('queued', 'running')
"""
_RELEASE = """
UPDATE trial SET state = 'queued', lease = NULL, attempts = attempts - 1 WHERE state = 'running'
"""
_RESULTS = """
SELECT state, text, hash, reward, failure, same_as FROM trial
WHERE id >= ? AND id < ? ORDER BY id
"""


def _locked(path: Path) -> IO[str]:
    """A lock that ends with the process, on a file beside the store.

    Raises:
        CellError: NAS864 where another controller holds it.
    """
    lock = path.with_name(f"{path.name}.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise cell_error(
            "NAS864",
            f"{path} is in use by another search",
            "wait for it, or look on with `nasdsl search status`",
            "another search needs another store",
        ) from None
    return lock
