"""What each name of a text is, for highlighting that knows more than a grammar.

Purpose: `semantic_tokens`. Keywords, numbers and comments are left to the highlighter.
"""

from typing import Literal, NamedTuple, get_args

from nasdsl.errors import Span
from nasdsl.primitives import layer_of
from nasdsl.service.document import Document
from nasdsl.service.names import Name, Role

#: The types of the language server protocol that are used, in the order of their numbers.
TokenType = Literal[
    "namespace", "class", "variable", "parameter", "function", "operator", "method", "property",
    "enumMember", "keyword",
]  # fmt: skip
TOKEN_TYPES: tuple[TokenType, ...] = get_args(TokenType)
#: And the modifiers.
TOKEN_MODIFIERS = ("definition", "readonly", "defaultLibrary")

_TYPES: dict[Role, TokenType] = {
    "genotype": "namespace",
    "vocabulary": "namespace",
    "kind": "class",
    "block": "variable",
    "hidden": "parameter",
    "op": "function",
    "combine": "operator",
    "hole": "keyword",
    "primitive": "method",
    "argument": "property",
    "setting": "property",
    "value": "enumMember",
}


class SemanticToken(NamedTuple):
    """A name, its type and its modifiers."""

    span: Span
    type: TokenType
    modifiers: tuple[str, ...] = ()


def semantic_tokens(document: Document) -> tuple[SemanticToken, ...]:
    """The names of a text, in its order; none spans lines and none overlap.

    A hidden state cannot be assigned (`readonly`); primitives and what a vocabulary of other
    files defines are `defaultLibrary`. Numbers among the values of settings are left out.
    """
    own = {(name.role, name.text) for name in document.names if name.defines}
    found: list[SemanticToken] = []
    for name in document.names:
        if name.role == "value" and not name.text[0].isalpha():
            continue
        if "\n" in document.text[name.span.start : name.span.end]:
            continue
        found.append(SemanticToken(name.span, _TYPES[name.role], _modifiers(name, own)))
    return tuple(found)


def _modifiers(name: Name, own: set[tuple[Role, str]]) -> tuple[str, ...]:
    match name.role:
        case "hidden":
            return ("readonly",)
        case "primitive" if layer_of(name.text) is not None:
            return ("defaultLibrary",)
        case "op" | "combine" if (name.role, name.text) not in own:
            return ("defaultLibrary",)
    return ("definition",) if name.defines else ()
