"""Names as the lettering of boxes: short lines, and how wide they are.

Purpose: `sep_conv_5x5` becomes three narrow lines, so that ten ops stand side by side and
are read at half a page.

Widths are Helvetica's, in thousandths of the size of type; Arial and Liberation Sans, which
stand in for it, are as wide. So boxes do not depend on the fonts of the machine. There is no
library for this in reach: matplotlib's measures take an optional package and its own fonts.
"""

from functools import lru_cache

from rich.cells import cell_len

from nasdsl.report.visible import shortened, visible

#: Points.
SIZE = 10.0
LEADING = 11.5

#: Characters of a name that are drawn.
LONGEST_NAME = 32
#: Points that a name may take before it is broken into lines.
_SHORT = 28.0
_MAX_LINES = 3

_WIDTHS: dict[str, int] = {
    **dict.fromkeys("ijl'", 222),
    **dict.fromkeys(" ftI.,:;/[]!|\\", 278),
    **dict.fromkeys("r()-{}*`", 333),
    **dict.fromkeys("cksvxyzJ", 500),
    **dict.fromkeys("FTZ+=<>~\u00d7\u2192\u2212", 611),
    **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("wCDHNRU", 722),
    **dict.fromkeys("GOQ", 778),
    **dict.fromkeys("mM%", 860),
    **dict.fromkeys("W@\u2026", 1000),
}
_USUAL, _WIDE = 556, 1000


def name_lines(name: str, most: int = _MAX_LINES) -> tuple[str, ...]:
    """A name as the lines of a box: its words, on as narrow lines as `most` of them allow.

    Short names stay on one line. Where underscores do not separate words (they lead, end or
    double), the name is shown as it is.
    """
    words = shortened(visible(name), LONGEST_NAME).split("_")
    if len(words) == 1 or not all(words):
        return ("_".join(words),)
    if width(" ".join(words)) <= _SHORT:
        return (" ".join(words),)
    return min(_breaks(words, most), key=lambda lines: (max(map(width, lines)), len(lines)))


def _breaks(words: list[str], most: int) -> list[tuple[str, ...]]:
    """Every way to put words on at most `most` lines, in their order."""
    if most == 1 or len(words) == 1:
        return [(" ".join(words),)]
    found: list[tuple[str, ...]] = [(" ".join(words),)]
    for cut in range(1, min(len(words), 9)):
        head = " ".join(words[:cut])
        found += [(head, *rest) for rest in _breaks(words[cut:], most - 1)]
    return found


@lru_cache(maxsize=4096)
def width(text: str, size: float = SIZE) -> float:
    """How wide a line of text is, in points."""
    return size / 1000 * sum(map(_width, text))


def _width(char: str) -> int:
    if not char.isascii() and char not in _WIDTHS:
        return _WIDE if cell_len(char) == 2 else 700
    return _WIDTHS.get(char, _USUAL)
