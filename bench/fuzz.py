"""Run hostile inputs through every stage that reads text, in pieces that add up in a table.

The inputs and what must hold for them are those of `tests/fuzz.py`; this is the long run:

    python -m bench.fuzz --inputs 1000000 --workers 2
    python -m bench.fuzz --total

Each piece of 1,000 inputs is added to `bench/tables/fuzz.csv` as soon as it ends, and the next run
continues behind the last row of its seed, so a million may take as many runs as it likes. A row is
a stretch of inputs that the code of one commit has read, with the numbers of those that broke
something; their tracebacks are printed, and the exit status is 1.
"""

import argparse
import csv
import io
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from pathlib import Path

from nasdsl.atomic_write import replace_bytes
from tests.fuzz import checked, fuzzed

PIECE = 1_000
TABLE = Path(__file__).parent / "tables" / "fuzz.csv"


@dataclass(frozen=True, slots=True)
class Piece:
    """What the inputs `first` to `last` of a seed came to.

    Attributes:
        commit: the commit of the code that read them.
        seed, first, last: the inputs, both ends included.
        seconds: processor time of reading them; making them is not counted.
        slowest_ms, slowest: the longest that an input took, and its number.
        not_text, refused, no_cells, spaces: how many inputs came to what.
        broke: the numbers of those that broke something, with spaces between them.
    """

    commit: str
    seed: int
    first: int
    last: int
    seconds: float
    slowest_ms: float
    slowest: int
    not_text: int
    refused: int
    no_cells: int
    spaces: int
    broke: str


def piece(work: tuple[str, int, int, int]) -> tuple[Piece, list[str]]:
    """The inputs from `first` to `last`, and a traceback for each that broke something."""
    commit, seed, first, last = work
    seconds, longest = 0.0, (0.0, first)
    fates: Counter[str] = Counter()
    broke: list[str] = []
    failures: list[str] = []
    for number in range(first, last + 1):
        data = fuzzed(seed, number)
        start = time.process_time()
        try:
            fates[_fate(data)] += 1
        except Exception:
            broke.append(str(number))
            failures.append(f"fuzzed({seed}, {number})\n{traceback.format_exc()}")
        took = time.process_time() - start
        seconds += took
        longest = max(longest, (took, number))
    slowest, at = longest
    made = Piece(
        commit,
        seed,
        first,
        last,
        round(seconds, 2),
        round(1e3 * slowest, 1),
        at,
        fates["not text"],
        fates["refused"],
        fates["no cells"],
        fates["space"],
        " ".join(broke),
    )
    return made, failures


def _fate(data: str | bytes) -> str:
    analysis = checked(data)
    if analysis is None:
        return "not text"
    if any(finding.is_error for finding in analysis.diagnostics):
        return "refused"
    return "no cells" if analysis.space is None else "space"


def pieces_in(table: Path) -> list[Piece]:
    """The rows of a table; none where there is no table yet."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return [
            Piece(**{each.name: each.type(row[each.name]) for each in fields(Piece)})  # type: ignore[operator]
            for row in csv.DictReader(file)
        ]


def joined(one: Piece, other: Piece) -> Piece:
    """Two pieces of which one begins where the other ends, as one."""
    longest = max(one, other, key=lambda each: each.slowest_ms)
    return Piece(
        one.commit,
        one.seed,
        one.first,
        other.last,
        round(one.seconds + other.seconds, 2),
        longest.slowest_ms,
        longest.slowest,
        one.not_text + other.not_text,
        one.refused + other.refused,
        one.no_cells + other.no_cells,
        one.spaces + other.spaces,
        f"{one.broke} {other.broke}".strip(),
    )


def add(table: Path, made: Piece) -> None:
    """Write a piece into a table: behind the last row, or as its end where it continues it."""
    rows = pieces_in(table)
    last = rows[-1] if rows else None
    follows = last is not None and (last.commit, last.seed, last.last + 1) == (
        made.commit,
        made.seed,
        made.first,
    )
    rows = [*rows[:-1], joined(rows[-1], made)] if follows else [*rows, made]
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Piece)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    replace_bytes(table, text.getvalue().encode())


def total(pieces: list[Piece]) -> str:
    """All that the pieces came to."""
    if not pieces:
        return "no pieces yet"
    inputs = sum(each.last - each.first + 1 for each in pieces)
    seconds = sum(each.seconds for each in pieces)
    seeds = sorted({each.seed for each in pieces})
    slowest = max(pieces, key=lambda each: each.slowest_ms)
    broke = [f"fuzzed({each.seed}, {number})" for each in pieces for number in each.broke.split()]
    fates = ("spaces", "no_cells", "refused", "not_text")
    return "\n".join(
        [
            f"{inputs:,} inputs (seed {', '.join(map(str, seeds))}) in {seconds:,.0f} s of "
            f"processor time, {1e3 * seconds / inputs:.1f} ms each",
            *(f"{sum(getattr(each, fate) for each in pieces):>9,}  {fate}" for fate in fates),
            f"{len(broke):>9,}  broke something" + "".join(f"\n           {one}" for one in broke),
            f"slowest {slowest.slowest_ms:.0f} ms: fuzzed({slowest.seed}, {slowest.slowest})",
        ]
    )


def main() -> int:
    given = _options()
    if given.total:
        print(total(pieces_in(given.table)))
        return 0
    begin = max(
        (each.last + 1 for each in pieces_in(given.table) if each.seed == given.seed), default=0
    )
    failures: list[str] = []
    work = _work(given.seed, begin, given.inputs)
    with ExitStack() as stack:
        done: Iterable[tuple[Piece, list[str]]] = map(piece, work)
        if given.workers > 1:
            pool = stack.enter_context(get_context("spawn").Pool(given.workers))
            done = pool.imap(piece, work)
        for made, broken in done:
            add(given.table, made)
            failures += broken
            print(f"{made.first:,} to {made.last:,}: {made.seconds:.0f} s", *broken, flush=True)
    print(total(pieces_in(given.table)))
    return 1 if failures else 0


def _work(seed: int, begin: int, inputs: int) -> Iterator[tuple[str, int, int, int]]:
    asked = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    commit = found or "unknown"
    for first in range(begin, begin + inputs, PIECE):
        yield commit, seed, first, min(first + PIECE, begin + inputs) - 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--total", action="store_true", help="print what the table adds up to")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
