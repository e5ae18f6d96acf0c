"""The tree of an edited text, from the tree it had before.

Purpose: `reparsed`. An edit inside a cell leaves the statements around it as they are, so only
those that it touches are parsed, and what follows is moved. Every other edit is parsed from
scratch, so the result is always that of `parse`.
"""

from bisect import bisect_left, bisect_right
from typing import Any, TypeVar

from nasdsl.errors import Source, Span
from nasdsl.language import tree
from nasdsl.language.parser.machine import sound_items
from nasdsl.language.parser.parse import CONTROL, Parsed, comments_of, parse

T = TypeVar("T")

# What the statements of an edit are parsed in.
_BEFORE, _AFTER = "cell normal {", "}"


def reparsed(before: Parsed, source: Source) -> Parsed:
    """The syntax of `source`, as `parse` gives it.

    Args:
        before: the syntax of a text of which `source` is an edit.
        source: the text.
    """
    items = None if before.diagnostics else _items(before, source.text)
    if items is None:
        return parse(source)
    return Parsed(source, tree.File(items, comments_of(source.text)), ())


def _items(before: Parsed, new: str) -> tuple[tree.Item, ...] | None:
    """The items of an edited text; None where they have to be parsed from scratch."""
    old, items = before.source.text, before.file.items
    if old == new:
        return items
    changed = _changed(old, new)
    number = bisect_right(items, changed.start, key=lambda item: item.span.start) - 1
    cell = items[number] if number >= 0 else None
    if not isinstance(cell, tree.Cell) or not cell.statements:
        return None
    by = len(new) - len(old)
    statements = _statements(cell, changed, old, new)
    if statements is None:
        return None
    edited = tree.Cell(cell.kind, statements, Span(cell.span.start, cell.span.end + by))
    return (*items[:number], edited, *(_moved(item, by) for item in items[number + 1 :]))


def _changed(old: str, new: str) -> Span:
    """The part of the old text that the edit has replaced."""
    start = _common(old, new, min(len(old), len(new)), 1)
    back = _common(old, new, min(len(old), len(new)) - start, -1)
    return Span(start, len(old) - back)


def _common(one: str, other: str, most: int, way: int) -> int:
    """How many characters two texts have in common, at most `most`, from one end on."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if way > 0:
            same = one.startswith(other[low:middle], low)
        else:
            same = one.endswith(other[len(other) - middle : len(other) - low], 0, len(one) - low)
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _statements(
    cell: tree.Cell, changed: Span, old: str, new: str
) -> tuple[tree.Statement, ...] | None:
    """The statements of an edited cell; None where the edit may concern more than it touches."""
    all_, by = cell.statements, len(new) - len(old)
    # A statement at whose edge something has changed may have become another one.
    first = bisect_left(all_, changed.start, key=lambda each: each.span.end)
    after = bisect_right(all_, changed.end, key=lambda each: each.span.start)
    # The brace that opens the cell has no place in the tree; a comment before it is rare.
    start = all_[first - 1].span.end if first else old.index("{", cell.kind.span.end) + 1
    end = all_[after].span.start if after < len(all_) else cell.span.end - 1
    if not start <= changed.start <= changed.end <= end or (
        not first and "#" in old[cell.kind.span.end : start]
    ):
        return None
    text = new[start : end + by]
    # A comment would go on beyond what is parsed here.
    if "#" in text[text.rfind("\n") + 1 :] or not text.isascii() or CONTROL.search(text):
        return None
    items: Any = sound_items(f"{_BEFORE}{text}{_AFTER}")
    if items is None or len(items) != 1:
        return None
    made = (_moved(each, start - len(_BEFORE)) for each in items[0].statements)
    return (*all_[:first], *made, *(_moved(each, by) for each in all_[after:]))


def _moved(node: T, by: int) -> T:
    """A node and all it contains, somewhere else."""
    return _MOVERS[type(node)](node, by) if by else node


def _span(node: Any, by: int) -> Span:
    start, end = node.span
    return Span(start + by, end + by)


def _all(nodes: tuple[Any, ...], by: int) -> tuple[Any, ...]:
    return tuple([_MOVERS[type(node)](node, by) for node in nodes])


def _maybe(node: Any, by: int) -> Any:
    return None if node is None else _moved(node, by)


# One line a kind of node: thousands are moved after an edit, and looking up the fields of each
# would take longer than parsing.
_MOVERS: dict[type, Any] = {
    tree.Word: lambda n, by: tree.Word(n.text, _span(n, by)),
    tree.Number: lambda n, by: tree.Number(n.text, _span(n, by)),
    tree.State: lambda n, by: tree.State(n.text, _span(n, by)),
    tree.Hole: lambda n, by: tree.Hole(_span(n, by)),
    tree.Choice: lambda n, by: tree.Choice(_all(n.options, by), _span(n, by)),
    tree.Tuple: lambda n, by: tree.Tuple(_all(n.fields, by), _span(n, by)),
    tree.Block: lambda n, by: tree.Block(_moved(n.name, by), _moved(n.tuple, by), _span(n, by)),
    tree.Repeat: lambda n, by: tree.Repeat(_moved(n.count, by), _moved(n.tuple, by), _span(n, by)),
    tree.Output: lambda n, by: tree.Output(_moved(n.kind, by), _all(n.states, by), _span(n, by)),
    tree.Cell: lambda n, by: tree.Cell(_moved(n.kind, by), _all(n.statements, by), _span(n, by)),
    tree.Argument: lambda n, by: tree.Argument(
        _maybe(n.name, by), _maybe(n.number, by), n.sign, _span(n, by)
    ),
    tree.Layer: lambda n, by: tree.Layer(_moved(n.name, by), _all(n.arguments, by), _span(n, by)),
    tree.Layers: lambda n, by: tree.Layers(_maybe(n.count, by), _all(n.layers, by), _span(n, by)),
    tree.Form: lambda n, by: tree.Form(_all(n.parts, by), _span(n, by)),
    tree.Op: lambda n, by: tree.Op(_moved(n.name, by), _all(n.forms, by), _span(n, by)),
    tree.Combine: lambda n, by: tree.Combine(_moved(n.name, by), _moved(n.form, by), _span(n, by)),
    tree.Header: lambda n, by: tree.Header(_moved(n.keyword, by), _moved(n.name, by), _span(n, by)),
    tree.Ops: lambda n, by: tree.Ops(_moved(n.name, by), _span(n, by)),
    tree.Setting: lambda n, by: tree.Setting(_moved(n.name, by), _moved(n.value, by), _span(n, by)),
    tree.Network: lambda n, by: tree.Network(_all(n.settings, by), _span(n, by)),
}
