"""The LALR parser, read from `grammar/cell.json` or built from `grammar/cell.lark`.

Purpose: text that follows the grammar becomes a syntax tree, without an intermediate one.
Non-goals: anything about text that does not; `nasdsl.language.parser.recovery` takes over there.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer

from nasdsl import resources
from nasdsl.errors import Span
from nasdsl.language import tree
from nasdsl.language.parser import tables

_Children = list[Any]


@cache
def lark_parser() -> Lark:
    """The parser of `.cell` files.

    Never `cache=True`: lark would unpickle a file of a predictable name in a shared folder.
    """
    grammar = resources.grammar().joinpath("cell.lark").read_text(encoding="utf-8")
    return tables.read(grammar, _TreeBuilder()) or built(grammar, _TreeBuilder())


def built(grammar: str, transformer: Transformer[Token, Any] | None = None) -> Lark:
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


# lark's `propagate_positions` does not reach a transformer that runs while it parses.
def _span(children: _Children) -> Span:
    return Span(_extent(children[0])[0], _extent(children[-1])[1])


def _extent(child: Any) -> Span:
    span: Span = token_span(child) if isinstance(child, Token) else child.span
    return span


def token_span(token: Token) -> Span:
    """Where the token stands."""
    return Span(int(token.start_pos or 0), int(token.end_pos or 0))


def _leaf(kind: Callable[[str, Span], Any], token: Any) -> Any:
    return kind(str(token), token_span(token))


def _nodes(children: _Children) -> tuple[Any, ...]:
    return tuple(child for child in children if not isinstance(child, Token))


class _TreeBuilder(Transformer[Token, Any]):
    """One method a rule, called as the rule is reduced, with tokens and finished nodes."""

    def file(self, children: _Children) -> tuple[tree.Item, ...]:
        return tuple(children)

    def word(self, children: _Children) -> tree.Word:
        return cast(tree.Word, _leaf(tree.Word, children[0]))

    def number(self, children: _Children) -> tree.Number:
        return cast(tree.Number, _leaf(tree.Number, children[0]))

    def state(self, children: _Children) -> tree.State:
        return cast(tree.State, _leaf(tree.State, children[0]))

    def hole(self, children: _Children) -> tree.Hole:
        return tree.Hole(_span(children))

    def choice(self, children: _Children) -> tree.Choice:
        return tree.Choice(_nodes(children), _span(children))

    def tuple(self, children: _Children) -> tree.Tuple:
        return tree.Tuple(_nodes(children), _span(children))

    def block(self, children: _Children) -> tree.Block:
        name, _, fields = children
        return tree.Block(_leaf(tree.Word, name), fields, _span(children))

    def repeat(self, children: _Children) -> tree.Repeat:
        count, _, fields = children
        return tree.Repeat(_leaf(tree.Number, count), fields, _span(children))

    def output(self, children: _Children) -> tree.Output:
        return tree.Output(_leaf(tree.Word, children[1]), _nodes(children), _span(children))

    def cell(self, children: _Children) -> tree.Cell:
        return tree.Cell(_leaf(tree.Word, children[1]), _nodes(children), _span(children))

    def argument(self, children: _Children) -> tree.Argument:
        first, last = children[0], children[-1]
        name = _leaf(tree.Word, first) if isinstance(first, Token) else None
        number = last if isinstance(last, tree.Number) else None
        sign = "/" if len(children) == 3 else ""
        return tree.Argument(name, number, sign, _span(children))

    def layer(self, children: _Children) -> tree.Layer:
        return tree.Layer(_leaf(tree.Word, children[0]), _nodes(children), _span(children))

    def part(self, children: _Children) -> tree.Layers:
        nodes = _nodes(children)
        count = nodes[0] if nodes and isinstance(nodes[0], tree.Number) else None
        return tree.Layers(count, nodes[count is not None :], _span(children))

    def form(self, children: _Children) -> tree.Form:
        return tree.Form(_nodes(children), _span(children))

    def op(self, children: _Children) -> tree.Op:
        return tree.Op(_leaf(tree.Word, children[1]), _nodes(children), _span(children))

    def combine(self, children: _Children) -> tree.Combine:
        return tree.Combine(_leaf(tree.Word, children[1]), children[-1], _span(children))

    def header(self, children: _Children) -> tree.Header:
        keyword, name = (_leaf(tree.Word, child) for child in children)
        return tree.Header(keyword, name, _span(children))

    def ops(self, children: _Children) -> tree.Ops:
        return tree.Ops(_leaf(tree.Word, children[1]), _span(children))

    def setting(self, children: _Children) -> tree.Setting:
        return tree.Setting(_leaf(tree.Word, children[0]), children[-1], _span(children))

    def network(self, children: _Children) -> tree.Network:
        return tree.Network(_nodes(children), _span(children))
