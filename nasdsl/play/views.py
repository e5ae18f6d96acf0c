"""What the tabs of the playground show.

Purpose: `VIEWS`, a function of a document and of what is chosen on the tab for each.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from nasdsl import library
from nasdsl.api.request import chosen_settings, source_network
from nasdsl.canonical import (
    agreement,
    canonical_form,
    canonical_hash,
    difference_sentences,
    equivalent,
)
from nasdsl.drawing import (
    Drawing,
    DrawingOptions,
    cells_drawing,
    difference_drawing,
    genotype_drawing,
    network_drawing,
)
from nasdsl.errors import CellError, cell_error, plural
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import genotype_in, genotype_of, loads, loads_space, space_in
from nasdsl.network import SKELETONS
from nasdsl.network.cost import graph_cost
from nasdsl.network.cost_rows import CostRow, module_rows, part_rows
from nasdsl.network.source import SourceNetwork
from nasdsl.report.digits import every_digit
from nasdsl.service import Document
from nasdsl.service.figures import rounded
from nasdsl.space import count, mutate, sample

ViewAnswer = dict[str, Any]
PageView = Callable[[Document, Mapping[str, Any]], ViewAnswer]

#: Genotypes that are drawn of a space at once.
_SAMPLES = 6
#: Digits of a number that is shown in full.
_DIGITS = 60
#: A block as `genotype_text` writes it.
_FIELDS = re.compile(r"^(    \w+ += )\(.*\)$", re.MULTILINE)
_SETTINGS = ("skeleton", "stem", "N", "filters", "image_size", "classes")


def cells_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """The cells in one drawing, or with the option `apart` in one for each, for narrow pages."""
    space = space_in(document.analysis)
    if options.get("apart") and len(space.cells) > 1:
        shown = {str(cell.kind): replace(space, cells=(cell,)) for cell in space.cells}
    else:
        shown = {"": space}
    drawn = {kind: _cells_picture(part, options) for kind, part in shown.items()}
    return {
        "cells": [{"kind": kind, "svg": each["svg"]} for kind, each in drawn.items()],
        "remarks": [remark for each in drawn.values() for remark in each["remarks"]],
    }


def drawing_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """The cells in one drawing, as a file has it."""
    return _cells_picture(space_in(document.analysis), options)


def network_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """The stack of the whole network as a drawing."""
    asked = _network(document, options)
    drawing = network_drawing(asked.graph(), _drawing_options(options))
    title = f"The network {asked.genotype.name} {asked.configuration.size}"
    return {**_picture(drawing, title), **_choices(asked)}


def cost_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """Parameters and mult-adds: in all, by module and by what it is made of."""
    asked = _network(document, options)
    cost = graph_cost(asked.graph())
    return {
        **_choices(asked),
        "params": cost.params,
        "params_total": cost.params_total,
        "mult_adds": cost.mult_adds,
        "activations": cost.activations,
        "activation_bytes": cost.activation_bytes,
        "auxiliary_params": cost.auxiliary_params,
        "modules": list(map(_row, module_rows(cost))),
        "parts": list(map(_row, part_rows(cost))),
    }


def source_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """The network as one PyTorch file, which `nasdsl compile -o NAME.py` would write."""
    # Imported here because they look for plugins, which the other tabs do without.
    from nasdsl import backend
    from nasdsl.network.self_contained import network_text

    asked = _network(document, options)
    graph = asked.graph()
    text = backend.build(backend.find("source"), graph, text=network_text(graph))
    return {**_choices(asked), "text": text, "file": f"{asked.genotype.name}.py"}


def form_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """The canonical form, and the hashes of what is built and of what it computes."""
    genotype = genotype_in(document.analysis)
    form = canonical_form(genotype)
    return {
        "text": genotype_text(form),
        "hash": canonical_hash(genotype),
        "function": canonical_hash(genotype, form="function"),
        "same": [name for name in _genotypes() if equivalent(genotype, _of_library(name))],
    }


def space_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """How many genotypes a space has, and some of them; of a genotype, the space of its shape."""
    space = space_in(document.analysis)
    if space.is_genotype:
        opened, text = _open_space(genotype_of(space))
        return {"is_genotype": True, "opened": text, **_size(opened)}
    drawn = sample(space, _SAMPLES, int(options.get("seed") or 0))
    return {
        "is_genotype": False,
        "samples": [_sample(genotype, options) for genotype in drawn],
        **_size(space),
    }


def mutated_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
    """A genotype with one decision taken otherwise.

    It is that of the text; of a space, the member `of`, which stays a member, or one that is drawn.

    Raises:
        CellError: `of` is no genotype of the space (NAS602).
    """
    space, seed = space_in(document.analysis), int(options.get("seed") or 0)
    if space.is_genotype:
        genotype = genotype_of(space)
        space, _ = _open_space(genotype)
    elif options.get("of"):
        genotype = loads(str(options["of"]))
    else:
        (genotype,) = sample(space, 1, seed)
    changed = mutate(space, genotype, Random(seed))
    sentences = difference_sentences(genotype, changed)
    return {**_sample(changed, options), "sentences": sentences}


def difference_view(document: Document, options: Mapping[str, Any]) -> ViewAnswer:
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
    return {
        "verdict": verdict,
        "sentences": sentences,
        **_difference_picture(other, genotype, options),
    }


VIEWS: Mapping[str, PageView] = {
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


def _drawing_options(options: Mapping[str, Any], *, legend: bool = False) -> DrawingOptions:
    return DrawingOptions("dark" if options.get("theme") == "dark" else "light", legend=legend)


def _cells_picture(space: Space, options: Mapping[str, Any]) -> ViewAnswer:
    drawing = cells_drawing(space, _drawing_options(options, legend=True))
    return _picture(drawing, f"The cells of {space.name}")


def _picture(drawing: Drawing, title: str) -> ViewAnswer:
    return {"svg": drawing.vector(title), "remarks": list(drawing.remarks)}


def _difference_picture(a: Genotype, b: Genotype, options: Mapping[str, Any]) -> ViewAnswer:
    try:
        drawing = difference_drawing(a, b, _drawing_options(options))
    except CellError as error:  # too large to be drawn; the sentences say it all the same
        return {"remarks": [each.message for each in error.diagnostics]}
    return _picture(drawing, f"What differs between {a.name} and {b.name}")


# -- networks -----------------------------------------------------------------------------


def _network(document: Document, options: Mapping[str, Any]) -> SourceNetwork:
    """The network of the text, the choices of the tab put over its own settings."""
    genotype = genotype_in(document.analysis)
    given = options.get("settings") or {}
    settings = chosen_settings({name: given[name] for name in _SETTINGS if name in given})
    return source_network(genotype, settings=settings)


def _choices(asked: SourceNetwork) -> ViewAnswer:
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


def _row(row: CostRow) -> ViewAnswer:
    return {
        "name": row.name,
        "uses": row.uses,
        "params": row.cost.params,
        "mult_adds": row.cost.mult_adds,
    }


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


def _open_space(genotype: Genotype) -> tuple[Space, str]:
    """The space of a genotype's shape, every field of every block open, and its text."""
    text = _FIELDS.sub(r"\1(?, ?, ?, ?, ?)", genotype_text(genotype))
    return loads_space(text), text


def _size(space: Space) -> ViewAnswer:
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


def _sample(genotype: Genotype, options: Mapping[str, Any]) -> ViewAnswer:
    drawing = genotype_drawing(genotype, _drawing_options(options))
    return {
        "text": genotype_text(genotype),
        "hash": canonical_hash(genotype),
        **_picture(drawing, f"The cells of {genotype.name}"),
    }
