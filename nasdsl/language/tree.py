"""Syntax: a `.cell` file as it was written, with spans and comments.

Purpose: what the parser gives to the formatter and the resolver. Every node has a span.
Nothing here has a meaning yet: names are not resolved, numbers are not read, tuples may have any
length, and a word of no characters marks a place where one was missing.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

from nasdsl.errors import Span

T = TypeVar("T")

#: The five fields of a block, in their order.
FIELD_NAMES = ("first input", "second input", "first op", "second op", "combine")


class SyntaxNode:
    """What all nodes have in common. Writing it for each would take a third of a parse's time."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        named = zip(self.__slots__, self._parts(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={part!r}' for name, part in named)})"

    def _parts(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])


@dataclass_transform(frozen_default=True)
def _node(kind: type[T]) -> type[T]:
    return dataclass(frozen=True, slots=True, eq=False, repr=False)(kind)


@_node
class Word(SyntaxNode):
    """A name, keyword or setting value."""

    text: str
    span: Span


@_node
class Number(SyntaxNode):
    """Anything that begins like a number: `5`, `3x3`, `1e-5`, `12ab`."""

    text: str
    span: Span


@_node
class State(SyntaxNode):
    """A letter and a bracket: `h[i-1]` when it is well-formed."""

    text: str
    span: Span


Atom = Word | State


@_node
class Hole(SyntaxNode):
    """`?`: anything legal here."""

    span: Span


@_node
class Choice(SyntaxNode):
    """`{a | b}`: one of the options."""

    options: tuple[Atom, ...]
    span: Span


Field = Word | State | Hole | Choice


@_node
class Tuple(SyntaxNode):
    """`(input, input, op, op, combine)`, of any length."""

    fields: tuple[Field, ...]
    span: Span


@_node
class Block(SyntaxNode):
    """`b0 = (...)`."""

    name: Word
    tuple: Tuple
    span: Span


@_node
class Repeat(SyntaxNode):
    """`5 * (...)`: blocks that are named by their position."""

    count: Number
    tuple: Tuple
    span: Span


@_node
class Output(SyntaxNode):
    """`output unused`, `output concat(...)` or `output each(...)`."""

    kind: Word
    states: tuple[Atom, ...]
    span: Span


Statement = Block | Repeat | Output


@_node
class Cell(SyntaxNode):
    """`cell normal { ... }`."""

    kind: Word
    statements: tuple[Statement, ...]
    span: Span


@_node
class Argument(SyntaxNode):
    """`stride`, `5x5`, `dilation 2` or `filters/4`; `sign` is "/" in the last."""

    name: Word | None
    number: Number | None
    sign: str
    span: Span


@_node
class Layer(SyntaxNode):
    """A primitive and its arguments."""

    name: Word
    arguments: tuple[Argument, ...]
    span: Span


@_node
class Layers(SyntaxNode):
    """`[...]` or `2 * [...]`."""

    count: Number | None
    layers: tuple[Layer, ...]
    span: Span


@_node
class Form(SyntaxNode):
    """Parts one after the other: `[...] + 2 * [...]`."""

    parts: tuple[Layers, ...]
    span: Span


@_node
class Op(SyntaxNode):
    """`op NAME = form else form`."""

    name: Word
    forms: tuple[Form, ...]
    span: Span


@_node
class Combine(SyntaxNode):
    """`combine NAME = form`."""

    name: Word
    form: Form
    span: Span


@_node
class Header(SyntaxNode):
    """`genotype NAME` or `vocabulary NAME`."""

    keyword: Word
    name: Word
    span: Span


@_node
class Ops(SyntaxNode):
    """`ops NAME`."""

    name: Word
    span: Span


@_node
class Setting(SyntaxNode):
    """`filters = 4032`."""

    name: Word
    value: Word | Number
    span: Span


@_node
class Network(SyntaxNode):
    """`network { ... }`."""

    settings: tuple[Setting, ...]
    span: Span


Item = Header | Ops | Op | Combine | Cell | Network


@_node
class Comment(SyntaxNode):
    """`# ...` to the end of its line, without trailing space."""

    text: str
    span: Span


@_node
class File(SyntaxNode):
    """The items of a file in order, and its comments in order."""

    items: tuple[Item, ...]
    comments: tuple[Comment, ...]
