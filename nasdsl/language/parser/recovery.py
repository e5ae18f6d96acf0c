"""Recovery: a syntax tree and every mistake, from text the grammar refuses.

Purpose: one run reports all syntax errors of a file, and later stages still see the rest.
Non-goals: guessing meaning.

The parser is driven token by token and only ever forward. Where a token does not fit,
the cheapest of four repairs is made: finish what is open because a new statement begins,
put in the punctuation that is missing, take a wrong bracket for the right one, or leave
the token out. Names that have to be made up are words of no characters, about which no
later stage complains.

Work is linear in the length of the text, and bounded by the number of mistakes: reading
stops at `MAX_MISTAKES`, and a line is given up where `MAX_UNFIT` of its tokens did not fit.
"""

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

from lark import Token, Tree, UnexpectedInput

from nasdsl.errors import Diagnostic, Fix, Label, Source, Span
from nasdsl.language.parser import messages, outside_cells
from nasdsl.language.parser.builder import token_span
from nasdsl.language.parser.foreign_syntax import (
    foreign_file_finding,
    foreign_kind,
    without_foreign_syntax,
)
from nasdsl.language.parser.grammar import fitting, lark_parser
from nasdsl.language.parser.known_blocks import KnownBlocks
from nasdsl.language.parser.machine import machine
from nasdsl.language.parser.parse import MAX_MISTAKES
from nasdsl.language.parser.tokens import LexedToken, invented_token, keyword_names, lexed_tokens
from nasdsl.language.tree import Block, Cell, Combine, Header, Item, Network, Op, Ops

# After the first few, nothing is reported of the tokens of a line that do not fit.
MAX_UNFIT = 2000

# A text with one of these is a `.cell` file, however damaged.
_DEFINING = (Cell, Combine, Header, Network, Op, Ops)

_OPENERS = {"LPAR": "RPAR", "LBRACE": "RBRACE", "LSQB": "RSQB"}
_CLOSERS = {"RPAR": ")", "RBRACE": "}", "RSQB": "]"}
_TOP = {"GENOTYPE", "VOCABULARY", "OPS", "OP", "COMBINE", "CELL", "NETWORK", "$END"}
_FIELD = {"WORD", "STATE", "QMARK", "LBRACE"}

# What may be put in where it is missing, and what must then follow.
_INSERTIONS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("COMMA", ",", frozenset(_FIELD)),
    ("EQUAL", "=", frozenset({"LPAR", "LSQB", "STATE", "NUMBER", "WORD"})),
    ("LPAR", "(", frozenset({"STATE", "QMARK", "WORD"})),
    ("LBRACE", "{", frozenset({"WORD", "OUTPUT", "NUMBER"})),
    ("LSQB", "[", frozenset({"WORD"})),
    ("STAR", "*", frozenset({"LPAR", "LSQB"})),
    ("VBAR", "|", frozenset({"WORD", "STATE"})),
    ("WORD", "", frozenset({"COMMA", "EQUAL", "LBRACE", "VBAR", "RBRACE"})),
)
# How an open construct is brought to its end when a new one begins.
_FINISHERS = (
    *("RPAR", "RSQB", "RBRACE", "UNUSED"),
    *("WORD", "NUMBER", "EQUAL", "STAR", "LPAR", "LSQB", "LBRACE"),
)
_FINISHED = {**_CLOSERS, "UNUSED": "unused"}


def items_or_mistakes(
    source: Source, text: str, known: KnownBlocks | None
) -> tuple[tuple[Item, ...], list[Diagnostic]]:
    """What `recovered_items` gives; without the machine's tables, of a sound text its items."""
    if machine() is None:
        try:
            items: Any = lark_parser().parse(text)
        except UnexpectedInput:
            pass
        else:
            return items, []
    return recovered_items(source, text, KnownBlocks() if known is None else known)


def recovered_items(
    source: Source, text: str, known: KnownBlocks
) -> tuple[tuple[Item, ...], list[Diagnostic]]:
    """The items that could be read from `text`, and every mistake in it, in order.

    `text` is the source's with unreadable characters blanked, so that places agree.
    """
    text, foreign = without_foreign_syntax(source, text, MAX_MISTAKES)
    recovery = _Recovery(source, text, known)
    recovery.findings += foreign
    items = recovery.run()
    known.keep_only(recovery.blocks, text)
    kind = foreign_kind(text) if len(recovery.findings) > 1 else None
    if kind and not any(isinstance(item, _DEFINING) for item in items):
        return (), [foreign_file_finding(source, kind)]
    return items, sorted(recovery.findings, key=lambda found: found.span or Span(0, 0))


class _Recovery:
    def __init__(self, source: Source, text: str, known: KnownBlocks) -> None:
        self.source, self.text, self.known = source, text, known
        self.blocks: list[Block] = []  # that were taken as a whole
        self.findings: list[Diagnostic] = []
        self.parser: Any = lark_parser().parse_interactive()  # lark's InteractiveParser
        self.open: list[Token] = []
        self.commas: list[int | None] = []  # of each open bracket that is a block's tuple
        self.last = ""  # the kind of the last token that was fed
        self.place = Span(0, 0)  # of the last token that was fed
        self.end = 0  # where the last token that was fed ends
        self.quiet = False  # something was left out, and the line has not ended since
        self.excused = False  # the line before was given up: its end is not reported
        self.skipping = False  # what was left out began a statement: the line means nothing
        self.in_network = False
        self.unfit = 0  # tokens of this line that did not fit
        self.unopened = 0  # braces that were left out and are open

    def run(self) -> tuple[Item, ...]:
        at: int | None = 0
        while at is not None:
            at = self.read_from(at)
        return self.finish()

    def read_from(self, start: int) -> int | None:
        """Take tokens from `start` on: to where to continue after something else, else None.

        That is the end of a line that is given up, or of blocks that were taken as a whole.
        """
        illegal: list[Span] = []
        end = LexedToken(invented_token("$END", "", len(self.text)), True, False)
        for read, following in pairwise(chain(lexed_tokens(self.text, illegal, start), [end])):
            room = MAX_MISTAKES - len(self.findings)
            self.findings += [
                messages.illegal_characters(self.source, span) for span in illegal[:room]
            ]
            illegal.clear()
            if len(self.findings) >= MAX_MISTAKES:
                self.findings.append(messages.too_many_errors(self.source, read.token))
                return None
            self.take(read, following.token.type)
            if read.first_of_line and self.take_blocks(read.token):
                return self.end
            if self.unfit > MAX_UNFIT:
                self.unfit = 0
                stop = self.text.find("\n", int(read.token.end_pos or 0))
                return len(self.text) if stop < 0 else stop
        return None

    def finish(self) -> tuple[Item, ...]:
        """Everything still open is closed without a word, and the items come out."""
        end = invented_token("$END", "", len(self.text))
        for _ in range(2 * len(_FINISHERS)):
            if end.type in self.accepted():
                items: tuple[Item, ...] = self.parser.feed_token(end)
                return items
            if not self.feed_first(self.finishers()):
                return ()
        return ()

    # -- one token --------------------------------------------------------------------

    def take(self, read: LexedToken, follower: str) -> None:
        token = read.token
        if read.first_of_line:
            self.excused, self.quiet, self.skipping = self.quiet, False, False
            self.unfit = 0
        if self.skipping and token.type != "RBRACE":
            self.unopened += int(token.type == "LBRACE" and not self.open)
            self.unfit += 1
            return
        if self.unopened and not (_begins(read, follower, in_tuple=False) and token.type in _TOP):
            # What stands in braces of something that is no item means nothing.
            self.unopened += {"LBRACE": 1, "RBRACE": -1}.get(token.type, 0)
            self.unfit += 1
            return
        self.unopened = 0
        if token.type == "$END":
            self.name_what_is_open()
            before = len(self.findings)
            if not self.close_for(token) and len(self.findings) == before:
                self.leave_out(token, quietly=False)
            return
        if self.feed(token):
            return
        self.unfit += 1
        begins = _begins(read, follower, in_tuple=self.field_number() is not None)
        if token.type in keyword_names() and not begins and self.feed(_as_word(token)):
            return
        if self.take_after_keyword(token, follower):
            return
        if (begins or self.closes_outer(token)) and self.close_for(token):
            return
        if self.put_in(token, quietly=read.after_illegal):
            return
        if self.take_bracket_for_another(read):
            return
        if not read.after_illegal and self.take_for_word(token, follower):
            return
        self.leave_out(token, quietly=read.after_illegal)

    def take_blocks(self, name: Token) -> bool:
        """Whether sound blocks, the first of this name, were taken without their tokens."""
        state: Any = self.parser.parser_state
        states, values = state.state_stack, state.value_stack
        # A name that has just been read after other statements, where another may begin.
        if name.type != "WORD" or len(values) < 2 or values[-1] is not name:
            return False
        if not isinstance(values[-2], Tree):
            return False
        if "OUTPUT" not in fitting(tuple(states[:-1])):
            return False
        run, end = self.known.run(self.text, int(name.start_pos or 0), read=True)
        if run:
            states.pop()
            values.pop()
            statements: Any = values[-1]
            statements.children += run
            self.blocks += run
            self.end, self.last = end, "RPAR"
        return bool(run)

    def feed(self, token: Token) -> bool:
        """Whether the token fitted; if it did, it is part of the tree now."""
        if token.type not in self.accepted():
            return False
        self.parser.feed_token(token)
        self.place = token_span(token)
        self.end = max(self.end, self.place.end)
        if token.type in _OPENERS:
            is_tuple = token.type == "LPAR" and self.last in ("EQUAL", "STAR")
            self.open.append(token)
            self.commas.append(0 if is_tuple else None)
        elif token.type in _CLOSERS and self.open:
            self.open.pop()
            self.commas.pop()
        elif token.type == "COMMA" and self.commas and self.commas[-1] is not None:
            self.commas[-1] += 1
        if token.type in ("CELL", "NETWORK"):
            self.in_network = token.type == "NETWORK"
        self.last = token.type
        return True

    def feed_first(self, kinds: Iterator[str]) -> str | None:
        """The first of `kinds` that fits, put in where the last token ended."""
        for kind in kinds:
            if self.feed(invented_token(kind, _FINISHED.get(kind, ""), self.end)):
                return kind
        return None

    def accepted(self) -> frozenset[str]:
        """The kinds of token that would fit."""
        return fitting(tuple(self.parser.parser_state.state_stack))

    def finishers(self) -> Iterator[str]:
        accepted = self.accepted()
        return (kind for kind in _FINISHERS if kind in accepted)

    # -- a word that an item begins with ----------------------------------------------

    def take_after_keyword(self, token: Token, follower: str) -> bool:
        """Whether it was a sign, or a name too many, between such a word and what follows it."""
        if self.accepted() == {"LBRACE"} and token.type == "WORD" and follower == "LBRACE":
            kind = "NETWORK" if self.last == "NETWORK" else "CELL"
            self.report(outside_cells.name_before_brace(self.source, token, kind))
            return True
        if self.last not in outside_cells.NAMED or self.accepted() != {"WORD"}:
            return False
        if token.type == "EQUAL" and follower == "WORD":
            self.report(outside_cells.sign_after_keyword(self.source, token, self.last))
            return True
        if token.type == "NUMBER":
            return False
        self.name_what_is_open()
        if not self.feed(token):
            self.leave_out(token, quietly=True)
        return True

    def name_what_is_open(self) -> None:
        """Put in the name of an item that has just begun and needs one."""
        if self.last in outside_cells.NAMED and self.accepted() == {"WORD"}:
            self.report(outside_cells.missing_name(self.source, self.last, self.place))
            self.feed(invented_token("WORD", "", self.end))
            self.excused = self.quiet = True

    # -- the four repairs -------------------------------------------------------------

    def close_for(self, token: Token) -> bool:
        """Finish what is open until `token`, which begins something new, fits."""
        expected, opened = self.accepted(), list(self.open)
        put_in: list[str] = []
        field = self.field_number()
        where = self.end
        while not (fits := self.is_between() and token.type in self.accepted()):
            kind = self.feed_first(self.finishers()) if len(put_in) < 8 else None
            if kind is None:
                break
            put_in.append(kind)
        if self.excused:
            self.excused = False
        elif put_in and set(put_in) <= set(_CLOSERS):
            closed = opened[len(opened) - len(put_in) :]
            self.report(messages.not_closed(self.source, closed, where, token))
        elif put_in:
            found = invented_token("$END", "", where) if token.type == "$END" else token
            self.report(messages.unexpected_token(self.source, found, expected, field))
        if not fits and not put_in and not self.quiet:
            return False
        if fits and token.type != "$END":
            self.feed(token)
        return fits

    def put_in(self, token: Token, *, quietly: bool) -> bool:
        """Put in the one token whose lack keeps `token` from fitting."""
        accepted = self.accepted()
        for kind, text, followers in _INSERTIONS:
            if kind not in accepted or token.type not in followers:
                continue
            if not self.is_plain(kind, token, accepted):
                continue
            field, where = self.field_number(), self.end
            self.feed(invented_token(kind, text, where))
            if not quietly and not self.quiet:
                self.report(messages.missing_text(self.source, token, text, where, field))
            return self.feed(token)
        return False

    def is_plain(self, kind: str, token: Token, accepted: frozenset[str]) -> bool:
        """Whether nothing but `kind` can be what is missing."""
        if kind == "LBRACE":
            return len(accepted) == 1  # else a choice might begin here
        if kind == "WORD":
            return "RBRACE" not in accepted or "VBAR" in accepted
        return kind != "EQUAL" or self.in_network or token.type in ("LPAR", "LSQB", "STATE")

    def take_bracket_for_another(self, read: LexedToken) -> bool:
        """`(a, b]` is read as `(a, b)`; a cell is only closed at the start of a line."""
        token = read.token
        if token.type not in _CLOSERS or not self.open:
            return False
        wanted = _OPENERS[self.open[-1].type]
        if wanted == "RBRACE" and not read.first_of_line:
            return False
        opened = self.open[-1]
        if wanted == token.type or not self.feed(
            Token(wanted, _CLOSERS[wanted], start_pos=token.start_pos, end_pos=token.end_pos)
        ):
            return False
        span = token_span(token)
        right = _CLOSERS[wanted]
        self.report(
            Diagnostic(
                "NAS102",
                f"expected `{right}`, found `{token}`",
                self.source,
                span,
                label=f"this should be `{right}`",
                secondary=(Label(token_span(opened), "to close this"),),
                fixes=(Fix(span, right, f"write `{right}`", safe=True),),
            )
        )
        return True

    def take_for_word(self, token: Token, follower: str) -> bool:
        """`3x3_conv` is read as a name that is missing, `cel` as the keyword `cell`."""
        accepted = self.accepted()
        field = self.field_number()
        if token.type == "NUMBER" and "WORD" in accepted:
            self.report(messages.not_a_name(self.source, token, field))
            return self.feed(invented_token("WORD", "", int(token.start_pos or 0)))
        if token.type != "WORD" or "CELL" not in accepted or self.quiet:
            return False
        if follower == "LBRACE" and outside_cells.is_cell_kind(str(token)):
            self.report(outside_cells.kind_without_cell(self.source, token))
            self.feed(invented_token("CELL", "cell", int(token.start_pos or 0)))
            return self.feed(token)
        keyword = messages.nearest_keyword(token)
        if keyword is None:
            return False
        self.report(messages.unexpected_token(self.source, token, accepted, field))
        kind = keyword.upper()
        return self.feed(Token(kind, keyword, start_pos=token.start_pos, end_pos=token.end_pos))

    def leave_out(self, token: Token, *, quietly: bool) -> None:
        if not quietly and not self.quiet:
            accepted = self.accepted()
            self.report(
                messages.unexpected_token(self.source, token, accepted, self.field_number())
            )
        self.unopened = int(token.type == "LBRACE" and not self.open)
        self.quiet = True
        self.skipping = not self.open or self.open[-1].type == "LBRACE"

    # -- where we are -----------------------------------------------------------------

    def closes_outer(self, token: Token) -> bool:
        """Whether `token` closes a bracket around the innermost open one."""
        return any(_OPENERS[opened.type] == token.type for opened in self.open[:-1])

    def field_number(self) -> int | None:
        """The index of the field being read, where a block's tuple is open."""
        return self.commas[-1] if self.commas else None

    def is_between(self) -> bool:
        """Whether no list is open, so that what comes next is an item or a statement."""
        return all(opened.type == "LBRACE" for opened in self.open)

    def report(self, finding: Diagnostic) -> None:
        if not self.quiet:
            self.findings.append(finding)


def _begins(read: LexedToken, follower: str, *, in_tuple: bool) -> bool:
    """Whether a new item or statement seems to begin here, whatever is still open."""
    kind = read.token.type
    if kind == "RBRACE":
        return read.first_of_line
    if not read.first_of_line:
        return kind in ("CELL", "NETWORK") and follower in ("WORD", "LBRACE")
    if kind in _TOP or kind == "OUTPUT":
        return follower != "EQUAL"
    if in_tuple and (kind, follower) == ("WORD", "LPAR"):
        return True
    return (kind, follower) in (("WORD", "EQUAL"), ("NUMBER", "STAR"))


def _as_word(token: Token) -> Token:
    return Token("WORD", str(token), start_pos=token.start_pos, end_pos=token.end_pos)
