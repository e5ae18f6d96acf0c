"""Published networks: what papers and released code say about them.

Purpose: one table, which `nasdsl list`, `nasdsl plot sizes` and the library's page read, and
where each figure and each cell of the library comes from.
Counts are not here: `nasdsl.network.cost` counts, and `docs/library.md` compares.
"""

import json
from functools import cache
from typing import Any, Literal, NamedTuple

from nasdsl import resources

Data = Literal["CIFAR-10", "ImageNet"]


class Published(NamedTuple):
    """A published network.

    Attributes:
        name: as people call it.
        family: `NASNet-A`, `AmoebaNet`, ...
        data: what it classifies.
        accuracy: top-1, in percent.
        params: millions; None where the source gives no figure.
        mult_adds: millions; None likewise.
        source: a key of `sources`.
        error: as it is printed: `2.76 +- 0.09`, of ImageNet top-1 and top-5; "" where the
            source prints accuracies.
        network: the library's file of it; "" where there is none.
        label: stands beside its point in a plot, where there is room for one.
        note: what else belongs to the figures.
        why: what is known where the size that is counted is another.
    """

    name: str
    family: str
    data: Data
    accuracy: float
    params: float | None
    mult_adds: float | None
    source: str
    error: str = ""
    network: str = ""
    label: str = ""
    note: str = ""
    why: str = ""


class Origin(NamedTuple):
    """Where a cell of the library comes from: its family, and a key of `sources`."""

    family: str
    source: str


@cache
def models() -> tuple[Published, ...]:
    """Every network of the table."""
    return tuple(Published(**model) for model in _table()["models"])


@cache
def sources() -> dict[str, str]:
    """Short names of sources to references."""
    return dict(_table()["sources"])


@cache
def origins() -> dict[str, Origin]:
    """Names of the library's cells to where they come from."""
    return {name: Origin(**origin) for name, origin in _table()["cells"].items()}


def published_as(network: str) -> Published | None:
    """What is published about the library's network of that name, or None."""
    return next((model for model in models() if model.network == network), None)


def _table() -> dict[str, Any]:
    text = resources.genotypes().joinpath("published.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
