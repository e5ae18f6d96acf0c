"""Syntax: a `.cell` file as it was written, with spans and comments.

Purpose: what the parser gives to the formatter and the resolver. Every node has a span.
Nothing here has a meaning yet: names are not resolved, numbers are not read, tuples may have any
length, and a word of no characters marks a place where one was missing.
"""

from dataclasses import dataclass

from nasdsl.errors import Span

#: The five fields of a block, in their order.
FIELD_NAMES = ("first input", "second input", "first op", "second op", "combine")


@dataclass(frozen=True, slots=True)
class Word:
    """A name, keyword or setting value."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Number:
    """Anything that begins like a number: `5`, `3x3`, `1e-5`, `12ab`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class State:
    """A letter and a bracket: `h[i-1]` when it is well-formed."""

    text: str
    span: Span


Atom = Word | State


@dataclass(frozen=True, slots=True)
class Hole:
    """`?`: anything legal here."""

    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    """`{a | b}`: one of the options."""

    options: tuple[Atom, ...]
    span: Span


Field = Word | State | Hole | Choice


@dataclass(frozen=True, slots=True)
class Tuple:
    """`(input, input, op, op, combine)`, of any length."""

    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """`b0 = (...)`."""

    name: Word
    tuple: Tuple
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """`5 * (...)`: blocks that are named by their position."""

    count: Number
    tuple: Tuple
    span: Span


@dataclass(frozen=True, slots=True)
class Output:
    """`output unused`, `output concat(...)` or `output each(...)`."""

    kind: Word
    states: tuple[Atom, ...]
    span: Span


Statement = Block | Repeat | Output


@dataclass(frozen=True, slots=True)
class Cell:
    """`cell normal { ... }`."""

    kind: Word
    statements: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """`stride`, `5x5`, `dilation 2` or `filters/4`; `sign` is "/" in the last."""

    name: Word | None
    number: Number | None
    sign: str
    span: Span


@dataclass(frozen=True, slots=True)
class Layer:
    """A primitive and its arguments."""

    name: Word
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Layers:
    """`[...]` or `2 * [...]`."""

    count: Number | None
    layers: tuple[Layer, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Form:
    """Parts one after the other: `[...] + 2 * [...]`."""

    parts: tuple[Layers, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Op:
    """`op NAME = form else form`."""

    name: Word
    forms: tuple[Form, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Combine:
    """`combine NAME = form`."""

    name: Word
    form: Form
    span: Span


@dataclass(frozen=True, slots=True)
class Header:
    """`genotype NAME` or `vocabulary NAME`."""

    keyword: Word
    name: Word
    span: Span


@dataclass(frozen=True, slots=True)
class Ops:
    """`ops NAME`."""

    name: Word
    span: Span


@dataclass(frozen=True, slots=True)
class Setting:
    """`filters = 4032`."""

    name: Word
    value: Word | Number
    span: Span


@dataclass(frozen=True, slots=True)
class Network:
    """`network { ... }`."""

    settings: tuple[Setting, ...]
    span: Span


Item = Header | Ops | Op | Combine | Cell | Network


@dataclass(frozen=True, slots=True)
class Comment:
    """`# ...` to the end of its line, without trailing space."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class File:
    """The items of a file in order, and its comments in order."""

    items: tuple[Item, ...]
    comments: tuple[Comment, ...]
