"""`TOKENS`: every kind of token, how it is written, and what each highlighter calls it.

Purpose: one table. The Pygments lexer reads it, and `editors/generate.py` writes the TextMate
grammar, the CodeMirror mode and the tokens of the tree-sitter grammar from it. Tests compare all of
them with the language's own lexer.
"""

from typing import NamedTuple

from nasdsl.language.words import KEYWORDS


class TokenKind(NamedTuple):
    """One kind of token.

    Attributes:
        name: of the kind.
        pattern: a regular expression that means the same in Python, JavaScript and Oniguruma. It is
            tried where no name or number is being read, in the order of the table.
        textmate: its scope.
        pygments: its token type.
        codemirror: its style.
    """

    name: str
    pattern: str
    textmate: str
    pygments: str
    codemirror: str


_WORDS = "|".join(KEYWORDS)

TOKENS: tuple[TokenKind, ...] = (
    TokenKind("comment", r"#[^\n]*", "comment.line.number-sign.cell", "Comment.Single", "comment"),
    # A letter alone and a bracket. A line break between them, which the language allows, is where
    # highlighters that read line by line see a name and a bracket.
    TokenKind(
        "state",
        r"[A-Za-z][^\S\n]*\[[^\[\](){},|#\n]*\]?",
        "variable.language.cell",
        "Name.Variable.Instance",
        "variableName.special",
    ),
    TokenKind(
        "number",
        r"[+-]?\.?[0-9](?:[A-Za-z0-9_.]*[eE][+-][0-9]+|[A-Za-z0-9_.]*)",
        "constant.numeric.cell",
        "Literal.Number",
        "number",
    ),
    TokenKind("keyword", rf"(?:{_WORDS})\b", "keyword.control.cell", "Keyword", "keyword"),
    TokenKind("word", r"[A-Za-z_][A-Za-z0-9_]*", "variable.other.cell", "Name", "variableName"),
    TokenKind("hole", r"\?", "keyword.operator.hole.cell", "Operator.Word", "atom"),
    TokenKind("operator", r"[=|*+/]", "keyword.operator.cell", "Operator", "operator"),
    TokenKind("bracket", r"[(){}\[\]]", "punctuation.section.cell", "Punctuation", "bracket"),
    TokenKind("comma", r",", "punctuation.separator.cell", "Punctuation", "punctuation"),
)
