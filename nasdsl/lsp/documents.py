"""The texts that a client has open, and what is known about them.

Purpose: `Documents`, which makes a `nasdsl.service.Document` of each text when it is first asked
for, and forgets those that a change may concern: the text itself, and the texts of the same folder
that looked it up.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from nasdsl import resources
from nasdsl.errors import CellError, Source
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.language.memory import TextMemory
from nasdsl.language.parser import read_file
from nasdsl.lsp.positions import LinePositions
from nasdsl.service import Document, Location


@dataclass
class _Open:
    """One open text.

    `looked_up` are the names that were looked up beside it since `document` was made; `memory` is
    what is known of its blocks, through all edits.
    """

    text: str
    version: int | None
    document: Document | None = None
    lines: LinePositions | None = None
    looked_up: set[str] = field(default_factory=set)
    memory: TextMemory = field(default_factory=TextMemory)

    def forgotten(self) -> "_Open":
        """The same text, about which everything has to be asked again."""
        return _Open(self.text, self.version, lines=self.lines, memory=self.memory)


class Documents:
    """Open texts by URI. Texts that are not open are read from disk, and not kept."""

    def __init__(self) -> None:
        self.encoding: types.PositionEncodingKind | str = types.PositionEncodingKind.Utf16
        self.settings: Settings = NO_SETTINGS
        self._open: dict[str, _Open] = {}

    @property
    def uris(self) -> tuple[str, ...]:
        """The URIs of the open texts."""
        return tuple(self._open)

    # -- changes ---------------------------------------------------------------------------

    def open(self, uri: str, text: str, version: int | None) -> tuple[str, ...]:
        """Keep a text that a client has opened; the open texts that this concerns."""
        self._open[uri] = _Open(text, version)
        return self.changed(uri)

    def close(self, uri: str) -> tuple[str, ...]:
        """Forget a text; the open texts that this concerns: they see the file on disk now."""
        self._open.pop(uri, None)
        return self.changed(uri)

    def change(
        self, uri: str, changes: "list[types.TextDocumentContentChangeEvent]", version: int | None
    ) -> tuple[str, ...]:
        """Apply a client's changes, in order; the open texts that this concerns."""
        if uri not in self._open:
            return ()
        for change in changes:
            opened = self._open[uri]
            if isinstance(change, types.TextDocumentContentChangePartial):
                span = self.lines(uri).span(change.range)
                text = opened.text[: span.start] + change.text + opened.text[span.end :]
            else:
                text = change.text
            self._open[uri] = _Open(text, version, memory=opened.memory)
        return self.changed(uri)

    def changed(self, uri: str) -> tuple[str, ...]:
        """Forget what is known of the texts that a change of `uri` concerns; their URIs."""
        concerned = [uri] if uri in self._open else []
        path = _path(uri)
        for other, opened in self._open.items():
            beside = path is not None and _path(other) is not None
            if other != uri and beside and self._depends(other, opened, Path(str(path))):
                concerned.append(other)
        for each in concerned:
            self._open[each] = self._open[each].forgotten()
        return tuple(concerned)

    def configure(self, settings: Settings) -> None:
        """Count the networks of these settings from now on."""
        self.settings = settings
        for uri, opened in self._open.items():
            self._open[uri] = opened.forgotten()

    def _depends(self, uri: str, opened: _Open, path: Path) -> bool:
        return Path(str(_path(uri))).parent == path.parent and path.stem in opened.looked_up

    # -- texts -----------------------------------------------------------------------------

    def version(self, uri: str) -> int | None:
        """The version of an open text."""
        return self._open[uri].version if uri in self._open else None

    def document(self, uri: str) -> Document:
        """What is known about a text, open or not.

        Raises:
            CellError: it is not open, and cannot be read.
        """
        opened = self._open.get(uri)
        if opened is None:
            path = _path(uri)
            text = "" if path is None else read_file(path).text
            return self._new_document(uri, _Open(text, None))
        if opened.document is None:
            opened.document = self._new_document(uri, opened)
        return opened.document

    def neighbours(self, uri: str) -> tuple[Document, ...]:
        """The other texts of the same folder: open ones as they are, others as they are on disk."""
        path = _path(uri)
        if path is None:
            return ()
        found = []
        for name in self._names_beside(uri):
            try:
                found.append(self.document(_uri(Path(path).parent / f"{name}.cell")))
            except CellError:
                continue  # it cannot be read, and so means nothing to this text
        return tuple(found)

    def lines(self, uri: str) -> LinePositions:
        """The lines of a text."""
        opened = self._open.get(uri)
        if opened is None:
            return LinePositions(self.document(uri).text, self.encoding)
        if opened.lines is None:
            opened.lines = LinePositions(opened.text, self.encoding)
        return opened.lines

    def uri_of(self, place: Location, asked: str) -> str:
        """The URI of a place that was found for the text `asked`."""
        if place.of_library:
            return _library_uri(place.source)
        if place.source.name == _name(asked):
            return asked
        return self._uri_at(Path(place.source.name))

    def lines_of(self, source: Source) -> LinePositions:
        """The lines of a text that was found."""
        return LinePositions(source.text, self.encoding)

    def _uri_at(self, path: Path) -> str:
        """The URI by which a client knows a file, which may be written in several ways."""
        return next((uri for uri in self._open if _path(uri) == str(path)), _uri(path))

    def _names_beside(self, uri: str) -> tuple[str, ...]:
        path = _path(uri)
        if path is None:
            return ()
        folder = Path(path).parent
        opened = (Path(found) for other in self._open if (found := _path(other)) is not None)
        try:
            on_disk = list(folder.glob("*.cell"))
        except OSError:
            on_disk = []
        paths = {each for each in [*opened, *on_disk] if each.parent == folder}
        names = {each.stem for each in paths if each.suffix == ".cell" and each != Path(path)}
        return tuple(sorted(name for name in names if name.isidentifier()))

    def _new_document(self, uri: str, opened: _Open) -> Document:
        path = _path(uri)

        def beside(name: str) -> Source | None:
            opened.looked_up.add(name)
            if path is None:
                return None
            file = Path(path).parent / f"{name}.cell"
            other = self._open.get(self._uri_at(file))
            if other is not None:
                return Source(str(file), other.text)
            return read_file(file) if os.path.isfile(file) else None

        source = Source(_name(uri), opened.text)
        return Document(source, beside, self.settings, self._names_beside(uri), opened.memory)


def _path(uri: str) -> str | None:
    """The path of a file; None for texts that are in no file."""
    return to_fs_path(uri)


def _name(uri: str) -> str:
    return _path(uri) or f"<{uri[:200]}>"


def _uri(path: Path) -> str:
    return from_fs_path(str(path)) or path.as_uri()


def _library_uri(source: Source) -> str:
    """The URI of a file of the library; a genotype and a vocabulary may have the same name."""
    folder = resources.genotypes()
    for found in (folder.joinpath("vocabularies", source.name), folder.joinpath(source.name)):
        if found.is_file() and found.read_text(encoding="utf-8") == source.text:
            return _uri(Path(str(found)))
    return f"nasdsl-library:/{source.name}"
