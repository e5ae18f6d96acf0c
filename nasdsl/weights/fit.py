"""Fit: whether weights and a network go together, and everything that does not.

Purpose: compare names and shapes; one diagnostic for all that is wrong.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from nasdsl.errors import CellError, cell_error
from nasdsl.network.graph import NetworkGraph
from nasdsl.primitives import Sizes
from nasdsl.weights.layout import Layout, Parameter, Table


class Fit(NamedTuple):
    """Weights against a network in one layout.

    Attributes:
        found: from our names to the names in the source.
        spare: names that are there without a place in the network, and may be.
        missing: foreign names that are not there.
        unexpected: names that are there and belong nowhere.
        unequal: where shapes differ: the name, its shape, the shape it must have.
        unusable: names whose values are no tensors of numbers.
        twice: names that mean what another name means.
        background: whether all that is wrong is that the source has one class more.
        classifier: whether all that is wrong is the shape of the classifiers.
    """

    found: dict[str, str]
    spare: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    unequal: tuple[tuple[str, Sizes, Sizes], ...]
    unusable: tuple[str, ...]
    twice: tuple[str, ...]
    background: bool
    classifier: bool

    @property
    def is_whole(self) -> bool:
        """Whether every tensor has its place and nothing is left over."""
        wrong = self.missing, self.unexpected, self.unequal, self.unusable, self.twice
        return not any(wrong)


def fit(
    graph: NetworkGraph,
    layout: Layout,
    table: Table,
    ours: Mapping[str, Parameter],
    shapes: Mapping[str, Sizes | None],
    drop_background: bool,
) -> Fit:
    """Compare names and shapes.

    Args:
        graph: the network.
        layout: the layout.
        table: what the layout says about the network.
        ours: the network's tensors; those outside the table keep what they have.
        shapes: the source's names and shapes; None for what is not a tensor of numbers.
        drop_background: whether the source has one class more, at the front.

    What the table has and the network has not, such as a classifier that was taken off, is
    neither missing nor unexpected.
    """
    by_key: dict[str, str] = {}
    twice = []
    for name in shapes:
        if by_key.setdefault(layout.key(name), name) != name:
            twice.append(name)
    known = {source.name for name, source in table.items() if name in ours}
    taken_off = {source.name for name, source in table.items() if name not in ours}
    pattern = re.compile("|".join(layout.spare(graph)) or "(?!)")
    others = {name: key for key, name in by_key.items() if key not in known}
    spare = {name for name, key in others.items() if key in taken_off or pattern.fullmatch(key)}
    found: dict[str, str] = {}
    missing: list[str] = []
    unequal: list[tuple[str, Sizes, Sizes]] = []
    unusable: list[str] = []
    background, classifier = [], []
    for name, parameter in ours.items():
        if name not in table:
            continue
        source = table[name]
        theirs = by_key.get(source.name)
        if theirs is None:
            missing += [] if source.optional else [source.name]
            continue
        found[name] = theirs
        wanted = source.shape(shape_in_source(parameter, drop_background))
        shape = shapes[theirs]
        if shape is None:
            unusable.append(theirs)
        elif shape != wanted:
            unequal.append((theirs, shape, wanted))
            background.append(shape == source.shape(shape_in_source(parameter, True)))
            classifier.append(parameter.primitive == "linear")
    return Fit(
        found,
        tuple(name for name in others if name in spare),
        tuple(missing),
        tuple(name for name in others if name not in spare),
        tuple(unequal),
        tuple(unusable),
        tuple(twice),
        bool(background) and all(background),
        bool(classifier) and all(classifier) and not (missing or unusable or twice),
    )


def shape_in_source(parameter: Parameter, drop_background: bool) -> Sizes:
    """A parameter's shape in the source, in our order of axes."""
    if drop_background and parameter.primitive == "linear":
        classes, *features = parameter.shape
        return (classes + 1, *features)
    return parameter.shape


def covered_share(layout: Layout, table: Table, names: Mapping[str, Any]) -> float:
    """How much of a table the names cover, from 0 to 1."""
    keys = {layout.key(name) for name in names}
    wanted = [source.name for source in table.values() if not source.optional]
    return sum(name in keys for name in wanted) / max(len(wanted), 1)


def misfit_error(graph: NetworkGraph, layout: str, fit: Fit) -> CellError:
    """The refusal of weights that do not fit, with every name."""
    parts = {
        "missing": [f"`{name}`" for name in fit.missing],
        "unexpected": [f"`{name}`" for name in fit.unexpected],
        "of another shape": [
            f"`{name}` is {_sizes(shape)}, not {_sizes(wanted)}"
            for name, shape, wanted in fit.unequal
        ],
        "not a tensor of numbers": [f"`{name}`" for name in fit.unusable],
        "given twice": [f"`{name}`" for name in fit.twice],
    }
    told = {what: names for what, names in parts.items() if names}
    counts = ", ".join(f"{len(names)} {what}" for what, names in told.items())
    hints = [f"{what}: {'; '.join(names)}" for what, names in told.items()]
    if fit.background:
        hints.insert(0, "`drop_background=True` leaves out the first of its classes")
    elif fit.classifier:
        hints.insert(0, "only the classifier does not fit: the weights are for other classes")
        hints.insert(
            1,
            "`nasdsl train --weights FILE --reset-classifier` draws another one; in "
            "Python, call `net.reset_classifier(0)` before loading, and with the number "
            "of classes after it",
        )
    elif len(fit.missing) > len(fit.found):
        hints.insert(0, "they belong to another network, or are in another layout")
    elif fit.missing and all("aux" in name.lower() for name in fit.missing):
        hints.insert(0, "they have no auxiliary classifier: compile with `auxiliary=False`")
    elif fit.unequal and not fit.missing:
        hints.insert(0, "they were made with other settings: filters, N, classes or stem_filters")
    message = f"the weights do not fit `{graph.name}` in layout `{layout}`: {counts}"
    return cell_error("NAS801", message, *hints)


def _sizes(shape: Sizes) -> str:
    return "x".join(map(str, shape)) or "one number"
