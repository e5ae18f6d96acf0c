"""Searches that run in the test's own process."""

from typing import Any

from nasdsl.search import Reader, SearchSettings, run
from nasdsl.search.store import Trial
from tests.plugin.nasdsl_example.inline import Inline


def search(settings: SearchSettings, **how: Any) -> list[Trial]:
    """Search in this process; all trials."""
    run(settings, engine=Inline(settings.for_workers), **how)
    with Reader(settings.store) as store:
        return list(store.trials())
