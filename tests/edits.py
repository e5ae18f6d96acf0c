"""Random edits of a text, as somebody who writes in an editor makes them.

Shared by `tests/test_service.py`, `tests/test_lsp.py` and `bench/editor.py`. An edit depends on a
generator and the text alone, so a failure is reproduced by its seed.
"""

from random import Random
from typing import NamedTuple

# Whatever the language is written with, some of what it is not, and characters of one, two and
# four bytes, which editors count differently.
_PIECES = (
    *("cell normal {\n", "}\n", "output unused\n", "output concat(b0)\n", "ops nasnet\n"),
    *(
        "    b9 = (h[i], b0, identity, identity, add)\n",
        "5 * (?, ?, ?, ?, ?)\n",
        "network { N = 3 }",
    ),
    *("op mine = [relu, conv(3x3, stride)]\n", "# a comment\n", "h[i-1]", "sep_conv_3x3", "else"),
    *"(){}[],=|*+/?-#;:\"' \n",
    *("\r\n", "\r", "\t", "\x0b", "\x85", "\u2028", "é", "名", "\U0001f600", "\0"),
)


class RandomEdit(NamedTuple):
    """Put `text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str

    def applied(self, text: str) -> str:
        """The text after the edit."""
        return text[: self.start] + self.text + text[self.end :]


def random_edit(random: Random, text: str) -> RandomEdit:
    """An edit of a text: a piece or a letter put in, some characters or a line taken away."""
    start = random.randint(0, len(text))
    kind = random.random()
    if kind < 0.35:
        return RandomEdit(start, start, random.choice(_PIECES))
    if kind < 0.6:
        return RandomEdit(start, start, random.choice("abchinoprt_013"))
    if kind < 0.8 or len(text) < 40:
        return RandomEdit(start, min(len(text), start + random.randint(0, 9)), "")
    line = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    end = len(text) if end < 0 else end + 1
    if kind < 0.9:
        return RandomEdit(line, end, "")
    other = random.randint(0, len(text))
    return RandomEdit(line, line, text[other : other + random.randint(1, 60)])


def mutated(text: str, seed: int) -> str:
    """A text after a few random edits."""
    random = Random(seed)
    for _ in range(random.randint(0, 8)):
        text = random_edit(random, text).applied(text)
    return text
