"""What an editor shows between the words: shapes, unused states, costs.

Purpose: `inlay_hints` and `lenses`.
"""

from typing import Literal, NamedTuple

from nasdsl.errors import Span
from nasdsl.language import tree
from nasdsl.service.document import Document
from nasdsl.service.figures import rounded, shape, short


class InlayHint(NamedTuple):
    """Text that is shown at `offset` and is not part of the document."""

    offset: int
    label: str
    about: str


class Lens(NamedTuple):
    """A line above `span` that does something when it is chosen."""

    span: Span
    title: str
    command: Literal["render", "cost", "count"]


def inlay_hints(document: Document) -> tuple[InlayHint, ...]:
    """The shape after each block, and the states that `output unused` concatenates."""
    shown: dict[str, tree.Cell] = {}
    for item in document.parsed.file.items:
        if isinstance(item, tree.Cell):
            shown.setdefault(item.kind.text, item)
    hints: list[InlayHint] = []
    for cell in document.cells:
        shapes: dict[Span, list[int]] = {}
        for index, place in enumerate(document.analysis.resolution.places[cell.kind].blocks):
            shapes.setdefault(place.name, []).append(index)
        for statement in shown[cell.kind].statements:
            if isinstance(statement, tree.Output):
                label = (
                    _unused_names(document, cell.kind) if statement.kind.text == "unused" else ""
                )
                about = "the blocks that no block reads"
            else:
                head = statement.name if isinstance(statement, tree.Block) else statement.count
                widths = document.widths[cell.kind]
                label = shape(cell, {width for i in shapes[head.span] for width in widths[i]})
                about = "channels x height x width; F are the cell's filters"
            if label:
                hints.append(InlayHint(statement.span.end, label, about))
    return tuple(hints)


def _unused_names(document: Document, kind: str) -> str:
    """The names that `unused` stands for; empty where open fields decide it."""
    cell = next(cell for cell in document.cells if cell.kind == kind)
    if any(len(states) > 1 for block in cell.blocks for states in block.inputs):
        return ""
    read = {str(states[0]) for block in cell.blocks for states in block.inputs}
    return ", ".join(block.name for block in cell.blocks if block.name not in read)


def lenses(document: Document) -> tuple[Lens, ...]:
    """`render`, and the cost of a genotype or the size of a space, above its first line."""
    from nasdsl.space import count

    space = document.space
    if space is None:
        return ()
    first = document.parsed.file.items[0]
    found = [Lens(first.span, "render", "render")]
    if document.cost is not None:
        numbers = f"{short(document.cost.params)} parameters, {short(document.cost.mult_adds)}"
        found.append(Lens(first.span, f"cost: {numbers} mult-adds", "cost"))
    if not space.is_genotype:
        found.append(Lens(first.span, f"count: {rounded(count(space))}", "count"))
    return tuple(found)
