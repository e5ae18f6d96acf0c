"""The worst texts for each terminal of the grammar are read in linear time.

    python -m bench.reliability.tokens

Each text repeats what makes a regular expression try again: openings without their ends, and
almost what the terminal wants. The time is processor time, the best of three. Exit status 1 if one
takes longer than eight times a quarter of itself: linear is four, quadratic sixteen.
"""

import argparse
import sys
import time

from nasdsl.language.parser.tokens import lexed_tokens

#: A text, repeated up to the length, by what it is against.
HOSTILE = {
    "STATE, never closed": "h[",
    "STATE, closed far away": "h [ i - 1 ",
    "STATE, without a bracket": "h ",
    "NUMBER, an exponent without digits": "1e+",
    "NUMBER, only digits": "9",
    "NUMBER, only dots": ".",
    "NUMBER, signs": "+-",
    "WORD, one": "a",
    "WORD, letters of two parts": "e\u0301",
    "keywords that go on": "genotypes ops_ op1 elses cells ",
    "COMMENT, one": "#",
    "COMMENT, many": "#\n",
    "SPACE, one": " ",
    "SPACE, lines": "\r\n\t",
    "brackets": "[({",
    "characters of no terminal": "\0\x1b",
}


def seconds(piece: str, length: int) -> tuple[float, int]:
    """Of processor time to read so many characters of a text; and its tokens."""
    text = (piece * length)[:length]
    found = []
    for _ in range(3):
        start = time.process_time()
        tokens = sum(1 for _ in lexed_tokens(text, []))
        found.append(time.process_time() - start)
    return min(found), tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=100_000)
    given = parser.parse_args()
    is_sound = True
    for name, piece in HOSTILE.items():
        quarter, _ = seconds(piece, given.length // 4)
        whole, tokens = seconds(piece, given.length)
        is_linear = whole < 8 * quarter + 0.001
        is_sound &= is_linear
        print(f"{name:36} {whole * 1000:6.1f} ms, {tokens:7,} tokens{'' if is_linear else ' !'}")
    sys.exit(0 if is_sound else 1)


if __name__ == "__main__":
    main()
