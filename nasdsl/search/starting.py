"""Genotypes that a search evaluates first: a cell of the library, last week's winners, a store.

They are members of the space and the first trials of the search, whatever its algorithm. One that
has a method `learn(results)` is told their results; others continue as if nothing was known.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nasdsl.errors import CellError, Diagnostic
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import load, loads
from nasdsl.search.checking import best_trials
from nasdsl.search.decisions import open_decisions
from nasdsl.search.protocol import Result, Searcher, SearcherState
from nasdsl.search.results import no_result
from nasdsl.search.store.files import is_database
from nasdsl.space import choices

#: The winners that are taken of a store of one objective; of several, its front is.
_WINNERS = 10
#: The part of a state that is not the algorithm's.
_PART = "start"


def start_texts(space: Space, names: Sequence[str]) -> tuple[str, ...]:
    """The members of a space that these files have, as its texts, each once.

    Args:
        space: what is searched.
        names: paths and library names of genotypes, and stores, of which the ten best networks
            are taken, or the Pareto front.

    Raises:
        CellError: what a file is refused for; NAS602, a genotype is of another space; NAS872, no
            network of a store has a reward. Each file that is refused has its diagnostics.
    """
    decisions = open_decisions(space)
    found: list[str] = []
    refused: list[Diagnostic] = []
    for name in names:
        try:
            for genotype in _genotypes(name):
                every = choices(space, genotype)
                found.append(decisions.text([every[at] for at in decisions.positions]))
        except CellError as error:
            refused += [_of_file(name, each) for each in error.diagnostics]
    if refused:
        raise CellError(tuple(refused))
    return tuple(dict.fromkeys(found))


def _genotypes(name: str) -> list[Genotype]:
    path = Path(name)
    if not (path.is_file() and path.stat().st_size and is_database(path)):
        return [load(name)]
    best = best_trials(path)
    if not best:
        raise no_result(path)
    # With one objective, that is one.
    trials = best_trials(path, _WINNERS) if len(best) == 1 else best
    return [loads(trial.text) for trial in trials]


def _of_file(name: str, finding: Diagnostic) -> Diagnostic:
    """The finding, naming the file where nothing else does."""
    if finding.source is not None or name in finding.message:
        return finding
    return replace(finding, message=f"{name}: {finding.message}")


class StartedSearcher:
    """A searcher that proposes given members before its own.

    Args:
        searcher: proposes the rest.
        texts: of the members, which are proposed in this order.
    """

    def __init__(self, searcher: Searcher, texts: Sequence[str]) -> None:
        self.searcher, self.texts = searcher, list(texts)
        self.proposed = self.observed = 0

    def propose(self, n: int) -> list[str]:
        """Those that are left to start with, then the searcher's own."""
        first = self.texts[self.proposed : self.proposed + n]
        self.proposed += len(first)
        return first if len(first) == n else [*first, *self.searcher.propose(n - len(first))]

    def parent_of(self, text: str) -> str | None:
        """What the searcher says; those to start with have none."""
        parent_of = getattr(self.searcher, "parent_of", None)
        return None if parent_of is None or text in self.texts else parent_of(text)

    def observe(self, results: Sequence[Result]) -> None:
        """Pass results on; those of the start to a searcher that learns from them."""
        left = len(self.texts) - self.observed
        first, own = results[:left], results[left:]
        self.observed += len(first)
        learn = getattr(self.searcher, "learn", None)
        if first and learn is not None:
            learn(first)
        if own:
            self.searcher.observe(own)

    def state_dict(self) -> SearcherState:
        """The searcher's, and how far the start is."""
        return {**self.searcher.state_dict(), _PART: [self.proposed, self.observed]}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue there."""
        self.proposed, self.observed = state[_PART]
        self.searcher.load_state_dict({key: state[key] for key in state if key != _PART})
