"""Shapes and numbers in the words of the language: `2F x H x W`, `88.8M`, `5.2e36`."""

from collections.abc import Iterable
from functools import lru_cache

from nasdsl.language.genotype.types import CellSpace
from nasdsl.language.validator import Width, in_filters
from nasdsl.network.cost import NOTHING, Cost, NodeCounts, total


def shape(cell: CellSpace, widths: Iterable[Width]) -> str:
    """The shape of a state that a block of a cell makes, channels first.

    F are the cell's filters, and H and W the height and width of its inputs. A state of a
    space may have several widths: `(F or 2F) x H x W`.
    """
    size = "H/2 x W/2" if cell.kind == "reduction" else "H x W"
    channels = " or ".join(map(in_filters, sorted(widths)))
    return f"({channels}) x {size}" if " " in channels else f"{channels} x {size}"


def block_cost(cost: Cost, cell: CellSpace, names: Iterable[str]) -> tuple[NodeCounts, int]:
    """What blocks of a cell cost in a network, and how many of its cells have them."""
    wanted = frozenset(names)
    modules = [
        module for module in cost.modules if module.kind == cell.kind and not module.for_auxiliary
    ]
    counts = [part.count for module in modules for part in module.parts if part.block in wanted]
    return (total(counts) if counts else NOTHING), len(modules)


def short(number: int) -> str:
    """A count of parameters or mult-adds with three digits: `88.8M`, `23.8B`."""
    for limit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        said = f"{number / limit:.3g}"
        # By what is said: 999,600 are 1M, and not 1e+03k.
        if float(said) >= 1:
            return f"{said}{letter}" if float(said) < 1000 else f"{number:.3g}"
    return str(number)


def rounded(number: int) -> str:
    """A number of genotypes: as it is, or `5.2e36`."""
    if number < 10**6:
        return f"{number:,}"
    # Floats end at 10 ** 308, and Python bounds the digits that it prints; spaces do not.
    power = _digits(number) - 1
    leading = number // 10 ** (power - 1)
    return f"{leading // 10}.{leading % 10}e{power}"


@lru_cache(maxsize=64)
def _digits(number: int) -> int:
    """How many decimal digits a positive number has."""
    guess: int = max(int((number.bit_length() - 1) * 0.30102999566398), 0)
    return guess + 1 + int(number >= 10 ** (guess + 1)) - int(number < 10**guess)
