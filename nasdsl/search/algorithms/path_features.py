"""What a surrogate sees of a genotype: the paths through its cells, as numbers.

BANANAS (White et al. 2021) encodes a cell by the paths from its input to its output, NAS-BOWL (Ru
et al. 2021) by the neighbourhoods of Weisfeiler and Lehman. Here both are counted in the function
form (`nasdsl.canonical.function`), so genotypes that compute the same have the same features.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from math import sqrt
from zlib import crc32

import numpy
from numpy.typing import NDArray

from nasdsl.canonical.function import FunctionForm, TermDefinition, Terms, TermSum
from nasdsl.language.genotype.types import CellKind, Genotype

Features = NDArray[numpy.float64]

#: The features of a cell are hashed to this many columns (Weinberger et al. 2009).
COLUMNS = 512
#: Paths are cut after this many ops, counted from the output. Longer ones hardly repeat.
_LONGEST = 4
#: The weight of neighbourhoods beside paths.
_NEIGHBOURS = 0.5


#: What distinguishes the features of a cell: they follow from its kind and what it computes.
CellFunction = tuple[CellKind, tuple[TermSum, ...]]


def path_features(
    genotype: Genotype, form: FunctionForm, known: dict[CellFunction, Features] | None = None
) -> Features:
    """The features of a genotype, (COLUMNS,): those of each cell have a length of their own.

    So the distance of two genotypes is that of their cells, however many blocks these have.

    Args:
        genotype: of the form's vocabulary.
        form: says what its cells compute.
        known: the features of cells that were worked out before; those of new cells are added.
    """
    features = numpy.zeros(COLUMNS)
    known = {} if known is None else known
    for terms in form.terms(genotype):
        function = terms.kind, terms.outputs
        if function not in known:
            known[function] = _cell_features(terms)
        features += known[function]
    return features


def _cell_features(terms: Terms) -> Features:
    features = numpy.zeros(COLUMNS)
    for counts, weight in ((_paths(terms), 1.0), (_neighbourhoods(terms), _NEIGHBOURS)):
        length = sqrt(sum(count * count for count in counts.values()))
        for name, count in counts.items():
            hashed = crc32(f"{terms.kind} {name}".encode())
            # The last bit is a sign: features in one column cancel as often as they add.
            sign = 1 - 2 * (hashed & 1)
            features[(hashed >> 1) % COLUMNS] += sign * weight * count / length
    return features


def _paths(terms: Terms) -> Counter[str]:
    """How often each path leads from an output to an input or to its cut."""

    @cache
    def below(key: str, left: int) -> Counter[str]:
        step = terms.steps.get(key)
        if step is None or left == 0:
            return Counter([key if step is None else "..."])
        found: Counter[str] = Counter()
        for value in step.reads:
            for read in value:
                for path, count in below(read, left - 1).items():
                    found[f"{step.label} < {path}"] += count
        return found

    return sum((below(key, _LONGEST) for value in terms.outputs for key in value), Counter())


def _neighbourhoods(terms: Terms) -> Counter[str]:
    """How often each op reads a sum of these ops; the output counts as an op."""

    def label(key: str) -> str:
        step = terms.steps.get(key)
        return key if step is None else step.label

    def neighbourhood(name: str, values: tuple[TermSum, ...]) -> str:
        return f"{name} ({'; '.join(' + '.join(sorted(map(label, value))) for value in values)})"

    return Counter(
        [
            *(neighbourhood(step.label, step.reads) for step in _live_steps(terms)),
            neighbourhood("output", terms.outputs),
        ]
    )


def _live_steps(terms: Terms) -> Iterator[TermDefinition]:
    """The steps that reach an output, each once."""
    waiting = [key for value in terms.outputs for key in value]
    seen: set[str] = set()
    while waiting:
        key = waiting.pop()
        step = terms.steps.get(key)
        if step is None or key in seen:
            continue
        seen.add(key)
        yield step
        waiting += [read for value in step.reads for read in value]
