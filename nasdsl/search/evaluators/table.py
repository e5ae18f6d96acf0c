"""`table:FILE`: rewards from a table of finished trainings.

A genotype is looked up by its canonical hash in a CSV file whose columns include `hash` and
`held_out`. A genotype with several rows (one for each seed) has the mean of their rewards.
`table:FILE?column=test` takes another column. Columns `params` and `mult_adds` are passed on.
(`bench/table.py` makes the table in `bench/tables`.)
"""

import csv
import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from nasdsl.canonical import canonical_hash
from nasdsl.errors import cell_error, listed, name_hints
from nasdsl.loading import loads
from nasdsl.search.protocol import Report, Score


class TableEvaluator:
    """Scores by canonical hash.

    Args:
        name: of the table, for messages.
        scores: by the hash of each genotype.
    """

    def __init__(self, name: str, scores: Mapping[str, Score]) -> None:
        self.name, self.scores = name, scores

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The score of the genotype, whatever the seed.

        Raises:
            CellError: the table does not have it (NAS884).
        """
        hash = canonical_hash(loads(text))
        if hash not in self.scores:
            raise cell_error("NAS884", f"{self.name} has no row for the genotype {hash}")
        return self.scores[hash]


def table_evaluator(what: str, options: dict[str, str]) -> TableEvaluator:
    """The table in a file.

    Raises:
        CellError: NAS882 for options other than `column`, NAS883 where it cannot be read.
    """
    column = options.pop("column", "held_out")
    if options:
        raise cell_error(
            "NAS882", f"the evaluator `table` takes `column`, and has {listed(options)}"
        )
    return read_table(Path(what), column)


def read_table(path: Path, column: str = "held_out") -> TableEvaluator:
    """The table in a CSV file, rewards from `column`.

    Raises:
        CellError: it cannot be read, lacks a column, or has a reward that is not a finite
            number (NAS883).
    """
    rewards: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, tuple[int | None, int | None]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            _require_columns(path, reader.fieldnames or (), ("hash", column))
            for row in reader:
                rewards[row["hash"]].append(_finite_number(row[column]))
                costs[row["hash"]] = _whole_number(row, "params"), _whole_number(row, "mult_adds")
    except OSError as error:
        raise cell_error("NAS883", f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise cell_error("NAS883", f"{path} is not a CSV file: {error}") from error
    except (TypeError, ValueError) as error:
        where = f"{path}:{reader.line_num}"
        raise cell_error(
            "NAS883", f"{where}: a row with something other than numbers: {error}"
        ) from error
    scores = {
        hash: Score(fmean(each), (), params=costs[hash][0], mult_adds=costs[hash][1])
        for hash, each in rewards.items()
    }
    return TableEvaluator(str(path), scores)


def _require_columns(path: Path, given: object, wanted: tuple[str, ...]) -> None:
    names = list(given) if isinstance(given, list | tuple) else []
    for name in wanted:
        if name not in names:
            raise cell_error(
                "NAS883",
                f"{path} has no column `{name}`",
                *name_hints(name, names, f"its columns are {listed(names)}"),
            )


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the reward is {text}")
    return number


def _whole_number(row: Mapping[str, str | None], name: str) -> int | None:
    text = row.get(name)
    return int(text) if text else None
