"""The Pygments lexer of `.cell` files, an entry point of Pygments.

So Sphinx, MkDocs, `rich` and everything else that uses Pygments highlights them. Pygments itself is
not a requirement of nasdsl; whoever imports this module has it.
"""

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Token, Whitespace, _TokenType

from nasdsl.highlighting.table import TOKENS


def _type(name: str) -> _TokenType:
    """A token type by its name: `Comment.Single`."""
    found = Token
    for part in name.split("."):
        found = getattr(found, part)
    return found


class CellLexer(RegexLexer):  # type: ignore[misc] # Pygments has no types
    """`.cell` files: genotypes, spaces, vocabularies and networks."""

    name = "nasdsl cell"
    url = ""
    aliases: ClassVar[list[str]] = ["cell", "nasdsl"]
    filenames: ClassVar[list[str]] = ["*.cell"]
    mimetypes: ClassVar[list[str]] = ["text/x-nasdsl-cell"]
    version_added = ""
    tokens: ClassVar[dict[str, list[tuple[str, _TokenType]]]] = {
        "root": [
            (r"\s+", Whitespace),
            *((kind.pattern, _type(kind.pygments)) for kind in TOKENS),
        ]
    }
