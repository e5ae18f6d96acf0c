"""The LALR parser, read from `grammar/cell.json` or built from `grammar/cell.lark`.

Purpose: text that follows the grammar becomes a syntax tree, without an intermediate one.
Non-goals: anything about text that does not; `nasdsl.language.parser.recovery` takes over there.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

from lark import Lark

from nasdsl import resources
from nasdsl.language.parser import tables
from nasdsl.language.parser.builder import BUILDERS

#: lark calls the method of a rule's name.
TREE_BUILDER = SimpleNamespace(**BUILDERS)


@cache
def lark_parser() -> Lark:
    """The parser of `.cell` files.

    Never `cache=True`: lark would unpickle a file of a predictable name in a shared folder.
    """
    grammar = resources.grammar().joinpath("cell.lark").read_text(encoding="utf-8")
    return tables.read(grammar, TREE_BUILDER) or built(grammar, TREE_BUILDER)


def built(grammar: str, transformer: Any = None) -> Lark:
    """The parser of a grammar, worked out anew."""
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start="file",
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=transformer,
    )


@cache
def fitting(states: tuple[int, ...]) -> frozenset[str]:
    """The kinds of token that fit next, where the parser's stack is `states`.

    Asking lark copies its parser for each kind, so no stack is asked about twice. The grammar
    has no recursion, so there are few stacks, whatever the text.
    """
    parser: Any = lark_parser().parse_interactive()  # lark's InteractiveParser
    parser.parser_state.state_stack[:] = states
    return frozenset(parser.accepts())
