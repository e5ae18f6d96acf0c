"""From what a rule of the grammar has read to a node of the tree.

Purpose: `BUILDERS`, one function a rule, which a parser calls as it reduces the rule, with tokens
and finished nodes. A token is a `str` that knows where it stands: `start_pos`, `end_pos`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from nasdsl.errors import Span
from nasdsl.language import tree

T = TypeVar("T")
_Children = list[Any]


# lark's `propagate_positions` does not reach what runs while it parses.
def _span(children: _Children) -> Span:
    return Span(_extent(children[0])[0], _extent(children[-1])[1])


def _extent(child: Any) -> Span:
    span: Span = token_span(child) if isinstance(child, str) else child.span
    return span


def token_span(token: Any) -> Span:
    """Where the token stands."""
    return Span(int(token.start_pos or 0), int(token.end_pos or 0))


def _leaf(kind: Callable[[str, Span], T], token: Any) -> T:
    return kind(str(token), token_span(token))


def _nodes(children: _Children) -> tuple[Any, ...]:
    return tuple(child for child in children if not isinstance(child, str))


def _file(children: _Children) -> tuple[tree.Item, ...]:
    return tuple(children)


def _word(children: _Children) -> tree.Word:
    return _leaf(tree.Word, children[0])


def _number(children: _Children) -> tree.Number:
    return _leaf(tree.Number, children[0])


def _state(children: _Children) -> tree.State:
    return _leaf(tree.State, children[0])


def _hole(children: _Children) -> tree.Hole:
    return tree.Hole(_span(children))


def _choice(children: _Children) -> tree.Choice:
    return tree.Choice(_nodes(children), _span(children))


def _tuple(children: _Children) -> tree.Tuple:
    return tree.Tuple(_nodes(children), _span(children))


def _block(children: _Children) -> tree.Block:
    name, _, fields = children
    return tree.Block(_leaf(tree.Word, name), fields, _span(children))


def _repeat(children: _Children) -> tree.Repeat:
    count, _, fields = children
    return tree.Repeat(_leaf(tree.Number, count), fields, _span(children))


def _output(children: _Children) -> tree.Output:
    return tree.Output(_leaf(tree.Word, children[1]), _nodes(children), _span(children))


def _cell(children: _Children) -> tree.Cell:
    return tree.Cell(_leaf(tree.Word, children[1]), _nodes(children), _span(children))


def _argument(children: _Children) -> tree.Argument:
    first, last = children[0], children[-1]
    name = _leaf(tree.Word, first) if isinstance(first, str) else None
    number = last if isinstance(last, tree.Number) else None
    sign = "/" if len(children) == 3 else ""
    return tree.Argument(name, number, sign, _span(children))


def _layer(children: _Children) -> tree.Layer:
    return tree.Layer(_leaf(tree.Word, children[0]), _nodes(children), _span(children))


def _part(children: _Children) -> tree.Layers:
    nodes = _nodes(children)
    count = nodes[0] if nodes and isinstance(nodes[0], tree.Number) else None
    return tree.Layers(count, nodes[count is not None :], _span(children))


def _form(children: _Children) -> tree.Form:
    return tree.Form(_nodes(children), _span(children))


def _op(children: _Children) -> tree.Op:
    return tree.Op(_leaf(tree.Word, children[1]), _nodes(children), _span(children))


def _combine(children: _Children) -> tree.Combine:
    return tree.Combine(_leaf(tree.Word, children[1]), children[-1], _span(children))


def _header(children: _Children) -> tree.Header:
    keyword, name = (_leaf(tree.Word, child) for child in children)
    return tree.Header(keyword, name, _span(children))


def _ops(children: _Children) -> tree.Ops:
    return tree.Ops(_leaf(tree.Word, children[1]), _span(children))


def _setting(children: _Children) -> tree.Setting:
    return tree.Setting(_leaf(tree.Word, children[0]), children[-1], _span(children))


def _network(children: _Children) -> tree.Network:
    return tree.Network(_nodes(children), _span(children))


BUILDERS: dict[str, Callable[[_Children], Any]] = {
    "file": _file,
    "word": _word,
    "number": _number,
    "state": _state,
    "hole": _hole,
    "choice": _choice,
    "tuple": _tuple,
    "block": _block,
    "repeat": _repeat,
    "output": _output,
    "cell": _cell,
    "argument": _argument,
    "layer": _layer,
    "part": _part,
    "form": _form,
    "op": _op,
    "combine": _combine,
    "header": _header,
    "ops": _ops,
    "setting": _setting,
    "network": _network,
}
