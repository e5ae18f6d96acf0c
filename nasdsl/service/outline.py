"""The outline of a text, and what of it can be folded away."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from nasdsl.errors import Span
from nasdsl.language import tree
from nasdsl.service.document import Document

SymbolKind = Literal[
    "genotype", "vocabulary", "op", "combine", "cell", "block", "network", "setting"
]


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something a text defines: all of it, its name, and what it contains."""

    kind: SymbolKind
    name: str
    span: Span
    name_span: Span
    children: tuple["Symbol", ...] = ()


class Fold(NamedTuple):
    """Lines that can be folded away, counted from 1; the first stays."""

    first: int
    last: int
    kind: Literal["region", "comment"]


def symbols(document: Document) -> tuple[Symbol, ...]:
    """What a text defines, in its order."""
    found = (_symbol(item) for item in document.parsed.file.items)
    return tuple(symbol for symbol in found if symbol is not None)


def _symbol(item: tree.Item) -> Symbol | None:
    match item:
        case tree.Header(keyword, name, span):
            kind: SymbolKind = "vocabulary" if keyword.text == "vocabulary" else "genotype"
            return Symbol(kind, name.text or "?", span, name.span)
        case tree.Op(name, _, span):
            return Symbol("op", name.text or "?", span, name.span)
        case tree.Combine(name, _, span):
            return Symbol("combine", name.text or "?", span, name.span)
        case tree.Cell(kind_, statements, span):
            children = tuple(_statement(each) for each in statements)
            return Symbol("cell", kind_.text or "?", span, kind_.span, children)
        case tree.Network(settings, span):
            children = tuple(
                Symbol("setting", each.name.text or "?", each.span, each.name.span)
                for each in settings
            )
            return Symbol("network", "network", span, span, children)
    return None


def _statement(statement: tree.Statement) -> Symbol:
    match statement:
        case tree.Block(name, _, span):
            return Symbol("block", name.text or "?", span, name.span)
        case tree.Repeat(count, _, span):
            return Symbol("block", f"{count.text} * (...)", span, count.span)
        case tree.Output(kind, _, span):
            return Symbol("block", f"output {kind.text}", span, kind.span)


def folds(document: Document) -> tuple[Fold, ...]:
    """Cells, networks and definitions of several lines, and runs of comments."""
    return tuple(sorted({*_item_folds(document), *_comment_folds(document)}))


def _item_folds(document: Document) -> Iterator[Fold]:
    for item in document.parsed.file.items:
        first = document.source.position(item.span.start).line
        last = document.source.position(max(item.span.end - 1, item.span.start)).line
        if last > first:
            yield Fold(first, last, "region")


def _comment_folds(document: Document) -> Iterator[Fold]:
    lines = []
    for comment in document.parsed.file.comments:
        line, column = document.source.position(comment.span.start)
        if not document.source.line(line)[: column - 1].strip():
            lines.append(line)
    starts = [line for before, line in pairwise([-1, *lines]) if line != before + 1]
    alone = frozenset(lines)
    for first in starts:
        last = first
        while last + 1 in alone:
            last += 1
        if last > first:
            yield Fold(first, last, "comment")
