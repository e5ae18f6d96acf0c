"""Sound text to syntax, without lark: importing lark takes longer than checking a text.

Purpose: `sound_items` runs the LALR tables that lark has worked out from the grammar. They are in
`grammar/machine.json`, plain data that is used only if it was made from that very grammar.
Non-goals: text that the grammar refuses, in which recovery finds the mistakes.

Tokens are cut without looking at the parser's state, where lark's lexer tries only the kinds that
fit. What fits both ways is one and the same token, because the kinds are tried in the same order.
What does not (`+2` after a `]`) is cut again as lark's lexer does.
"""

import json
import re
from functools import cache
from typing import Any, NamedTuple, Protocol

from nasdsl import resources
from nasdsl.language.parser.builder import BUILDERS

#: Raised where what is written changes without the grammar.
FORMAT = 2


class Token(str):
    """A piece of text, and where it stands."""

    __slots__ = ("end_pos", "start_pos")

    start_pos: int
    end_pos: int


class _Spliced(list[Any]):
    """What a rule without a name has read: its children are those of the rule around it."""


class Known(Protocol):
    """Blocks that need not be read again."""

    def run(self, text: str, start: int) -> tuple[list[Any], int]:
        """Those from `start` on, one after the other, and where the last one ends."""


class Machine(NamedTuple):
    """The tables.

    Attributes:
        kinds: kinds of tokens and what they are written like, in the order in which to try them.
        ignored: the kinds that mean nothing.
        keywords: the kinds of the words of the language.
        states: for each state, what a kind of token or the name of a rule leads to: the state
            that comes next, or -1 - n to reduce by rule n.
        rules: name, how many children, and whether a single child stands for it.
        start: the state to begin in.
        end: the state in which a text is complete.
        patterns: what `tokens` has made.
    """

    kinds: list[tuple[str, str]]
    ignored: frozenset[str]
    keywords: dict[str, str]
    states: list[dict[str, int]]
    rules: list[tuple[str, int, bool]]
    start: int
    end: int
    patterns: dict[int | None, re.Pattern[str]]

    def tokens(self, state: int | None = None) -> re.Pattern[str]:
        """Finds a token, in a state one of a kind that fits there; groups are named for kinds."""
        if state not in self.patterns:
            fitting = self.ignored | self.states[state].keys() if state is not None else None
            ways = [
                f"(?P<{kind}>{way})"
                for kind, way in self.kinds
                if fitting is None or kind in fitting
            ]
            self.patterns[state] = re.compile("|".join(ways))
        return self.patterns[state]


@cache
def machine() -> Machine | None:
    """The tables in the file; None where they were not made from the grammar."""
    folder = resources.grammar()
    try:
        data = json.loads(folder.joinpath("machine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    grammar = folder.joinpath("cell.lark").read_text(encoding="utf-8")
    if not isinstance(data, dict) or (data.pop("format", None), data.pop("grammar", "")) != (
        FORMAT,
        grammar,
    ):
        return None
    data["ignored"] = frozenset(data["ignored"])
    return Machine(**data, patterns={})


def sound_items(text: str, known: Known | None = None) -> Any:
    """The items of a text that follows the grammar; None where it does not, or without tables."""
    found = machine()
    return None if found is None else _items(found, text, known)


def _items(machine: Machine, text: str, known: Known | None) -> Any:
    states, keywords, ignored = machine.states, machine.keywords, machine.ignored
    stack, values = [machine.start], list[Any]()
    at, resume = 0, True
    while resume:
        resume = False
        for match in machine.tokens().finditer(text, at):
            start, end = match.span()
            if start != at:
                return None
            at, kind = end, match.lastgroup or ""
            if kind in ignored:
                continue
            state = states[stack[-1]]
            # A word of the language is a name where only a name fits.
            if kind == "WORD" and keywords.get(match.group()) in state:
                kind = keywords[match.group()]
            if kind not in state:
                again = machine.tokens(stack[-1]).match(text, start)
                if again is None or again.lastgroup in ignored:
                    return None
                match, kind = again, again.lastgroup or ""
                at, resume = match.end(), True
            if not _reduced(machine, stack, values, kind):
                return None
            if known is not None and kind == "WORD" and _is_in_cell(states[stack[-1]], values):
                run, end = known.run(text, start)
                if run:
                    values[-1] += run
                    at, resume = end, True
                    break
            token = Token(match.group())
            token.start_pos, token.end_pos = start, at
            stack.append(states[stack[-1]][kind])
            values.append(token)
            if resume:
                break
    if at != len(text) or not _reduced(machine, stack, values, "$END"):
        return None
    return values[-1]


def _is_in_cell(state: dict[str, int], values: list[Any]) -> bool:
    """Whether another statement of a cell may begin, after those that have been read."""
    return "OUTPUT" in state and type(values[-1]) is _Spliced


def _reduced(machine: Machine, stack: list[int], values: list[Any], kind: str) -> bool:
    """Reduce until a token of a kind can be taken, or the text is complete; whether it can."""
    states, rules = machine.states, machine.rules
    while True:
        action = states[stack[-1]].get(kind)
        if action is None:
            return False
        if action >= 0:
            return True
        name, length, is_transparent = rules[-1 - action]
        read = values[len(values) - length :] if length else []
        # A list that grows by one is continued, because copying it each time would be quadratic.
        is_list = name[0] == "_" and bool(read) and type(read[0]) is _Spliced
        children: list[Any] = read.pop(0) if is_list else []
        for value in read:
            if type(value) is _Spliced:
                children += value
            else:
                children.append(value)
        if length:
            del stack[-length:], values[-length:]
        if name[0] == "_":
            values.append(children if is_list else _Spliced(children))
        elif is_transparent and len(children) == 1:
            values.append(children[0])
        else:
            values.append(BUILDERS[name](children))
        stack.append(states[stack[-1]][name])
        if kind == "$END" and stack[-1] == machine.end:
            return True
