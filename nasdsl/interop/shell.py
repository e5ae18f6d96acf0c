"""What the variables of a shell script are when it ends, as far as that shows without running it.

Comments, quotes, `$x`, `${x}`, `x=`, `x+=` and `--x "..."` are read. A value that is set in a
branch or a loop is one of several that the variable may have.
"""

import re
from dataclasses import dataclass

from nasdsl.errors import Span

#: How many values of one variable are kept, and how many words a value may have.
_MAX_VALUES, MAX_WORDS = 100, 10_000
# Each alternative ends where the next bracket or quote of its kind begins, so no text is
# scanned twice.
_TOKEN = re.compile(
    r"""(?m)(?<!\S)\#[^\n]*
    |(?:^|;)[ \t]*(?P<keyword>if|case|for|while|until|fi|esac|done)\b
    |(?<![\w$./])(?P<flag>--)?(?P<name>[A-Za-z_]\w*)
     (?:[ \t]*(?P<more>\+?)=[ \t]*|(?(flag)[ \t]+(?=["'])|(?!)))
     (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|\[(?P<list>[^\[\]]*)\]|(?P<bare>[^\s"';\[\]]*))""",
    re.VERBOSE,
)
_WORD = re.compile(r"\$\{(?P<braced>\w+)\}|\$(?P<plain>\w+)|[^\s$,\\]+|\$")


@dataclass(frozen=True, slots=True)
class ShellWord:
    """A word of a value, and where it stands."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that a variable may have at the end."""

    name: str
    parts: tuple["ShellWord | Variable", ...]
    span: Span

    def words(self) -> list[ShellWord]:
        """The words, with those of other variables in their place; at most `MAX_WORDS` + 1."""
        found: list[ShellWord] = []
        todo: list[ShellWord | Variable] = [self]
        while todo and len(found) <= MAX_WORDS:
            part = todo.pop()
            if isinstance(part, ShellWord):
                found.append(part)
            else:
                todo += reversed(part.parts)
        return found


def variables(text: str) -> list[Variable]:
    """Every value that a variable may have when the script has run, in order."""
    found: dict[str, list[Variable]] = {}
    depth = 0
    for token in _TOKEN.finditer(text):
        if keyword := token["keyword"]:
            depth = max(depth - 1, 0) if keyword in ("fi", "esac", "done") else depth + 1
        if not (name := token["name"]):
            continue
        before = found.setdefault(name, [])
        parts = _parts(text, token, found)
        if token["more"]:
            parts = (*_of_one(before[-1:]), *parts)
        value = Variable(name, parts, Span(token.start("name"), token.end()))
        if not depth:
            before.clear()
        if len(before) < _MAX_VALUES:
            before.append(value)
    values = [value for each in found.values() for value in each]
    return sorted(values, key=lambda value: value.span)


def _of_one(known: "list[Variable]") -> "tuple[ShellWord | Variable, ...]":
    """A variable as a part of another; what it has in its place where that is less than two.

    So a value of n words is a tree of no more than n branches, however often `x="$x $x"` stands
    there.
    """
    return tuple(
        part for each in known for part in (each.parts if len(each.parts) < 2 else (each,))
    )


def _parts(
    text: str, token: "re.Match[str]", found: dict[str, list[Variable]]
) -> tuple[ShellWord | Variable, ...]:
    """The words and variables of a value; in single quotes `$` means nothing."""
    group = next(name for name in ("double", "single", "list", "bare") if token[name] is not None)
    parts: list[ShellWord | Variable] = []
    for word in _WORD.finditer(text, token.start(group), token.end(group)):
        known = found.get(word["braced"] or word["plain"] or "")
        if known and group != "single":
            parts += _of_one(known[-1:])
        else:
            parts.append(ShellWord(word.group(), Span(*word.span())))
    return tuple(parts)
