"""What the server answers, a function a request.

Each takes the server and the protocol's parameters. The work is done by `CellServer.ask`, in the
thread of the server that answers; a request that is cancelled before its turn is never worked on.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from nasdsl import service
from nasdsl.lsp import convert
from nasdsl.lsp.commands import COMMANDS
from nasdsl.lsp.server import CellServer

_REQUEST_FAILED = -32803
_FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.nasdsl"


class Feature(NamedTuple):
    """A method of the protocol, its options, and the function that answers."""

    method: str
    options: Any
    answer: Callable[..., Any]


FEATURES: list[Feature] = []


def _answers(method: str, options: Any = None) -> Callable[[Any], Any]:
    def kept(function: Any) -> Any:
        FEATURES.append(Feature(method, options, function))
        return function

    return kept


def cell_server() -> CellServer:
    """A server that answers every request there is."""
    server = CellServer()
    for method, options, answer in FEATURES:
        server.feature(method, options)(answer)
    for name, command in COMMANDS.items():
        server.command(name)(command)
    return server


# -- texts -------------------------------------------------------------------------------------


@_answers(types.INITIALIZE)
def initialize(ls: CellServer, params: types.InitializeParams) -> None:
    """Agree on an encoding, and take the client's settings."""
    ls.begin(params)


@_answers(types.INITIALIZED)
async def initialized(ls: CellServer, params: types.InitializedParams) -> None:
    """Ask to be told about changes on disk."""
    await ls.watch_files()


@_answers(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: CellServer, params: types.DidOpenTextDocumentParams) -> None:
    """Keep the text, and report on it and on those that use it."""
    opened = params.text_document
    ls.report(opened.uri, ls.documents.open(opened.uri, opened.text, opened.version))


@_answers(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: CellServer, params: types.DidChangeTextDocumentParams) -> None:
    """Apply the changes, and report on the text and on those that use it."""
    uri, version = params.text_document.uri, params.text_document.version
    ls.report(uri, ls.documents.change(uri, list(params.content_changes), version))


@_answers(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(ls: CellServer, params: types.DidSaveTextDocumentParams) -> None:
    """Nothing is new: the text on disk is the one that is open."""


@_answers(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: CellServer, params: types.DidCloseTextDocumentParams) -> None:
    """Forget the text, and report on those that use it."""
    uri = params.text_document.uri
    ls.forget(uri)
    ls.report(uri, ls.documents.close(uri))


@_answers(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def did_change_files(ls: CellServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Report on the texts that use a file that has changed on disk."""
    for change in params.changes:
        if change.uri not in ls.documents.uris:
            ls.report(change.uri, ls.documents.changed(change.uri))


@_answers(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
def did_change_configuration(ls: CellServer, params: types.DidChangeConfigurationParams) -> None:
    """Take the client's settings."""
    ls.configure(params.settings)


# -- findings ------------------------------------------------------------------------------------


@_answers(
    types.TEXT_DOCUMENT_DIAGNOSTIC,
    types.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier="nasdsl"
    ),
)
async def diagnostic(
    ls: CellServer, params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport:
    """The findings about a text, for clients that ask."""
    items = await ls.ask(params.text_document.uri, ls.findings)
    return types.RelatedFullDocumentDiagnosticReport(items)


# -- a word --------------------------------------------------------------------------------------


@_answers(types.TEXT_DOCUMENT_HOVER)
async def hover(ls: CellServer, params: types.HoverParams) -> types.Hover | None:
    """What is known about the word under the pointer."""

    def answer(uri: str) -> types.Hover | None:
        lines = ls.documents.lines(uri)
        found = service.hover(ls.documents.document(uri), lines.offset(params.position))
        return None if found is None else convert.hover(found, lines, markdown=ls.client.markdown)

    return await ls.ask(params.text_document.uri, answer)


@_answers(
    types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list("({[,=|"))
)
async def completion(ls: CellServer, params: types.CompletionParams) -> types.CompletionList:
    """What may be written."""

    def answer(uri: str) -> types.CompletionList:
        lines = ls.documents.lines(uri)
        offset = lines.offset(params.position)
        found = service.completions(ls.documents.document(uri), offset)
        items = [
            convert.completion(each, lines, order, snippets=ls.client.snippets)
            for order, each in enumerate(found)
        ]
        return types.CompletionList(is_incomplete=False, items=items)

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_DEFINITION)
async def definition(ls: CellServer, params: types.DefinitionParams) -> types.Location | None:
    """Where a name is defined: here, in a file beside this one, or in the library."""

    def answer(uri: str) -> types.Location | None:
        offset = ls.documents.lines(uri).offset(params.position)
        found = service.definition(ls.documents.document(uri), offset)
        return None if found is None else _location(ls, found, uri)

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_REFERENCES)
async def references(ls: CellServer, params: types.ReferenceParams) -> list[types.Location]:
    """Where a name is used, in the files of this folder."""

    def answer(uri: str) -> list[types.Location]:
        found = service.references(
            ls.documents.document(uri),
            ls.documents.lines(uri).offset(params.position),
            ls.documents.neighbours(uri),
            definitions=params.context.include_declaration,
        )
        return [_location(ls, place, uri) for place in found]

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
async def highlights(
    ls: CellServer, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight]:
    """The uses of a name in its own text."""

    def answer(uri: str) -> list[types.DocumentHighlight]:
        lines = ls.documents.lines(uri)
        offset = lines.offset(params.position)
        found = service.references(ls.documents.document(uri), offset)
        return [types.DocumentHighlight(lines.range(place.span)) for place in found]

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_PREPARE_RENAME)
async def prepare_rename(
    ls: CellServer, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder:
    """The name that would be changed."""

    def answer(uri: str) -> types.PrepareRenamePlaceholder:
        lines = ls.documents.lines(uri)
        document = ls.documents.document(uri)
        try:
            name = service.renamable(document, lines.offset(params.position))
        except service.CannotRename as error:
            raise JsonRpcException(str(error), _REQUEST_FAILED) from None
        return types.PrepareRenamePlaceholder(lines.range(name.span), name.text)

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
async def rename(ls: CellServer, params: types.RenameParams) -> types.WorkspaceEdit:
    """The edits that change a name wherever it is used."""

    def answer(uri: str) -> types.WorkspaceEdit:
        document = ls.documents.document(uri)
        offset = ls.documents.lines(uri).offset(params.position)
        try:
            edits = service.rename(document, offset, params.new_name, ls.documents.neighbours(uri))
        except service.CannotRename as error:
            raise JsonRpcException(str(error), _REQUEST_FAILED) from None
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            where = ls.documents.uri_of(service.Location(edit.source, edit.span), uri)
            lines = ls.documents.lines_of(edit.source)
            changes.setdefault(where, []).append(types.TextEdit(lines.range(edit.span), edit.text))
        return types.WorkspaceEdit(changes=changes)

    return await ls.ask(params.text_document.uri, answer)


def _location(ls: CellServer, place: service.Location, uri: str) -> types.Location:
    lines = ls.documents.lines_of(place.source)
    return types.Location(ls.documents.uri_of(place, uri), lines.range(place.span))


# -- a text --------------------------------------------------------------------------------------


@_answers(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
async def symbols(
    ls: CellServer, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
    """The outline, as a tree or a list."""

    def answer(uri: str) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
        lines = ls.documents.lines(uri)
        found = service.symbols(ls.documents.document(uri))
        if not ls.client.symbol_trees:
            return list(convert.symbol_rows(found, uri, lines))
        return [convert.symbol(each, lines) for each in found]

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_FOLDING_RANGE)
async def folding(ls: CellServer, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
    """What can be folded away."""

    def answer(uri: str) -> list[types.FoldingRange]:
        lines = ls.documents.lines(uri)
        found = service.folds(ls.documents.document(uri))
        return [convert.fold(each, lines) for each in found]

    return await ls.ask(params.text_document.uri, answer)


_LEGEND = types.SemanticTokensLegend(list(service.TOKEN_TYPES), list(service.TOKEN_MODIFIERS))


@_answers(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, _LEGEND)
async def semantic_tokens(
    ls: CellServer, params: types.SemanticTokensParams
) -> types.SemanticTokens:
    """What each name is."""
    return await ls.ask(params.text_document.uri, lambda uri: _tokens(ls, uri, None))


@_answers(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, _LEGEND)
async def semantic_tokens_in_range(
    ls: CellServer, params: types.SemanticTokensRangeParams
) -> types.SemanticTokens:
    """What each name of some lines is."""
    return await ls.ask(params.text_document.uri, lambda uri: _tokens(ls, uri, params.range))


def _tokens(ls: CellServer, uri: str, place: types.Range | None) -> types.SemanticTokens:
    lines = ls.documents.lines(uri)
    found = service.semantic_tokens(ls.documents.document(uri))
    if place is not None:
        span = lines.span(place)
        found = tuple(
            each for each in found if each.span.end > span.start and each.span.start < span.end
        )
    return types.SemanticTokens(convert.token_numbers(found, lines))


@_answers(types.TEXT_DOCUMENT_INLAY_HINT)
async def inlay_hints(ls: CellServer, params: types.InlayHintParams) -> list[types.InlayHint]:
    """Shapes, and states that no block reads."""

    def answer(uri: str) -> list[types.InlayHint]:
        lines = ls.documents.lines(uri)
        start, end = lines.span(params.range)
        found = service.inlay_hints(ls.documents.document(uri))
        return [convert.inlay_hint(each, lines) for each in found if start <= each.offset <= end]

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
async def code_lenses(ls: CellServer, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Render, cost and count."""

    def answer(uri: str) -> list[types.CodeLens]:
        lines = ls.documents.lines(uri)
        return [
            types.CodeLens(
                lines.range(each.span),
                types.Command(each.title, f"nasdsl.{each.command}", arguments=[uri]),
            )
            for each in service.lenses(ls.documents.document(uri))
        ]

    return await ls.ask(params.text_document.uri, answer)


@_answers(types.TEXT_DOCUMENT_FORMATTING)
async def formatting(
    ls: CellServer, params: types.DocumentFormattingParams
) -> list[types.TextEdit] | None:
    """The edit that puts a text in the one style; the client's options do not matter."""

    def answer(uri: str) -> list[types.TextEdit] | None:
        document = ls.documents.document(uri)
        fix = service.formatting(document)
        return [] if fix is None else [convert.edit(fix, ls.documents.lines(uri))]

    return await ls.ask(params.text_document.uri, answer)


@_answers(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, _FIX_ALL]),
)
async def code_actions(ls: CellServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Fixes of the findings at a place, an explanation of each, and all safe fixes at once."""

    def answer(uri: str) -> list[types.CodeAction]:
        lines = ls.documents.lines(uri)
        document = ls.documents.document(uri)
        only = params.context.only
        found: list[types.CodeAction] = []
        if _is_wanted(types.CodeActionKind.QuickFix.value, only):
            for action in service.actions(document, lines.span(params.range)):
                finding = convert.diagnostic(
                    action.finding, uri, lines, related=ls.client.related_places
                )
                found.append(_quick_fix(action, uri, finding, lines))
        fixes = service.all_safe_fixes(document)
        if fixes and _is_wanted(_FIX_ALL, only):
            edits = [convert.edit(fix, lines) for fix in fixes]
            found.append(
                types.CodeAction(
                    "apply all safe fixes",
                    _FIX_ALL,
                    edit=types.WorkspaceEdit(changes={uri: edits}),
                )
            )
        return found

    return await ls.ask(params.text_document.uri, answer)


def _is_wanted(kind: str, only: Any) -> bool:
    """Whether a client that asks for some kinds of action wants this one."""
    names = [getattr(each, "value", each) for each in only or [""]]
    return any(not name or kind == name or kind.startswith(f"{name}.") for name in names)


def _quick_fix(
    action: service.Action, uri: str, finding: types.Diagnostic, lines: Any
) -> types.CodeAction:
    if action.fix is None:
        explain = types.Command(action.title, "nasdsl.explain", arguments=[action.finding.code])
        kind = types.CodeActionKind.QuickFix
        return types.CodeAction(action.title, kind, diagnostics=[finding], command=explain)
    return types.CodeAction(
        action.title,
        types.CodeActionKind.QuickFix,
        diagnostics=[finding],
        is_preferred=action.fix.safe or None,
        edit=types.WorkspaceEdit(changes={uri: [convert.edit(action.fix, lines)]}),
    )
