"""Checks on a resolved space that names alone cannot decide.

Purpose: `validated` gives the findings about shapes and about blocks without effect.
Non-goals: concrete sizes; `nasdsl.network` checks those when a network is built.
"""

from collections.abc import Iterator

from nasdsl.errors import Diagnostic
from nasdsl.language.genotype.resolve import Resolution
from nasdsl.language.validator.liveness import dead_blocks
from nasdsl.language.validator.shapes import shape_findings


def validated(resolution: Resolution) -> Iterator[Diagnostic]:
    """The findings about the cells a text defines; nothing where it has errors already."""
    space = resolution.space
    if space is None:
        return
    for cell in space.cells:
        places = resolution.places.get(cell.kind)
        if places is not None:
            yield from shape_findings(space, cell, places, resolution.parsed.source)
            yield from dead_blocks(cell, places, resolution.parsed.source)


__all__ = ["validated"]
