"""`--seeds`: several seeds of one training."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output
from nasdsl.cli.output import FINDINGS, OK
from nasdsl.errors import Diagnostic
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.train.results import Mean

#: More seeds than this are a typing error.
_MAX_SEEDS, _MAX_DIGITS = 1_000, 5


def seeds_of(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...] | int | None:
    """How many seeds, or which: `5`, `3-7`, `1,4,9` or `0-2,7`."""
    if value is None:
        return None
    if value.isascii() and value.isdecimal() and len(value) < _MAX_DIGITS:
        count = int(value)
        if 1 <= count <= _MAX_SEEDS:
            return count
    elif "," in value or "-" in value:
        found: list[int] = []
        for part in value.split(","):
            match = re.fullmatch(r"\s*(\d{1,18})(?:-(\d{1,18}))?\s*", part, re.ASCII)
            if match is None:
                break
            first, last = int(match[1]), int(match[2] or match[1])
            if not 0 <= last - first < _MAX_SEEDS - len(found):
                break
            found += range(first, last + 1)
        else:
            if len(set(found)) == len(found):
                return tuple(found)
    raise click.BadParameter(
        f"{value[:40]!r} is neither a number from 1 to {_MAX_SEEDS:,} nor different seeds "
        "such as 3-7 or 1,4,9.",
        ctx,
        param,
    )


def seeds_from(seeds: tuple[int, ...] | int, first: int) -> Sequence[int]:
    """Those that `--seeds` names, or so many from `--seed` on."""
    return range(first, first + seeds) if isinstance(seeds, int) else seeds


def print_seeds(
    path: Path,
    failures: Sequence[Diagnostic | None],
    means: "Mapping[str, Mean]",
    labels: Mapping[str, str],
    members: Mapping[str, Any] | None,
) -> int:
    """Print how the runs of several seeds ended, and give the exit code.

    Args:
        path: the folder of all.
        failures: why each run failed, or None.
        means: by the names that `labels` shows.
        labels: what the means are called.
        members: what `--json` prints beside the folder and the means; None without it.
    """
    output.report([failure for failure in failures if failure is not None])
    if members is not None:
        shown = {name: found._asdict() for name, found in means.items()}
        output.data_object(run=os.fspath(path), **members, mean=shown)
    else:
        for name, found in means.items():
            output.data(f"{labels[name]:<9} {found}\n")
        output.data(f"report    {visible(os.fspath(path / 'report.md'))}\n")
    return FINDINGS if any(failures) else OK
