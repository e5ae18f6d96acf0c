"""Every name of a text, and what it stands for.

Purpose: `names_in`, one walk over a tree. Hover, definitions, references, renaming and semantic
highlighting all read its result, so they agree about what a word is.
Non-goals: whether a name is known; that is what findings are about.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from nasdsl.errors import Span
from nasdsl.language import tree

Role = Literal[
    "genotype",
    "vocabulary",
    "kind",
    "block",
    "hidden",
    "op",
    "combine",
    "hole",
    "primitive",
    "argument",
    "setting",
    "value",
]


class Name(NamedTuple):
    """A name in a text.

    Attributes:
        role: what it names.
        text: as it is written, without white space.
        span: where it stands.
        defines: whether it is defined here, rather than used.
        cell: where the cell begins in which it stands, and outside of which a block is unknown;
            -1 outside cells.
        owner: the setting of a value, the primitive of an argument.
    """

    role: Role
    text: str
    span: Span
    defines: bool = False
    cell: int = -1
    owner: str = ""


_FIELD_ROLES: tuple[Role, ...] = ("block", "block", "op", "op", "combine")


def names_in(file: tree.File) -> tuple[Name, ...]:
    """The names of a text, in its order. Words that the parser made up are left out."""
    found = (name for item in file.items for name in _of_item(item))
    return tuple(sorted((name for name in found if name.text), key=lambda name: name.span))


def placed_before(names: Sequence[Name], offset: int) -> Iterator[int]:
    """The indices of the last names that begin at or before an offset, the nearest first."""
    index = bisect_right(names, offset, key=lambda name: name.span.start) - 1
    yield from range(index, max(index - 2, -1), -1)


def _of_item(item: tree.Item) -> Iterator[Name]:
    match item:
        case tree.Header(keyword, name):
            role: Role = "vocabulary" if keyword.text == "vocabulary" else "genotype"
            yield Name(role, name.text, name.span, defines=True)
        case tree.Ops(name):
            yield Name("vocabulary", name.text, name.span)
        case tree.Op(name, forms):
            yield Name("op", name.text, name.span, defines=True)
            for form in forms:
                yield from _of_form(form)
        case tree.Combine(name, form):
            yield Name("combine", name.text, name.span, defines=True)
            yield from _of_form(form)
        case tree.Cell():
            yield from _of_cell(item)
        case tree.Network(settings):
            for setting in settings:
                yield from _of_setting(setting)


def _of_form(form: tree.Form) -> Iterator[Name]:
    for layer in (layer for part in form.parts for layer in part.layers):
        yield Name("primitive", layer.name.text, layer.name.span)
        for argument in layer.arguments:
            if argument.name is not None:
                name = argument.name
                yield Name("argument", name.text, name.span, owner=layer.name.text)


def _of_setting(setting: tree.Setting) -> Iterator[Name]:
    yield Name("setting", setting.name.text, setting.name.span)
    role: Role = "genotype" if setting.name.text == "genotype" else "value"
    yield Name(role, setting.value.text, setting.value.span, owner=setting.name.text)


def _of_cell(cell: tree.Cell) -> Iterator[Name]:
    start = cell.span.start
    yield Name("kind", cell.kind.text, cell.kind.span, cell=start)
    for statement in cell.statements:
        match statement:
            case tree.Block(name, fields):
                yield Name("block", name.text, name.span, defines=True, cell=start)
                yield from _of_tuple(fields, start)
            case tree.Repeat(_, fields):
                yield from _of_tuple(fields, start)
            case tree.Output(_, states):
                for state in states:
                    yield _atom(state, "block", start)


def _of_tuple(fields: tree.Tuple, cell: int) -> Iterator[Name]:
    for role, field in zip(_FIELD_ROLES, fields.fields, strict=False):
        if isinstance(field, tree.Hole):
            yield Name("hole", "?", field.span, cell=cell)
        elif isinstance(field, tree.Choice):
            for option in field.options:
                yield _atom(option, role, cell)
        else:
            yield _atom(field, role, cell)


def _atom(atom: tree.Atom, role: Role, cell: int) -> Name:
    text = "".join(atom.text.split())
    return Name("hidden" if isinstance(atom, tree.State) else role, text, atom.span, cell=cell)
