"""What the service says, in the types of the protocol.

Non-goals: answers (`nasdsl.service`), and which of them a client asks for (`nasdsl.lsp.features`).
"""

import re
from collections.abc import Iterable, Iterator

from lsprotocol import types

from nasdsl import service
from nasdsl.errors import Diagnostic, Fix, Span
from nasdsl.lsp.positions import LinePositions

SOURCE = "nasdsl"
_FENCE = re.compile(r"^```\w*\n", re.MULTILINE)

_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}
_SYMBOLS: dict[service.SymbolKind, types.SymbolKind] = {
    "genotype": types.SymbolKind.Module,
    "vocabulary": types.SymbolKind.Module,
    "op": types.SymbolKind.Function,
    "combine": types.SymbolKind.Operator,
    "cell": types.SymbolKind.Class,
    "block": types.SymbolKind.Variable,
    "network": types.SymbolKind.Object,
    "setting": types.SymbolKind.Property,
}
_COMPLETIONS: dict[service.CompletionKind, types.CompletionItemKind] = {
    "keyword": types.CompletionItemKind.Keyword,
    "op": types.CompletionItemKind.Function,
    "combine": types.CompletionItemKind.Operator,
    "block": types.CompletionItemKind.Variable,
    "hidden": types.CompletionItemKind.Variable,
    "primitive": types.CompletionItemKind.Method,
    "argument": types.CompletionItemKind.Property,
    "setting": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.Value,
    "vocabulary": types.CompletionItemKind.Module,
    "genotype": types.CompletionItemKind.Module,
    "kind": types.CompletionItemKind.Class,
    "hole": types.CompletionItemKind.Snippet,
}


def diagnostic(
    found: Diagnostic, uri: str, lines: LinePositions, *, related: bool
) -> types.Diagnostic:
    """A finding, with its hints after the message.

    Where the client does not show `related` places, the message names the finding's second ones.
    """
    span = found.span or Span(0, 0)
    label = f"\n{found.label}" if found.label else ""
    hints = "".join(f"\nhelp: {hint}" for hint in found.hints)
    second = [(lines.range(each.span), each.text or "here") for each in found.secondary]
    places = [
        types.DiagnosticRelatedInformation(types.Location(uri, place), text)
        for place, text in second
    ]
    named = "".join(f"\nline {place.start.line + 1}: {text}" for place, text in second)
    return types.Diagnostic(
        range=lines.range(span),
        message=f"{found.message}{label}{'' if related else named}{hints}",
        severity=_SEVERITIES[found.severity],
        code=found.code,
        source=SOURCE,
        related_information=places if related and places else None,
        # Editors draw what has no effect in a pale colour.
        tags=[types.DiagnosticTag.Unnecessary] if found.code in ("NAS210", "NAS307") else None,
    )


def hover(found: service.Hover, lines: LinePositions, *, markdown: bool) -> types.Hover:
    """What is known about a word, in markdown or as plain text."""
    if markdown:
        content = types.MarkupContent(types.MarkupKind.Markdown, found.markdown)
    else:
        content = types.MarkupContent(types.MarkupKind.PlainText, _without_marks(found.markdown))
    return types.Hover(content, lines.range(found.span))


def _without_marks(markdown: str) -> str:
    """The text of what `nasdsl.service.hover` writes, which has code and no other marks."""
    return _FENCE.sub("", markdown).replace("`", "")


def completion(
    found: service.Completion, lines: LinePositions, order: int, *, snippets: bool
) -> types.CompletionItem:
    """Something that may be written; without the places to fill in where a client has none."""
    text, is_snippet = found.text, found.is_snippet
    if is_snippet and not snippets:
        text, is_snippet = service.plain_text(found), False
    form = types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText
    return types.CompletionItem(
        label=found.label,
        kind=_COMPLETIONS[found.kind],
        detail=found.detail or None,
        sort_text=f"{order:04d}",
        # What is typed before a state may be `h[`, which is no word to an editor.
        filter_text=text if found.kind == "hidden" else found.label,
        insert_text_format=form,
        text_edit=types.TextEdit(lines.range(found.span), text),
    )


def symbol(found: service.Symbol, lines: LinePositions) -> types.DocumentSymbol:
    """A symbol and what it contains."""
    return types.DocumentSymbol(
        name=found.name,
        kind=_SYMBOLS[found.kind],
        range=lines.range(found.span),
        selection_range=lines.range(found.name_span),
        children=[symbol(child, lines) for child in found.children],
    )


def symbol_rows(
    found: Iterable[service.Symbol], uri: str, lines: LinePositions, container: str | None = None
) -> Iterator[types.SymbolInformation]:
    """Symbols and what they contain, one after the other, for clients that take no trees."""
    for each in found:
        place = types.Location(uri, lines.range(each.span))
        yield types.SymbolInformation(
            place, each.name, _SYMBOLS[each.kind], container_name=container
        )
        yield from symbol_rows(each.children, uri, lines, each.name)


def fold(found: service.Fold, lines: LinePositions) -> types.FoldingRange:
    """Lines that can be folded away."""
    kind = types.FoldingRangeKind.Comment if found.kind == "comment" else None
    start, end = lines.position(found.span.start), lines.position(found.span.end)
    return types.FoldingRange(start_line=start.line, end_line=end.line, kind=kind)


def token_numbers(tokens: Iterable[service.SemanticToken], lines: LinePositions) -> list[int]:
    """Semantic tokens as the protocol packs them: each relative to the one before."""
    return [number for token in _numbers(tokens, lines) for number in token]


def _numbers(
    tokens: Iterable[service.SemanticToken], lines: LinePositions
) -> Iterator[tuple[int, int, int, int, int]]:
    line = character = 0
    for token in tokens:
        start = lines.position(token.span.start)
        column = start.character - (character if start.line == line else 0)
        modifiers = sum(1 << service.TOKEN_MODIFIERS.index(name) for name in token.modifiers)
        kind = service.TOKEN_TYPES.index(token.type)
        yield start.line - line, column, lines.length(token.span), kind, modifiers
        line, character = start.line, start.character


def inlay_hint(found: service.InlayHint, lines: LinePositions) -> types.InlayHint:
    """A hint behind a word."""
    return types.InlayHint(
        lines.position(found.offset), found.label, tooltip=found.about, padding_left=True
    )


def edit(found: Fix, lines: LinePositions) -> types.TextEdit:
    """A fix of a text."""
    return types.TextEdit(lines.range(found.span), found.replacement)
