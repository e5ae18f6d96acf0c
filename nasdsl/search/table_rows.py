"""The rows of a table: a CSV file whose keys are canonical hashes, or strings of a format."""

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from nasdsl import interop
from nasdsl.errors import CellError, cell_error, listed, name_hints
from nasdsl.language.genotype.types import Genotype

_HASH = re.compile(r"[0-9a-f]{16,64}")
_WORD = re.compile(r"[A-Za-z_]\w*")


def column_names(path: Path) -> list[str]:
    """The columns of a table's file.

    Raises:
        CellError: NAS883, it cannot be read any more.
    """
    with _opened(path) as file:
        return next(csv.reader(file), [])


def number_columns(path: Path, key: str) -> list[str]:
    """The columns of a table, but for its key, that have a number above zero in every row.

    Raises:
        CellError: NAS883, it cannot be read, or has no such key.
    """
    rows = [row for _, row in table_rows(path, key, ())]
    names = [name for name in rows[0] if name and name != key] if rows else []
    return [name for name in names if all(_is_above_zero(row[name]) for row in rows)]


def _is_above_zero(text: str | None) -> bool:
    try:
        return finite_number(text) > 0
    except ValueError:
        return False


def table_rows(
    path: Path, key: str, columns: Sequence[str]
) -> list[tuple[int, Mapping[str, str | None]]]:
    """Every row and the number of its line."""
    with _opened(path) as file:
        reader = csv.DictReader(file)
        _require_columns(path, reader.fieldnames or (), (key, *columns))
        return [(reader.line_num, row) for row in reader]


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """The text of a CSV file, packed or not.

    Raises:
        CellError: NAS883, it cannot be read.
    """
    try:
        # What Excel writes begins with a mark of the order of bytes, which no name has.
        with (gzip.open if path.suffix == ".gz" else open)(
            path, "rt", newline="", encoding="utf-8-sig"
        ) as file:
            yield cast(IO[str], file)
    except (OSError, EOFError, zlib.error) as error:
        text = getattr(error, "strerror", None) or error
        raise cell_error("NAS883", f"{path}: {text}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise cell_error("NAS883", f"{path} is not a CSV file: {error}") from error


def format_of_keys(path: Path, keys: Sequence[tuple[int, str | None]]) -> str | None:
    """The format of a table's keys; None where they are canonical hashes.

    A row is read for every word that no row before it has: so a word that the format does not
    know is found, and thousands of rows are read in no time.

    Raises:
        CellError: NAS883, with the first row that cannot be read.
    """
    for line, entry in keys:
        if not entry:
            raise cell_error("NAS883", f"{path}:{line}: a row without a key")
    entries = [(line, entry) for line, entry in keys if entry]
    if all(_HASH.fullmatch(entry) for _, entry in entries):
        return None
    try:
        format = interop.find(entries[0][1]).format
    except CellError as error:
        raise _no_key(path, *entries[0], error) from error
    for line, entry in _with_new_words(entries):
        try:
            genotype_of_key(entry, format)
        except CellError as error:
            raise _no_key(path, line, entry, error) from error
    return format


def _no_key(path: Path, line: int, entry: str, error: CellError) -> CellError:
    return cell_error(
        "NAS883",
        f"{path}:{line}: {entry[:100]!r} is not a genotype: {error.diagnostics[0].message}",
        "a key is a canonical hash, or a string that `nasdsl convert` reads",
    )


def _with_new_words(entries: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for at, (line, entry) in enumerate(entries):
        words = set(_WORD.findall(entry))
        if at == 0 or not words <= seen:
            seen |= words
            yield line, entry


def genotype_of_key(entry: str, format: str | None) -> Genotype:
    """The genotype of a key.

    Raises:
        CellError: what the format has against it.
    """
    found = interop.find(entry, format)
    genotype, _ = found.read(found.choose())
    return genotype


def _require_columns(path: Path, given: object, wanted: tuple[str, ...]) -> None:
    names = list(given) if isinstance(given, list | tuple) else []
    for name in wanted:
        if name not in names:
            raise cell_error(
                "NAS883",
                f"{path} has no column `{name}`",
                *name_hints(name, names, f"its columns are {listed(names)}"),
            )


def finite_number(text: str | None) -> float:
    """The number of a field.

    Raises:
        ValueError: it is missing, no number, or not finite.
    """
    if not text:
        raise ValueError("a number is missing")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the reward is {text}")
    return number


def whole_number(row: Mapping[str, str | None], name: str) -> int | None:
    """The whole number in a column; None where the row does not have it.

    Raises:
        ValueError: it is something else.
    """
    text = row.get(name)
    return int(text) if text else None
