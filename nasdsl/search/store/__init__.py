"""The store of a search: one SQLite file with everything that was proposed and found.

`Store` writes it, one process at a time; `Reader` reads it from anywhere. The file is in WAL
mode with `synchronous=FULL`: what has been committed survives the end of the process and of the
machine. Everything that belongs together is in one transaction, above all a searcher's state
and the results it has observed.
"""

from nasdsl.search.store.reader import Reader
from nasdsl.search.store.records import Counts, Lease, Outcome, Progress, Trial
from nasdsl.search.store.writer import Store

__all__ = ["Counts", "Lease", "Outcome", "Progress", "Reader", "Store", "Trial"]
