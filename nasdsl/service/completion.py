"""What may be written at a place of a text, complete or not.

Purpose: `completions`. The text before the place is read token by token, because a text that is
being written rarely has a sound tree; what names mean comes from the document.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from nasdsl import library
from nasdsl.errors import Span
from nasdsl.language.genotype.resolve import given_state_count
from nasdsl.language.genotype.settings import DEFAULT_SKELETON, RULES, stem_names
from nasdsl.language.genotype.types import CELL_KINDS, hidden
from nasdsl.language.parser.tokens import lexed_tokens
from nasdsl.primitives import ARGUMENTS, layer_of, words_of
from nasdsl.service.document import Document

CompletionKind = Literal[
    "keyword", "op", "combine", "block", "hidden", "primitive", "argument", "setting", "value",
    "vocabulary", "genotype", "kind", "hole",
]  # fmt: skip


class Completion(NamedTuple):
    """Something that may stand in place of `span`.

    Attributes:
        label: what is shown.
        kind: what it is.
        span: the part of the text that it replaces: what has been typed of it.
        text: what is inserted. In a snippet `$1`, `$2`, ... are places to fill in.
        detail: a few words about it.
        is_snippet: whether `text` has such places.
    """

    label: str
    kind: CompletionKind
    span: Span
    text: str
    detail: str = ""
    is_snippet: bool = False


_ITEM = re.compile(r"^[ \t]*(?:cell|network|op|combine|ops|genotype|vocabulary)\b", re.MULTILINE)
_TYPED = re.compile(r"(?:[A-Za-z]\s?\[[^\[\](){},|#\n]*|[A-Za-z_]\w*)?\Z")
# A place of a snippet: `$1`, or `${1:text}` with brackets in it that are closed.
_FILLED = re.compile(r"\$\d|\$\{\d:([^{}]*)\}")
_BLOCK = "(${1:h[i]}, ${2:h[i-1]}, ${3:?}, ${4:?}, ${5:add})"
_FILE_SNIPPETS = {
    "genotype": ("genotype ${1:name}", "name of the genotype"),
    "vocabulary": ("vocabulary ${1:name}", "this file is a vocabulary"),
    "ops": ("ops ${1:nasnet}", "the vocabulary of this file"),
    "op": ("op ${1:name} = [${2:relu}]", "define an op"),
    "combine": ("combine ${1:name} = [${2:sum}]", "define a combine"),
    "cell": (
        "cell ${1:normal} {\n    b0 = " + _BLOCK.replace("${1:", "${6:") + "\n    output unused\n}",
        "a cell of blocks",
    ),
    "network": ("network {\n    ${1:N} = ${2:6}\n}", "settings of the network"),
}


@dataclass
class _Place:
    """Where the end of a row of tokens is."""

    item: str = ""
    brackets: list[str] = field(default_factory=list)
    commas: int = 0
    before: list[tuple[str, str]] = field(default_factory=list)
    layer: str = ""

    @property
    def last(self) -> str:
        return self.before[-1][0] if self.before else ""

    def take(self, kind: str, text: str) -> None:
        if kind in ("CELL", "NETWORK", "OP", "COMBINE", "OPS", "GENOTYPE", "VOCABULARY"):
            if not self.brackets and self.last != "OPS":
                self.item, self.commas, self.before = kind, 0, []
        elif kind in ("LPAR", "LSQB", "LBRACE"):
            if kind == "LPAR":
                self.layer = self.before[-1][1] if self.before else ""
            self.brackets.append(kind)
            self.commas = self.commas if kind == "LBRACE" and len(self.brackets) > 1 else 0
        elif kind in ("RPAR", "RSQB", "RBRACE"):
            if self.brackets:
                self.brackets.pop()
            if kind == "RBRACE" and not self.brackets:
                self.item = ""
        elif kind == "COMMA" and self.brackets:
            self.commas += 1
        self.before.append((kind, text))


def plain_text(completion: Completion) -> str:
    """What a completion inserts where an editor cannot fill in places of a snippet."""
    return _FILLED.sub(lambda match: match[1] or "", completion.text)


def completions(document: Document, offset: int) -> tuple[Completion, ...]:
    """What may be written at an offset, in the order in which it should be shown."""
    text = document.text
    line = text.rfind("\n", 0, offset) + 1
    if "#" in text[line:offset]:
        return ()
    typed = _TYPED.search(text, max(line, offset - 200), offset)
    start = offset if typed is None else typed.start()
    begins = [match.start() for match in _ITEM.finditer(text, 0, start)]
    place = _Place()
    for read in lexed_tokens(text[:start], [], begins[-1] if begins else 0):
        if read.token.type != "$END":
            place.take(read.token.type, str(read.token))
    found = _Completer(document, place, Span(start, offset))
    return tuple(found.run())


class _Completer:
    def __init__(self, document: Document, place: _Place, span: Span) -> None:
        self.document, self.place, self.span = document, place, span
        self.vocabulary = document.analysis.resolution.vocabulary

    def run(self) -> Iterator[Completion]:
        place = self.place
        if place.last in ("GENOTYPE", "VOCABULARY") and not place.brackets:
            return
        if place.item == "OPS" and place.last == "OPS":
            yield from self.words("vocabulary", self.vocabulary_names())
        elif place.item == "CELL":
            yield from self.in_cell()
        elif place.item == "NETWORK":
            yield from self.in_network()
        elif place.item in ("OP", "COMBINE"):
            yield from self.in_definition()
            if not place.brackets and place.last == "RSQB":
                yield from self.in_file()
        else:
            yield from self.in_file()

    def word(
        self, kind: CompletionKind, label: str, detail: str = "", text: str = ""
    ) -> Completion:
        return Completion(label, kind, self.span, text or label, detail, is_snippet=bool(text))

    def words(self, kind: CompletionKind, labels: Iterable[str]) -> Iterator[Completion]:
        for label in labels:
            yield self.word(kind, label)

    # -- places --------------------------------------------------------------------------

    def in_file(self) -> Iterator[Completion]:
        for keyword, (text, about) in _FILE_SNIPPETS.items():
            yield self.word("keyword", keyword, about, text)

    def in_cell(self) -> Iterator[Completion]:
        place = self.place
        if not place.brackets:
            if place.last == "CELL":
                yield from self.words("kind", CELL_KINDS)
            return
        words = [kind for kind, _ in place.before[-2:]]
        if place.brackets == ["LBRACE"]:
            if place.last == "OUTPUT":
                yield self.word("keyword", "unused", "the blocks that no block reads")
                yield self.word("keyword", "concat", "these states together", "concat($1)")
                yield self.word("keyword", "each", "these states, one by one", "each($1)")
            elif place.last in ("LBRACE", "RPAR", "UNUSED"):
                name = f"b{len(self.blocks())}"
                yield self.word("block", f"{name} = (...)", "a block", f"{name} = {_BLOCK}")
                yield self.word("keyword", "output", "what the cell passes on", "output ")
            return
        if self.is_output():
            yield from self.inputs()
            return
        if words[-1:] and words[-1] in ("LPAR", "COMMA", "LBRACE", "VBAR"):
            yield from self.in_field(min(place.commas, 4))

    def is_output(self) -> bool:
        """Whether the open bracket is that of an output."""
        for kind, _ in reversed(self.place.before):
            if kind in ("CONCAT", "EACH"):
                return True
            if kind in ("EQUAL", "STAR", "OUTPUT", "CELL"):
                return False
        return False

    def in_field(self, number: int) -> Iterator[Completion]:
        if number < 2:
            yield from self.inputs()
        elif number < 4:
            for op in self.vocabulary.ops:
                yield self.word("op", op.name, op.definition)
        else:
            for combine in self.vocabulary.combines:
                yield self.word("combine", combine.name, combine.definition)
        if self.place.brackets[-1] == "LPAR":
            yield self.word("hole", "?", "anything that is legal here")

    def inputs(self) -> Iterator[Completion]:
        for back in range(given_state_count(self.document.parsed.file.items)):
            about = f"{back} before the newest" if back else "the newest hidden state"
            yield self.word("hidden", str(hidden(back)), about)
        yield from self.words("block", self.blocks())

    def blocks(self) -> list[str]:
        """The names of the blocks of this cell up to here."""
        tokens, found = self.place.before, []
        own = [
            tokens[i][1]
            for i in range(len(tokens) - 1)
            if tokens[i][0] == "WORD" and tokens[i + 1][0] == "EQUAL"
        ]
        complete = self.place.brackets == ["LBRACE"] or self.is_output()
        found += own if complete else own[:-1]
        return list(dict.fromkeys(found))

    def in_network(self) -> Iterator[Completion]:
        place = self.place
        if not place.brackets:
            return
        if place.last == "EQUAL":
            yield from self.values(place.before[-2][1] if len(place.before) > 1 else "")
            return
        given = {
            place.before[i][1]
            for i in range(len(place.before) - 1)
            if place.before[i + 1][0] == "EQUAL"
        }
        if "genotype" not in given:
            about = "the genotype whose cells are stacked"
            yield self.word("setting", "genotype", about, "genotype = ")
        for name, rule in RULES.items():
            if name not in given:
                yield self.word("setting", name, rule.sentence, f"{name} = ")

    def values(self, setting: str) -> Iterator[Completion]:
        if setting == "genotype":
            yield from self.words("genotype", [*self.document.neighbours, *library.names()])
        elif setting == "stem":
            yield from self.words("value", stem_names(self.skeleton()))
        elif setting in RULES:
            words = RULES[setting].words
            yield from self.words(
                "value", ("true", "false") if RULES[setting].type is bool else words
            )

    def skeleton(self) -> str | None:
        for name, following in zip(self.document.names, self.document.names[1:], strict=False):
            if name.role == "setting" and name.text == "skeleton":
                return following.text if following.text in RULES["skeleton"].words else None
        return DEFAULT_SKELETON

    def in_definition(self) -> Iterator[Completion]:
        place = self.place
        if place.brackets == ["LSQB"] and place.last in ("LSQB", "COMMA"):
            first = place.last == "LSQB" and sum(kind == "LSQB" for kind, _ in place.before) == 1
            beginning = place.item == "COMBINE" and first
            for word in words_of("combine" if beginning else "chain"):
                record = layer_of(word)
                yield self.word("primitive", word, record.help if record is not None else "")
        elif place.brackets == ["LSQB", "LPAR"]:
            record = layer_of(place.layer)
            for name in record.arguments if record is not None else ():
                yield self.word("argument", name, ARGUMENTS[name].example)
        elif not place.brackets and place.last == "RSQB" and place.item == "OP":
            yield self.word("keyword", "else", "another form", "else [$1]")

    def vocabulary_names(self) -> list[str]:
        names = [*self.document.neighbours, *library.vocabulary_names()]
        return list(dict.fromkeys(names))
