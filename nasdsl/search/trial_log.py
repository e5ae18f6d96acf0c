"""STORE.log: what evaluations printed, and where in an evaluator's code they failed.

It is for people, beside the store, and holds nothing that a search needs: where it cannot be
written, or has grown too large, the search continues without it.
"""

from contextlib import suppress
from pathlib import Path

#: Bytes after which nothing is added.
_MAX_BYTES = 50_000_000


class TrialLog:
    """The log beside a store; the file is made with its first entry."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(f"{store.name}.log")

    @property
    def exists(self) -> bool:
        """Whether there is anything in it."""
        return self.path.exists()

    def add(self, trial: int, worker: str, printed: str, failure: str | None) -> None:
        """Add what there is to say of an evaluation, if anything."""
        parts = [part for part in (printed, failure) if part]
        if not parts:
            return
        text = "\n".join([f"--- trial {trial}, worker {worker}", *parts, ""])
        with suppress(OSError), self.path.open("a", encoding="utf-8", errors="replace") as stream:
            if stream.tell() < _MAX_BYTES:
                stream.write(text)
