"""Searches in the middle of things: a store with a trial, and a searcher about to propose."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import nasdsl
from nasdsl.search.planning import plan_search
from nasdsl.search.proposing import Proposer
from nasdsl.search.schedule import schedule_of
from nasdsl.search.searchers import searcher
from nasdsl.search.settings import start_or_resume
from nasdsl.search.store import Outcome, Store
from nasdsl.search.store.records import Proposal

_NASNET_A = nasdsl.genotype_text(nasdsl.load("nasnet_a"))


def write_store(path: Path, text: str = _NASNET_A) -> None:
    """The store of a search whose only trial, the genotype of that text, has a reward."""
    with closing(Store(path)) as store, store.transaction():
        store.put_settings({"algorithm": "random", "evaluator": "e", "seed": 1, "space": _NASNET_A})
        store.propose(0, [Proposal(text, nasdsl.canonical_hash(nasdsl.loads(text)))])
        (lease,) = store.claim(1, "me")
        store.settle(Outcome(lease.key, 0, reward=0.5))


@contextmanager
def proposing(path: Path, trials: int) -> Iterator[tuple[Proposer, Store]]:
    """What proposes in a search that has just begun, in one block, and its store."""
    text = _NASNET_A.replace("sep_conv_7x7", "?")
    space = nasdsl.loads_space(text + "network { N = 1  cell_filters = 4  stem = cifar }")
    planned = plan_search(
        space, path, evaluator="python:math:sqrt", trials=trials, max_params=10**9, block=trials
    )
    with closing(Store(planned.store)) as store:
        settings = start_or_resume(planned, store, resume=False)
        schedule = schedule_of(searcher("random", space, 0), None)
        with store.transaction():
            yield Proposer(settings, store, schedule, is_resumed=False), store
