"""The outline of a text, and what of it can be folded away."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    """Text of several lines that can be folded away; the line in which it begins stays."""

    span: Span
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
        if "\n" in document.text[item.span.start : item.span.end]:
            yield Fold(item.span, "region")


def _comment_folds(document: Document) -> Iterator[Fold]:
    """Comments that follow one another with nothing but white space between them and before."""
    text, run = document.text, list[Span]()
    spans = [comment.span for comment in document.parsed.file.comments]
    for span in [*spans, Span(len(text), len(text))]:
        line = text.rfind("\n", 0, span.start) + 1
        alone = span.end > span.start and not text[line : span.start].strip()
        if run and not (alone and text[run[-1].end : span.start].count("\n") == 1):
            if len(run) > 1:
                yield Fold(run[0].to(run[-1]), "comment")
            run = []
        if alone:
            run.append(span)
