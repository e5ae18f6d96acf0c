"""When the searcher proposes, and when it observes.

There is one rule, so that what a searcher sees depends on no clock: it observes results in the
order of its proposals, a block at a time, and proposes a block whenever no more than a window's
worth of trials would be unobserved. The search loop opens the transactions.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from nasdsl.canonical import canonical_hash
from nasdsl.canonical.function import FunctionForm
from nasdsl.errors import CellError, cell_error
from nasdsl.loading import cells_of_text
from nasdsl.search.objectives import LATENCY, gains
from nasdsl.search.protocol import SearchJob
from nasdsl.search.schedule import JobSchedule
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Progress, Store
from nasdsl.search.store.records import Proposal


@contextmanager
def searcher_errors(path: Path) -> Iterator[None]:
    """A searcher that fails with a state from a store was not the one that saved it.

    Raises:
        CellError: NAS865; or the searcher's own.
    """
    try:
        yield
    except CellError:
        raise
    except Exception as error:
        raise cell_error(
            "NAS865",
            f"the searcher cannot continue from its state in {path}: "
            f"{type(error).__name__}: {error!s:.80}",
            "the store is damaged or was changed by another program, or the searcher has a fault",
        ) from error


def _leading_number(rejection: str) -> float:
    """The count with which a rejection begins, to compare sizes; infinite where it has none."""
    try:
        return float(rejection.partition(" ")[0].replace(",", ""))
    except ValueError:
        return float("inf")


class Proposer:
    """A searcher, and how far it has come in the search.

    Args:
        settings: of the search, with a block and a window.
        store: where proposals are saved and results read.
        schedule: in the state that the store holds.
        is_resumed: whether that state was read from the store.
    """

    def __init__(
        self, settings: SearchSettings, store: Store, schedule: JobSchedule, *, is_resumed: bool
    ) -> None:
        self.settings, self.store, self.schedule = settings, store, schedule
        assert settings.block is not None
        assert settings.window is not None
        self.block, self.window = settings.block, settings.window
        self.progress = store.progress()
        #: Unique networks that failed, of those that have been observed: like everything that
        #: proposals depend on, it must not depend on when results arrive.
        self.failures = store.failures(0, self.progress.observed)
        #: Whether workers reject, too, which is known when their results are observed.
        self.rejects_late = LATENCY in settings.limits
        several = len(settings.objectives) > 1
        self.gains = partial(gains, objectives=settings.objectives) if several else None
        by_function = settings.same == "function"
        self.form = FunctionForm(settings.space.vocabulary) if by_function else None
        self.rejected_in_a_row = 0
        self.errors = partial(searcher_errors, store.path) if is_resumed else nullcontext
        self.rejections: list[str] = []

    @property
    def is_done(self) -> bool:
        """Whether everything has been observed and nothing more will be proposed."""
        now = self.progress
        if now.observed != now.proposed:
            return False
        return now.starved or (self._wanted() <= 0 and not self.schedule.ready)

    def _wanted(self) -> int:
        """How many more networks may be proposed now."""
        settings, now = self.settings, self.progress
        wanted = settings.trials - now.proposed + now.promoted + now.rejected
        if settings.trained is None:
            return wanted
        networks = self.store.networks()
        if self.rejects_late:
            networks += self.store.networks_rejected_by_workers()
        return min(wanted, settings.trained - networks + self.failures)

    def advance(self) -> None:
        """Observe and propose as far as the rule allows, within a transaction of the store.

        Raises:
            CellError: NAS868, too many proposals in a row exceeded the limits.
        """
        before = self.progress
        while self._propose() or self._observe():
            pass
        if self.progress != before:
            self.store.advance(self.progress, self.schedule.state_dict())

    def _propose(self) -> bool:
        now = self.progress
        new = max(0, self._wanted())
        n = min(self.block, new + self.schedule.ready)
        if n <= 0 or now.starved or now.proposed + n - now.observed > self.window:
            return False
        with self.errors():
            jobs = self.schedule.propose(n, new)
        proposals = [self._proposal(job) for job in jobs]
        self.store.propose(now.proposed, proposals)
        rejected = sum(proposal.rejection is not None for proposal in proposals)
        self.rejections += [each.rejection for each in proposals if each.rejection]
        self.progress = Progress(
            proposed=now.proposed + len(proposals),
            rejected=now.rejected + rejected,
            observed=now.observed,
            starved=not proposals,
            promoted=now.promoted + sum(job.continues is not None for job in jobs),
        )
        if not self.rejects_late:
            self._check_rejections(len(proposals), rejected)
        return bool(proposals)

    def _observe(self) -> bool:
        now = self.progress
        stop = min(now.observed + self.block, now.proposed)
        results = self.store.results(now.observed, stop, self.gains)
        if not results:
            return False
        with self.errors():
            self.schedule.observe(results)
        self.failures += self.store.failures(now.observed, stop)
        self.progress = replace(now, observed=stop, starved=False)
        if self.rejects_late:
            late = self.store.rejected_by_workers(now.observed, stop)
            self.rejections += late
            self.progress = replace(self.progress, rejected=now.rejected + len(late))
            # Those that the proposals exceeded at once are settled, and among the results.
            self._check_rejections(len(results), self.store.rejected(now.observed, stop))
        return True

    def _proposal(self, job: SearchJob) -> Proposal:
        text = self.store.trial(job.continues).text if job.continues is not None else job.text
        genotype = cells_of_text(text)
        limit = self.settings.limit
        rejection = limit(genotype) if limit else None
        function = self.form.hash(genotype) if self.form else None
        hash = canonical_hash(genotype)
        inherits = self.settings.inherit_weights and job.parent is not None
        parent = canonical_hash(cells_of_text(job.parent)) if inherits and job.parent else None
        return Proposal(text, hash, rejection, function, job.epochs, job.continues, parent)

    def _check_rejections(self, proposed: int, rejected: int) -> None:
        if rejected < proposed:
            self.rejected_in_a_row = 0
            self.rejections.clear()
            return
        self.rejected_in_a_row += rejected
        if self.rejected_in_a_row < self.settings.dry_after:
            return
        smallest = sorted(self.rejections, key=_leading_number)[:1]
        names = ", ".join(f"{name} {value}" for name, value in self.settings.limits.items())
        raise cell_error(
            "NAS868",
            f"{self.rejected_in_a_row} proposals in a row exceed the limits ({names})",
            # What was rejected before a search was resumed is not known here.
            *(f"the smallest of them has {each}" for each in smallest),
            "raise the limits, or search a space of smaller networks",
            "`nasdsl cost` shows what a genotype costs",
        )
