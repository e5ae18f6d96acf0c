"""`table:FILE`: rewards from a table of finished trainings.

A genotype is looked up in a CSV file, which may be packed with gzip (`.gz`). Options say what its
columns are:

- `key=hash`: the column by which rows are found. It has canonical hashes, or strings of any format
  that `nasdsl convert` reads and writes, such as those of NAS-Bench-201.
- `value=held_out`: the column with the reward (`column=` is the same).
- `epochs=1:COLUMN,3:COLUMN,9:COLUMN`: columns with the rewards after so many epochs, for a search
  that trains in parts (`--fidelity`). The last of them is the reward, unless `value` says another.
- `report=`: columns, with commas between, that `reported` gives to people. No searcher sees them.
- `unit=`: `share` or `percent`; without it, numbers from 0 to 100 of which some are above 1 are
  percent. A reward in percent becomes a share, as every accuracy is. `raw` leaves numbers as
  they are.

A genotype that has several rows by hash (one for each seed) has the mean of their rewards; a string
that stands there twice is a mistake. Columns `params` and `mult_adds` are passed on.
(`bench/table.py` makes the table in `bench/tables`.)
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Literal, get_args

from nasdsl import interop
from nasdsl.canonical import canonical_hash
from nasdsl.errors import CellError, cell_error, listed
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import cells_of_text
from nasdsl.search.protocol import Report, Same, Score, TrainingPart
from nasdsl.search.table_rows import (
    finite_number,
    format_of_keys,
    genotype_of_key,
    table_rows,
    whole_number,
)

RewardUnit = Literal["share", "percent", "raw"]
_UNITS: tuple[RewardUnit, ...] = get_args(RewardUnit)


@dataclass(frozen=True)
class TableEvaluator:
    """Scores by key.

    Attributes:
        name: of the table, for messages.
        scores: by the key of each row.
        unit: what the rewards are in the file; those in percent have been divided by a hundred.
        reports: for each column that is reported, its numbers by key, in the same unit.
        format: the format whose strings are the keys; None where they are canonical hashes.
        column: the one with the rewards.
        parts: by the number of epochs, the rewards after so many by key.
    """

    name: str
    scores: Mapping[str, Score]
    unit: RewardUnit = "share"
    reports: Mapping[str, Mapping[str, float]] | None = None
    format: str | None = None
    column: str = "held_out"
    parts: Mapping[int, Mapping[str, float]] | None = None

    @property
    def same(self) -> Same:
        """Networks that compute the same have the same accuracy; other numbers may differ."""
        return "structure" if self.unit == "raw" else "function"

    @property
    def about(self) -> str:
        """How the numbers were read, in words."""
        if self.unit == "raw":
            return f"column `{self.column}` of {self.name} is taken as it is"
        unit = "percent, and divided by 100" if self.unit == "percent" else "shares"
        return f"column `{self.column}` of {self.name} has accuracies in {unit}"

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The score of the genotype, whatever the seed.

        Raises:
            CellError: the table does not have it (NAS884).
        """
        return self.scores[self.key(text)]

    @property
    def epochs(self) -> int | None:
        """The most epochs after which there are rewards."""
        return max(self.parts or {}, default=None)

    def require_epochs(self, numbers: Sequence[int]) -> None:
        """Check that the table has the rewards after each of these numbers of epochs.

        Raises:
            CellError: NAS887, it lacks some.
        """
        has = sorted(self.parts or {})
        lacks = [number for number in numbers if number not in has]
        if lacks:
            text = f"{self.name} has no rewards after {', '.join(map(str, lacks))} epochs"
            known = f"it has them after {', '.join(map(str, has))}"
            raise cell_error(
                "NAS887",
                text,
                known if has else "`epochs=1:COLUMN,9:COLUMN` of its spec says where they are",
            )

    def evaluate_part(self, text: str, seed: int, report: Report, part: TrainingPart) -> Score:
        """The score of the genotype after so many epochs.

        Raises:
            CellError: the table does not have it (NAS884).
        """
        key = self.key(text)
        assert self.parts is not None, "the plan of the search has asked"
        return replace(self.scores[key], reward=self.parts[part.epochs][key])

    def reported(self, text: str) -> dict[str, float]:
        """What the columns that are reported say of a genotype. This is for people, not searchers.

        Raises:
            CellError: the table does not have it (NAS884).
        """
        key = self.key(text)
        return {column: values[key] for column, values in (self.reports or {}).items()}

    def key(self, text: str) -> str:
        """The key of a genotype's row.

        Raises:
            CellError: the table does not have it (NAS884).
        """
        genotype = cells_of_text(text)
        hash = canonical_hash(genotype)
        if self.format is None:
            key = hash
        else:
            key = self._written(genotype) or self._by_hash.get(hash, "")
        if key not in self.scores:
            raise cell_error("NAS884", f"{self.name} has no row for the genotype {hash}")
        return key

    def text_of(self, key: str) -> str:
        """The `.cell` text of a row, in a table whose keys are strings of a format."""
        return genotype_text(genotype_of_key(key, self.format))

    def _written(self, genotype: Genotype) -> str:
        """Its string, if there is a row of it; writing one is much faster than reading them all."""
        assert self.format is not None
        try:
            written = interop.write(genotype, self.format).text.strip()
        except CellError:
            return ""
        return written if written in self.scores else ""

    @cached_property
    def _by_hash(self) -> dict[str, str]:
        """The first row of each canonical form: for genotypes that the format writes otherwise."""
        found: dict[str, str] = {}
        for key in self.scores:
            found.setdefault(canonical_hash(genotype_of_key(key, self.format)), key)
        return found


def table_evaluator(what: str, options: dict[str, str]) -> TableEvaluator:
    """The table in a file.

    Raises:
        CellError: NAS882 for options that it does not have, NAS883 where it cannot be read.
    """
    if "column" in options and "value" in options:
        raise cell_error("NAS882", "`column` and `value` of the evaluator `table` are the same")
    epochs = _columns_by_epochs(options.pop("epochs", ""))
    column = options.pop("column", epochs[max(epochs)] if epochs else "held_out")
    column = options.pop("value", column)
    key, unit = options.pop("key", "hash"), options.pop("unit", None)
    report = [name for name in options.pop("report", "").split(",") if name]
    if options:
        takes = "`key`, `value`, `epochs`, `report` and `unit`"
        raise cell_error(
            "NAS882", f"the evaluator `table` takes {takes}, but was given {listed(options)}"
        )
    if unit is not None and unit not in _UNITS:
        raise cell_error("NAS882", f"unit is {listed(_UNITS, 'or')}, not {unit!r:.40}")
    return read_table(Path(what), column, key, report, unit, epochs)


def _columns_by_epochs(text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for word in filter(None, text.split(",")):
        number, _, column = word.partition(":")
        if not number.isdecimal() or not int(number) or not column or int(number) in found:
            raise cell_error("NAS882", f"epochs is NUMBER:COLUMN,NUMBER:COLUMN, not {text!r:.60}")
        found[int(number)] = column
    return dict(sorted(found.items()))


def read_table(
    path: Path,
    column: str = "held_out",
    key: str = "hash",
    report: Sequence[str] = (),
    unit: RewardUnit | None = None,
    epochs: Mapping[int, str] | None = None,
) -> TableEvaluator:
    """The table in a CSV file.

    Args:
        path: a CSV file, `.gz` where it is packed.
        column: the column with the rewards.
        key: the column with canonical hashes, or with strings of another format.
        report: columns for people, which no searcher sees.
        unit: `share`, `percent` or `raw`; None where the numbers show it.
        epochs: by numbers of epochs, the columns with the rewards after so many.

    Raises:
        CellError: it cannot be read, has no row or lacks a column, a key cannot be read or stands
            there twice, or a number is missing or not finite (NAS883).
    """
    columns = tuple(dict.fromkeys((column, *report, *(epochs or {}).values())))
    rows = table_rows(path, key, columns)
    if not rows:
        raise cell_error("NAS883", f"{path} has a header and no row")
    format = format_of_keys(path, [(line, row[key]) for line, row in rows])
    lines: dict[str, int] = {}
    numbers: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in columns}
    costs: dict[str, tuple[int | None, int | None]] = {}
    for line, row in rows:
        entry = row[key] or ""
        if format is not None and entry in lines:
            text = f"{path}:{line}: {entry:.100} is in line {lines[entry]} already"
            raise cell_error("NAS883", text)
        lines[entry] = line
        try:
            for name, values in numbers.items():
                values[entry].append(finite_number(row[name]))
            costs[entry] = whole_number(row, "params"), whole_number(row, "mult_adds")
        except (TypeError, ValueError) as error:
            text = f"{path}:{line}: a row with something other than numbers: {error}"
            raise cell_error("NAS883", text) from error
    means = {name: {k: fmean(v) for k, v in values.items()} for name, values in numbers.items()}
    units = {name: unit or _unit(values) for name, values in means.items()}
    # Accuracies after few epochs may all be below one percent.
    units |= dict.fromkeys((epochs or {}).values(), units[column])
    shares = {
        name: {k: v / 100 for k, v in values.items()} if units[name] == "percent" else values
        for name, values in means.items()
    }
    scores = {
        entry: Score(reward, (), params=costs[entry][0], mult_adds=costs[entry][1])
        for entry, reward in shares[column].items()
    }
    reports = {name: shares[name] for name in report}
    parts = {number: shares[name] for number, name in (epochs or {}).items()}
    return TableEvaluator(str(path), scores, units[column], reports, format, column, parts)


def _unit(values: Mapping[str, float]) -> RewardUnit:
    """Accuracies that do not fit into a share are percent."""
    low, high = min(values.values()), max(values.values())
    return "percent" if low >= 0 and 1 < high <= 100 else "share"
