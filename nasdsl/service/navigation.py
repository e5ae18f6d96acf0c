"""From a name to where it is defined, to its uses, and to another name.

Purpose: `definition`, `references` and `rename`. Blocks are known in their cell, ops and combines
in their file and in the files that name it with `ops`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nasdsl import library
from nasdsl.errors import CellError, Source, Span
from nasdsl.language import tree
from nasdsl.language.parser import parse
from nasdsl.language.words import KEYWORDS
from nasdsl.service.document import Document
from nasdsl.service.names import Name

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Location(NamedTuple):
    """Somewhere in a text; `of_library` tells that the source is one of the library's."""

    source: Source
    span: Span
    of_library: bool = False


class Edit(NamedTuple):
    """Put `text` where `span` is."""

    source: Source
    span: Span
    text: str


class CannotRename(ValueError):
    """Why a name cannot be changed, in words."""


# -- definitions ---------------------------------------------------------------------------


def definition(document: Document, offset: int) -> Location | None:
    """Where the name at an offset is defined; None where it is not, or there is no name."""
    name = document.name_at(offset)
    if name is None:
        return None
    if name.role in ("vocabulary", "genotype") and not name.defines:
        return _file(document, name)
    own = next((each for each in document.names if _same(each, name) and each.defines), None)
    if own is not None:
        return Location(document.source, own.span)
    if name.role == "block":
        return _repeat_location(document, name)
    return _in_vocabulary(document, name) if name.role in ("op", "combine") else None


def _same(one: Name, other: Name) -> bool:
    """Whether two names of one file mean the same."""
    return (one.role, one.text) == (other.role, other.text) and (
        one.role not in ("block", "hidden") or one.cell == other.cell
    )


def _repeat_location(document: Document, name: Name) -> Location | None:
    """The `5 * (...)` that makes the block."""
    for span, blocks in document.blocks_at.items():
        for cell, index in blocks:
            place = document.analysis.resolution.places[cell.kind]
            inside = _cell_start(document, place.kind) == name.cell
            if inside and cell.blocks[index].name == name.text and span == place.blocks[index].name:
                return Location(document.source, span)
    return None


def _cell_start(document: Document, kind: Span) -> int:
    cells = (item for item in document.parsed.file.items if isinstance(item, tree.Cell))
    return next((cell.span.start for cell in cells if cell.kind.span == kind), -1)


def _file(document: Document, name: Name) -> Location | None:
    found = _text(document, name.text, vocabulary=name.role == "vocabulary")
    if found is None:
        return None
    headers = (item for item in parse(found.source).file.items if isinstance(item, tree.Header))
    header = next(headers, None)
    return found._replace(span=header.name.span) if header else found


def _in_vocabulary(document: Document, name: Name) -> Location | None:
    """The definition of an op or combine in the files that `ops NAME` leads to."""
    items, seen = document.parsed.file.items, {""}
    while True:
        base = next((item.name.text for item in items if isinstance(item, tree.Ops)), "")
        found = None if base in seen else _text(document, base, vocabulary=True)
        if found is None:
            return None
        seen.add(base)
        items = parse(found.source).file.items
        kind = tree.Op if name.role == "op" else tree.Combine
        for item in items:
            if isinstance(item, kind) and item.name.text == name.text:
                return found._replace(span=item.name.span)


def _text(document: Document, name: str, *, vocabulary: bool) -> Location | None:
    """The text of a name that other files define: beside the document, else the library's."""
    try:
        beside = document.beside(name) if name.isidentifier() else None
    except CellError:
        return None
    start = Span(0, 0)
    if beside is not None:
        return Location(beside, start)
    known = library.vocabulary_names() if vocabulary else library.names()
    if name not in known:
        return None
    read = library.vocabulary_source if vocabulary else library.source
    return Location(read(name), start, of_library=True)


# -- references ----------------------------------------------------------------------------


def references(
    document: Document, offset: int, others: Iterable[Document] = (), *, definitions: bool = True
) -> tuple[Location, ...]:
    """Every use of the name at an offset.

    Args:
        document: the text.
        offset: where the name stands.
        others: texts of the same folder. Those in which an op, a combine or a vocabulary means
            the same are searched too.
        definitions: whether the definition is one of them.
    """
    name = document.name_at(offset)
    if name is None or name.role == "hole":
        return ()
    places = [
        Location(each.source, found.span)
        for each, same in _meaning_the_same(document, name, others)
        for found in each.names
        if _same(found, same) and (definitions or not found.defines)
    ]
    return tuple(dict.fromkeys(places))


def _meaning_the_same(
    document: Document, name: Name, others: Iterable[Document]
) -> Iterator[tuple[Document, Name]]:
    """The documents in which a name means what it means in `document`."""
    yield document, name
    if name.role not in ("op", "combine", "vocabulary"):
        return
    origin = _definition_of(document, name)
    if origin is None:
        return
    for other in others:
        if other.source.name == document.source.name:
            continue
        found = next((each for each in other.names if _same(each, name)), None)
        if found is not None and _definition_of(other, found) == origin:
            yield other, found


def _definition_of(document: Document, name: Name) -> tuple[str, Span] | None:
    """The file and place that define a name."""
    if name.role == "vocabulary" and name.defines:
        return document.source.name, name.span
    place = definition(document, name.span.start)
    return None if place is None else (place.source.name, place.span)


# -- renaming ------------------------------------------------------------------------------


def renamable(document: Document, offset: int) -> Name:
    """The name at an offset, where it may be changed.

    Raises:
        CannotRename: it may not, and the message says why.
    """
    name = document.name_at(offset)
    if name is None:
        raise CannotRename("there is no name here")
    if any(found.is_error for found in document.parsed.diagnostics):
        raise CannotRename("the text has syntax errors")
    if name.role == "genotype" and name.defines:
        return name
    if name.role not in ("block", "op", "combine"):
        raise CannotRename(f"`{name.text}` is not a name that this file defines")
    place = definition(document, name.span.start)
    if place is None:
        raise CannotRename(f"`{name.text}` is not defined")
    if place.of_library:
        raise CannotRename(f"`{name.text}` belongs to the library, which cannot be changed")
    if place.source.text[place.span.start : place.span.end] != name.text:
        raise CannotRename(f"`{name.text}` is named by its position in a repeated block")
    return name


def rename(
    document: Document, offset: int, new: str, others: Iterable[Document] = ()
) -> tuple[Edit, ...]:
    """The edits that give the name at an offset another text, wherever it is used.

    Raises:
        CannotRename: the name cannot be changed, or not to that.
    """
    name = renamable(document, offset)
    if not _NAME.fullmatch(new):
        raise CannotRename(f"{new[:40]!r} is not a name: ASCII letters, digits and `_`")
    if new in KEYWORDS:
        raise CannotRename(f"`{new}` is a word of the language")
    others = tuple(others)
    edits: list[Edit] = []
    for each, same in (
        *_meaning_the_same(document, name, others),
        *_definitions(document, name, others),
    ):
        if new != name.text and _is_taken(each, same, new):
            raise CannotRename(f"`{new}` is taken")
        edits += [Edit(each.source, found.span, new) for found in each.names if _same(found, same)]
    return tuple(dict.fromkeys(edits))


def _definitions(
    document: Document, name: Name, others: tuple[Document, ...]
) -> Iterator[tuple[Document, Name]]:
    """The file that defines a name, where it is not the document itself."""
    place = definition(document, name.span.start)
    if place is None or place.source.name == document.source.name:
        return
    if all(other.source.name != place.source.name for other in others):
        yield Document(place.source, document.beside), name


def _is_taken(document: Document, name: Name, new: str) -> bool:
    if name.role == "genotype":
        return False
    if name.role == "block":
        return any(
            each.text == new and each.role == "block" and each.cell == name.cell
            for each in document.names
        ) or any(
            block.name == new
            for cell in document.cells
            for block in cell.blocks
            if _cell_start(document, document.analysis.resolution.places[cell.kind].kind)
            == name.cell
        )
    vocabulary = document.analysis.resolution.vocabulary
    return new in vocabulary.op or new in vocabulary.combine
