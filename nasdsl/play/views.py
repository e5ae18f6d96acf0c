"""What the tabs of the playground show.

Purpose: `VIEWS`, a function of a document and of what is chosen on the tab for each.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import groupby
from random import Random
from typing import Any

from nasdsl import library
from nasdsl.api.request import Requested, chosen_settings, requested
from nasdsl.canonical import (
    agreement,
    canonical_form,
    canonical_hash,
    difference_sentences,
    equivalent,
)
from nasdsl.drawing import (
    Drawing,
    Options,
    cells_drawing,
    difference_drawing,
    genotype_drawing,
    network_drawing,
)
from nasdsl.errors import CellError, cell_error, plural
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import genotype_in, genotype_of, loads_space, space_in
from nasdsl.network import SKELETONS
from nasdsl.network.cost import Count, ModuleCost, graph_cost, total
from nasdsl.report.digits import every_digit
from nasdsl.service import Document
from nasdsl.service.figures import rounded
from nasdsl.space import count, mutate, sample

Answer = dict[str, Any]
View = Callable[[Document, Mapping[str, Any]], Answer]

#: Genotypes that are drawn of a space at once.
_SAMPLES = 6
#: Digits of a number that is shown in full.
_DIGITS = 60
#: A block as `genotype_text` writes it.
_FIELDS = re.compile(r"^(    \w+ += )\(.*\)$", re.MULTILINE)
_SETTINGS = ("skeleton", "stem", "N", "filters", "image_size", "classes")
_ROLES = {
    "input": "input projections",
    "combine": "combining",
    "output": "output projections",
    "stem": "stem",
    "head": "head",
}


def cells_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """The cells in one drawing, or with the option `apart` in one for each, for narrow pages."""
    space = space_in(document.analysis)
    if options.get("apart") and len(space.cells) > 1:
        shown = {str(cell.kind): replace(space, cells=(cell,)) for cell in space.cells}
    else:
        shown = {"": space}
    drawn = {kind: _cells(part, options) for kind, part in shown.items()}
    return {
        "cells": [{"kind": kind, "svg": each["svg"]} for kind, each in drawn.items()],
        "remarks": [remark for each in drawn.values() for remark in each["remarks"]],
    }


def drawing_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """The cells in one drawing, as a file has it."""
    return _cells(space_in(document.analysis), options)


def network_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """The stack of the whole network as a drawing."""
    asked = _network(document, options)
    drawing = network_drawing(asked.graph(), _look(options))
    title = f"The network {asked.genotype.name} {asked.configuration.size}"
    return {**_drawn(drawing, title), **_chosen(asked)}


def cost_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """Parameters and mult-adds: in all, by module and by what it is made of."""
    asked = _network(document, options)
    cost = graph_cost(asked.graph())
    modules = [module for module in cost.modules if not module.for_auxiliary]
    runs = groupby(modules, key=lambda module: (module.role, module.kind, module.count))
    return {
        **_chosen(asked),
        "params": cost.params,
        "params_total": cost.params_total,
        "mult_adds": cost.mult_adds,
        "activations": cost.activations,
        "activation_bytes": cost.activation_bytes,
        "auxiliary_params": cost.auxiliary_params,
        "modules": [_run(list(run)) for _, run in runs],
        "parts": [
            *(_row(op.op, op.uses, op.count) for op in cost.ops),
            *_other_parts(modules),
        ],
    }


def source_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """The network as one PyTorch file, which `nasdsl compile -o NAME.py` would write."""
    # Imported here because they look for plugins, which the other tabs do without.
    from nasdsl import backend
    from nasdsl.export.exported import network_text

    asked = _network(document, options)
    graph = asked.graph()
    text = backend.build(backend.find("source"), graph, text=network_text(graph))
    return {**_chosen(asked), "text": text, "file": f"{asked.genotype.name}.py"}


def form_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """The canonical form, and the hashes of what is built and of what it computes."""
    genotype = genotype_in(document.analysis)
    form = canonical_form(genotype)
    return {
        "text": genotype_text(form),
        "hash": canonical_hash(genotype),
        "function": canonical_hash(genotype, form="function"),
        "same": [name for name in _genotypes() if equivalent(genotype, _of_library(name))],
    }


def space_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """How many genotypes a space has, and some of them; of a genotype, the space of its shape."""
    space = space_in(document.analysis)
    if space.is_genotype:
        opened, text = _opened(genotype_of(space))
        return {"is_genotype": True, "opened": text, **_counted(opened)}
    drawn = sample(space, _SAMPLES, int(options.get("seed") or 0))
    return {
        "is_genotype": False,
        "samples": [_sampled(genotype, options) for genotype in drawn],
        **_counted(space),
    }


def mutated_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """The genotype with one decision taken otherwise."""
    genotype = genotype_in(document.analysis)
    space, _ = _opened(genotype)
    changed = mutate(space, genotype, Random(int(options.get("seed") or 0)))
    return {"text": genotype_text(changed), "sentences": difference_sentences(genotype, changed)}


def difference_view(document: Document, options: Mapping[str, Any]) -> Answer:
    """What the genotype does where one of the library does something else."""
    genotype = genotype_in(document.analysis)
    other = _of_library(str(options.get("other") or "nasnet_a"))
    rules = agreement(other, genotype)
    same = equivalent(other, genotype)
    sentences = difference_sentences(other, genotype)
    if same:
        verdict = "Both are the same up to names and order."
    elif rules is not None:
        why = "; ".join(rule.value for rule in rules)
        verdict = "The structures differ, and the function is the same" + (
            f": {why}." if why else "."
        )
    else:
        verdict = f"{plural(len(sentences), 'difference', 'd')} from {other.name}."
    return {"verdict": verdict, "sentences": sentences, **_difference(other, genotype, options)}


VIEWS: Mapping[str, View] = {
    "cells": cells_view,
    "drawing": drawing_view,
    "network": network_view,
    "cost": cost_view,
    "source": source_view,
    "form": form_view,
    "space": space_view,
    "mutated": mutated_view,
    "diff": difference_view,
}


# -- drawings -----------------------------------------------------------------------------


def _look(options: Mapping[str, Any], *, legend: bool = False) -> Options:
    return Options("dark" if options.get("theme") == "dark" else "light", legend=legend)


def _cells(space: Space, options: Mapping[str, Any]) -> Answer:
    drawing = cells_drawing(space, _look(options, legend=True))
    return _drawn(drawing, f"The cells of {space.name}")


def _drawn(drawing: Drawing, title: str) -> Answer:
    return {"svg": drawing.vector(title), "remarks": list(drawing.remarks)}


def _difference(a: Genotype, b: Genotype, options: Mapping[str, Any]) -> Answer:
    try:
        drawing = difference_drawing(a, b, _look(options))
    except CellError as error:  # too large to be drawn; the sentences say it all the same
        return {"remarks": [each.message for each in error.diagnostics]}
    return _drawn(drawing, f"What differs between {a.name} and {b.name}")


# -- networks -----------------------------------------------------------------------------


def _network(document: Document, options: Mapping[str, Any]) -> Requested:
    """The network of the text, the choices of the tab put over its own settings."""
    genotype = genotype_in(document.analysis)
    given = options.get("settings") or {}
    settings = chosen_settings({name: given[name] for name in _SETTINGS if name in given})
    return requested(genotype, settings=settings)


def _chosen(asked: Requested) -> Answer:
    """Every choice about the network, and what else could be chosen."""
    made = asked.configuration
    skeleton = SKELETONS.find(made.name)
    return {
        "size": made.size,
        "settings": {
            "skeleton": made.name,
            "stem": made.stem,
            "N": made.N,
            "filters": made.filters,
            "image_size": made.image_size,
            "classes": made.classes,
        },
        "skeletons": SKELETONS.names(),
        "stems": list(skeleton.stems),
        "warnings": [each.message for each in asked.warnings if each.span is None],
    }


def _row(name: str, uses: int, counted: Count) -> Answer:
    return {
        "name": name,
        "uses": uses,
        "params": counted.params,
        "mult_adds": counted.mult_adds,
    }


def _run(same: list[ModuleCost]) -> Answer:
    """Modules in a row that cost the same: `cells.2-3 normal`."""
    first, last = same[0].name, same[-1].name
    name = first if len(same) == 1 else f"{first}-{last.rpartition('.')[2]}"
    name = f"{name} {same[0].kind}" if same[0].kind else name
    return _row(name, len(same), total(module.count for module in same))


def _other_parts(modules: list[ModuleCost]) -> list[Answer]:
    """What of a network is no op."""
    found = []
    for role, name in _ROLES.items():
        counts = [part.count for module in modules for part in module.parts if part.role == role]
        if any(each.params or each.mult_adds for each in counts):
            found.append(_row(name, len(counts), total(counts)))
    return found


# -- the library ---------------------------------------------------------------------------


def _of_library(name: str) -> Genotype:
    """The genotype of the library.

    Raises:
        CellError: NAS213, there is none of that name.
    """
    space = library.LibraryCatalogue().space(name)
    if space is None or not space.is_genotype:
        raise cell_error("NAS213", f"the library has no genotype `{name[:60]}`")
    return genotype_of(space)


def _genotypes() -> list[str]:
    """The genotypes of the library that are no networks of others."""
    catalogue = library.LibraryCatalogue()
    found = ((name, catalogue.space(name)) for name in library.names())
    return [
        name
        for name, space in found
        if space is not None and space.is_genotype and library.base(name) is None
    ]


def _opened(genotype: Genotype) -> tuple[Space, str]:
    """The space of a genotype's shape, every field of every block open, and its text."""
    text = _FIELDS.sub(r"\1(?, ?, ?, ?, ?)", genotype_text(genotype))
    return loads_space(text), text


def _counted(space: Space) -> Answer:
    number = count(space)
    with every_digit():
        digits = f"{number:,}" if number < 10**_DIGITS else ""
    decisions = (
        field
        for cell in space.cells
        for block in cell.blocks
        for field in (*block.inputs, *block.ops, block.combines)
    )
    return {
        "name": space.name,
        "count": rounded(number),
        "digits": digits,
        "decisions": sum(len(field) > 1 for field in decisions),
    }


def _sampled(genotype: Genotype, options: Mapping[str, Any]) -> Answer:
    drawing = genotype_drawing(genotype, _look(options))
    return {
        "text": genotype_text(genotype),
        "hash": canonical_hash(genotype),
        **_drawn(drawing, f"The cells of {genotype.name}"),
    }
