"""The searcher's side of a search: when it proposes, and when it observes.

Purpose: one rule, so that what a searcher sees depends on no clock. It observes results in the
order of its proposals, a block at a time, and proposes a block whenever no more than a window's
worth of trials would be unobserved.
Non-goals: workers; transactions, which the controller opens.
"""

from dataclasses import replace

from nasdsl.canonical import canonical_hash
from nasdsl.errors import cell_error
from nasdsl.loading import loads
from nasdsl.search.protocol import Searcher
from nasdsl.search.settings import SearchSettings, window_of
from nasdsl.search.store import Progress, Store
from nasdsl.search.store.records import Proposal


class Proposing:
    """A searcher with its place in the search.

    Args:
        settings: of the search.
        store: where proposals go and results come from.
        searcher: in the state that the store has.
    """

    def __init__(self, settings: SearchSettings, store: Store, searcher: Searcher) -> None:
        self.settings, self.store, self.searcher = settings, store, searcher
        self.block, self.window = window_of(settings)
        self.progress = store.progress()
        self.rejected_in_a_row = 0

    @property
    def is_done(self) -> bool:
        """Whether all has been observed and nothing more will be proposed."""
        at = self.progress
        is_all = at.proposed - at.rejected >= self.settings.trials
        return at.observed == at.proposed and (is_all or at.starved)

    def advance(self) -> None:
        """Observe and propose as far as the rule allows, within a transaction of the store.

        Raises:
            CellError: NAS868, so many proposals in a row were beyond the limits.
        """
        before = self.progress
        while self._propose() or self._observe():
            pass
        if self.progress != before:
            self.store.advance(self.progress, self.searcher.state_dict())

    def _propose(self) -> bool:
        at = self.progress
        n = min(self.block, self.settings.trials - at.proposed + at.rejected)
        if n <= 0 or at.starved or at.proposed + n - at.observed > self.window:
            return False
        proposals = [self._proposal(text) for text in self.searcher.propose(n)]
        self.store.propose(at.proposed, proposals)
        rejected = sum(proposal.rejection is not None for proposal in proposals)
        self.progress = Progress(
            proposed=at.proposed + len(proposals),
            rejected=at.rejected + rejected,
            observed=at.observed,
            starved=not proposals,
        )
        self._refuse_dry(len(proposals), rejected)
        return bool(proposals)

    def _observe(self) -> bool:
        at = self.progress
        stop = min(at.observed + self.block, at.proposed)
        results = self.store.results(at.observed, stop)
        if not results:
            return False
        self.searcher.observe(results)
        self.progress = replace(at, observed=stop, starved=False)
        return True

    def _proposal(self, text: str) -> Proposal:
        genotype = loads(text)
        limit = self.settings.limit
        return Proposal(text, canonical_hash(genotype), limit(genotype) if limit else None)

    def _refuse_dry(self, proposed: int, rejected: int) -> None:
        if rejected < proposed:
            self.rejected_in_a_row = 0
            return
        self.rejected_in_a_row += rejected
        if self.rejected_in_a_row < self.settings.dry_after:
            return
        names = ", ".join(f"{name} {value}" for name, value in self.settings.limits.items())
        raise cell_error(
            "NAS868",
            f"{self.rejected_in_a_row} proposals in a row are beyond the limits ({names})",
            "raise the limits, or search a space of smaller networks",
            "`nasdsl cost` says what a genotype costs",
        )
