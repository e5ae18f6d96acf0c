"""The engine `inline`: evaluations in the process of the search, one after another."""

from nasdsl.search.engines.engine import Finished, Notice
from nasdsl.search.evaluators import evaluator
from nasdsl.search.protocol import Rejection
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Lease, Outcome


class Inline:
    """One worker, which works while it is asked for news."""

    def __init__(self, settings: SearchSettings) -> None:
        self.spec, self.leases = settings.evaluator, list[Lease]()

    def start(self) -> None:
        """Make the evaluator."""
        self.evaluator = evaluator(self.spec)

    def free(self) -> int:
        """How many leases it would take now."""
        return 1 - len(self.leases)

    def workers(self) -> int:
        """How many there are."""
        return 1

    def submit(self, lease: Lease) -> str:
        """Take a lease; the name of the worker that has it."""
        self.leases.append(lease)
        return "inline"

    def poll(self, timeout: float) -> list[Notice]:
        """Evaluate what was submitted."""
        notices: list[Notice] = [Finished(self._outcome(lease), "inline") for lease in self.leases]
        self.leases.clear()
        return notices

    def cancel(self, key: str) -> None:
        """Forget a lease."""
        self.leases = [lease for lease in self.leases if lease.key != key]

    def close(self) -> None:
        """Nothing was started."""

    def _outcome(self, lease: Lease) -> Outcome:
        try:
            score = self.evaluator.evaluate(lease.text, lease.seed, lambda value: None)
        except Rejection as error:
            return Outcome(lease.key, lease.trial, rejection=str(error))
        except Exception as error:
            return Outcome(lease.key, lease.trial, failure=f"{type(error).__name__}: {error}")
        return Outcome(
            lease.key,
            lease.trial,
            score.reward,
            score.curve,
            score.params,
            score.mult_adds,
            measures=score.measures,
        )
