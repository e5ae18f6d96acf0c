"""Where genotypes of DARTS stand in a text: Python, a log, JSON or YAML.

A genotype is `Genotype(...)`, in code or between the words of a log or of a string, or a
dictionary with DARTS's four fields. This module finds them and their names; `darts` reads them.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from nasdsl.errors import CellError, Span
from nasdsl.interop.foreign import Foreign, name_before
from nasdsl.interop.literals import LiteralValue, Python, called, enclosed
from nasdsl.interop.named_nodes import Named, named_nodes
from nasdsl.interop.yaml_tree import yaml_value

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
#: Fields whose presence in a dictionary makes it a genotype, or one that is not complete.
_TELLING = {"normal", "reduce"}
_CALL = "Genotype"
_YAML = (".yaml", ".yml")
# `Genotype(` and what follows it in a genotype, but not in `class Genotype(NamedTuple)`.
_TOKEN = re.compile(r"(?P<call>Genotype\s*\()|[()\[\]{}]")
_CONTENT = re.compile(r"\s*(?:\w+\s*=|[\[(*])")
_DICTIONARY = re.compile(r"""\{\s*["'](?:normal|reduce)(?:_concat)?["']\s*:""")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
# A field of a block of YAML; JSON and Python have quotes or brackets around it.
_YAML_FIELD = re.compile(r"(?m)^[ \t-]*(?:normal|reduce)_concat:(?=\s)")
_MAX_QUALIFIER = 60


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a genotype as they are written, and where they stand.

    Attributes:
        span: the genotype's place.
        values: what each field is given, in Python or as it was read already.
        places: where each field stands, its name included.
        extra: what is given after the four, without a name.
        python: the text that the expressions are of.
    """

    span: Span
    values: dict[str, ast.expr | LiteralValue]
    places: dict[str, Span]
    extra: tuple[ast.expr, ...] = ()
    python: Python | None = None


@dataclass(frozen=True, slots=True)
class GenotypePlace:
    """Where a genotype stands.

    Attributes:
        span: where; of a name of another genotype, where that name is given.
        path: its name after the names around it; empty where it has none.
        fields: finds out what it says; raises `CellError` (NAS651) where that is no genotype.
        identity: equal where one genotype has two names.
    """

    span: Span
    path: str
    fields: Callable[[Foreign], Fields]
    identity: object


def places(foreign: Foreign) -> list[GenotypePlace]:
    """Every genotype of the text, in order.

    Raises:
        CellError: there is none (NAS651).
    """
    is_yaml = PurePath(foreign.source.name).suffix.lower() in _YAML or bool(
        _YAML_FIELD.search(foreign.text)
    )
    readers = [_in_python, _in_words_of_all, _in_yaml]
    error = None
    for reader in readers[::-1] if is_yaml else readers:
        try:
            found = list(reader(foreign))
        except CellError as problem:
            error = error or problem
        else:
            if found:
                return found
    if error is not None:
        raise error
    raise foreign.cell_error("NAS651", "there is no `Genotype(...)` in the text")


# -- in Python -------------------------------------------------------------------------------


def _in_python(foreign: Foreign) -> Iterator[GenotypePlace]:
    python = _python(foreign)
    for named in named_nodes(python.tree, _is_wanted):
        if isinstance(named.node, ast.Constant):
            yield from _in_string(python, named)
        else:
            read = partial(_fields_of_node, python, named.node)
            yield GenotypePlace(python.span(named.at), named.path, read, python.span(named.node))


def _python(foreign: Foreign) -> Python:
    """The text as Python; JSON, which may be indented, is an expression."""
    try:
        return Python(foreign)
    except CellError:
        if not foreign.text.startswith(("{", "["), foreign.whole.start):
            raise
        return enclosed(foreign)


def _is_wanted(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str() as text):
            return f"{_CALL}(" in text or "normal_concat" in text
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            return {word.arg for word in keywords} >= _TELLING
        case ast.Call(args=args, keywords=keywords) if called(node).endswith(_CALL):
            # `Genotype(x)` in a program is made of what the program computes.
            return bool(keywords) or len(args) > 1
        case ast.Dict(keys=keys):
            return {key.value for key in keys if isinstance(key, ast.Constant)} >= _TELLING
    return False


def _fields_of_node(python: Python, node: ast.expr, foreign: Foreign) -> Fields:
    """The fields of a call or a dictionary; those of `**{...}` too."""
    span = python.span(node)
    if isinstance(node, ast.Dict):
        pairs = dict(python.pairs(node))
        return Fields(span, dict(pairs), _places(python, pairs), (), python)
    assert isinstance(node, ast.Call)
    values: dict[str, ast.expr] = dict(zip(FIELDS, node.args, strict=False))
    places = _places(python, values)
    for keyword in node.keywords:
        if keyword.arg is not None:
            values[keyword.arg] = keyword.value
            places[keyword.arg] = python.span(keyword)
        elif isinstance(keyword.value, ast.Dict):
            pairs = dict(python.pairs(keyword.value))
            values |= pairs
            places |= _places(python, pairs)
        else:
            text = "the fields stand somewhere else, and nothing here is executed"
            raise foreign.cell_error("NAS651", text, python.span(keyword.value))
    return Fields(span, dict(values), places, tuple(node.args[len(FIELDS) :]), python)


def _places(python: Python, values: dict[str, ast.expr]) -> dict[str, Span]:
    return {name: python.span(value) for name, value in values.items()}


def _in_string(python: Python, named: Named) -> Iterator[GenotypePlace]:
    """The genotypes of a string, which may be a log or a program of its own."""
    text = str(getattr(named.node, "value", ""))
    span = python.span(named.node)
    # A string without escapes has places of its own.
    at = python.foreign.text.find(text, span.start, span.end)
    yield from _in_words(text, at, span if at < 0 else None, named.path)


# -- among words -----------------------------------------------------------------------------


def _in_words_of_all(foreign: Foreign) -> Iterator[GenotypePlace]:
    return _in_words(foreign.text, 0, None, "")


def _in_words(text: str, offset: int, within: Span | None, path: str) -> Iterator[GenotypePlace]:
    """The genotypes of a text that need not be of any language; every bracket is met once.

    Searches print the genotype they have reached, after a time and between other words.

    Args:
        text: the text.
        offset: where it starts in the foreign text.
        within: where all of it stands, where it has no places of its own.
        path: what its genotypes are called that have no name in it.
    """

    def place(end: int, is_closed: bool) -> GenotypePlace:
        name = name_before(text, _start_of_call(text, start)) or path
        span = within or Span(offset + start, offset + end)
        if is_closed:
            read = partial(_fields_of_text, text[start:end], span.start, within)
        else:
            read = partial(_not_closed, span)
        return GenotypePlace(span, name, read, (span, start))

    start = 0
    brackets: list[str] = []
    for token in _TOKEN.finditer(text):
        bracket, at = token.group()[-1], token.start()
        is_call = token["call"] is not None and _CONTENT.match(text, token.end()) is not None
        if is_call or (not brackets and _DICTIONARY.match(text, at)):
            if brackets:
                yield place(at, is_closed=False)
            start, brackets = at, [bracket]
        elif not brackets:
            # Between genotypes a bracket means nothing: `[train: 1)` is no mistake here.
            continue
        elif bracket in _CLOSING:
            brackets.append(bracket)
        elif _CLOSING[brackets.pop()] != bracket:
            yield place(at, is_closed=False)
            brackets = []
        elif not brackets:
            yield place(at + 1, is_closed=True)
    if brackets:
        yield place(len(text), is_closed=False)


def _start_of_call(text: str, start: int) -> int:
    """Where `genotypes.Genotype` starts, of which `Genotype` was found."""
    at, least = start, max(start - _MAX_QUALIFIER, 0)
    while at > least and (text[at - 1].isalnum() or text[at - 1] in "._"):
        at -= 1
    return at


def _fields_of_text(text: str, offset: int, within: Span | None, foreign: Foreign) -> Fields:
    python = Python(foreign, text, offset, within)
    match python.tree.body:
        case [ast.Expr(value=ast.Call() | ast.Dict() as node)]:
            return _fields_of_node(python, node, foreign)
    raise foreign.cell_error("NAS651", "there is no `Genotype(...)` here")


def _not_closed(span: Span, foreign: Foreign) -> Fields:
    text = "this genotype is not closed: the text ends or breaks off in it"
    raise foreign.cell_error("NAS651", text, Span(span.start, min(span.start + 1, span.end)))


# -- in YAML ---------------------------------------------------------------------------------


def _in_yaml(foreign: Foreign) -> Iterator[GenotypePlace]:
    if not any(field in foreign.text for field in _TELLING) and _CALL not in foreign.text:
        return
    todo = [("", yaml_value(foreign))]
    while todo:
        path, value = todo.pop()
        match value.data:
            case dict() as pairs if pairs.keys() >= _TELLING:
                read = partial(_fields_of_pairs, value.span, pairs)
                yield GenotypePlace(value.span, path, read, value.span)
            case dict() as pairs:
                inner = [(f"{path}.{key}" if path else key, part) for key, part in pairs.items()]
                todo += reversed(inner)
            case list() as parts:
                inner = [(f"{path}.{at}" if path else "", part) for at, part in enumerate(parts)]
                todo += reversed(inner)
            case str() as text:
                yield from _in_words(text, 0, value.span, path)


def _fields_of_pairs(span: Span, pairs: dict[str, LiteralValue], foreign: Foreign) -> Fields:
    return Fields(span, {**pairs}, {name: value.span for name, value in pairs.items()})
