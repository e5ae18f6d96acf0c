"""What an editor asks about a text, as pure functions of a `Document`.

Every function takes a `Document` and offsets in its text, and returns frozen values. Nothing here
reads files, starts threads or imports PyTorch, so it works in a browser as well as in a server.
"""

from nasdsl.service.actions import Action, actions, all_safe_fixes, formatting
from nasdsl.service.completion import Completion, CompletionKind, completions, plain_text
from nasdsl.service.document import Document
from nasdsl.service.hints import InlayHint, Lens, inlay_hints, lenses
from nasdsl.service.hover import Hover, hover
from nasdsl.service.names import Name
from nasdsl.service.navigation import (
    CannotRename,
    Edit,
    Location,
    definition,
    references,
    renamable,
    rename,
)
from nasdsl.service.outline import Fold, Symbol, SymbolKind, folds, symbols
from nasdsl.service.semantic_tokens import (
    TOKEN_MODIFIERS,
    TOKEN_TYPES,
    SemanticToken,
    semantic_tokens,
)

__all__ = [
    "TOKEN_MODIFIERS",
    "TOKEN_TYPES",
    "Action",
    "CannotRename",
    "Completion",
    "CompletionKind",
    "Document",
    "Edit",
    "Fold",
    "Hover",
    "InlayHint",
    "Lens",
    "Location",
    "Name",
    "SemanticToken",
    "Symbol",
    "SymbolKind",
    "actions",
    "all_safe_fixes",
    "completions",
    "definition",
    "folds",
    "formatting",
    "hover",
    "inlay_hints",
    "lenses",
    "plain_text",
    "references",
    "renamable",
    "rename",
    "semantic_tokens",
    "symbols",
]
