"""The store of a search: one SQLite file, the only truth about what was proposed and found.

Purpose: `Store` writes (one controller at a time), `reading.Reader` looks on from anywhere.
Non-goals: deciding what happens next (`nasdsl.search.loop`).

The file is in WAL mode with `synchronous=FULL`: what a commit has acknowledged survives the end
of the process and of the machine. One transaction holds whatever belongs together, above all a
searcher's state and the results it has observed.
"""

from nasdsl.search.store.reader import Counts, Reader
from nasdsl.search.store.records import Lease, Outcome, Trial
from nasdsl.search.store.writer import Progress, Store

__all__ = ["Counts", "Lease", "Outcome", "Progress", "Reader", "Store", "Trial"]
