"""Compare every highlighter with the language's own lexer, on texts made from a seed.

    python -m bench.highlighting                  # 10,000 texts
    python -m bench.highlighting --texts 500 --seed 1

The texts are genotypes of the library's spaces, those spaces, and its vocabularies; every second
one has other spaces, line breaks and comments between its tokens. It needs Node, `npm ci` in
`editors/test`, a C compiler, and PyPI's `tree-sitter`.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from nasdsl import library
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Space
from nasdsl.loading import loads_space
from nasdsl.space import sample
from tests.highlighters import (
    Seen,
    by_codemirror,
    by_pygments,
    by_textmate,
    by_tree_sitter,
    lexed,
    tree_sitter_parser,
)

#: Texts that a program on Node is given at once.
BATCH = 500
GAPS = (" ", " ", "  ", "\n", "\t", "\n\n", " # what = (follows, {a | b})\n", "#\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--texts", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    began, tokens = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        parser = tree_sitter_parser(Path(folder))
        for first in range(0, given.texts, BATCH):
            numbers = range(first, min(first + BATCH, given.texts))
            texts = [text_of(given.seed, number) for number in numbers]
            rows = zip(texts, by_codemirror(texts), by_textmate(texts), strict=True)
            for number, (text, codemirror, textmate) in zip(numbers, rows, strict=True):
                wanted = lexed(text)
                tokens += len(wanted)
                seen = {
                    "CodeMirror": codemirror,
                    "TextMate": textmate,
                    "Pygments": by_pygments(text),
                    "tree-sitter": by_tree_sitter(parser, text),
                }
                check(number, text, wanted, seen)
    seconds = time.monotonic() - began
    print(f"{given.texts:,} texts, {tokens:,} tokens: four highlighters agree ({seconds:.0f} s)")


def check(number: int, text: str, wanted: Seen, seen: dict[str, Seen]) -> None:
    for name, found in seen.items():
        if found != wanted:
            odd = next(iter(set(found) ^ set(wanted)))
            raise SystemExit(f"{name} differs in text {number} at {odd}:\n{text}")


@cache
def spaces() -> tuple[Space, ...]:
    sources = map(library.source, library.names())
    return tuple(loads_space(source.text) for source in sources)


@cache
def vocabularies() -> tuple[str, ...]:
    return tuple(library.vocabulary_source(name).text for name in library.vocabulary_names())


def text_of(seed: int, number: int) -> str:
    """A text of a seed; it does not depend on the others."""
    random = Random(f"{seed}/{number}")
    space = random.choice(spaces())
    kind = random.randrange(8)
    if kind == 0:
        text = random.choice(vocabularies())
    elif kind == 1:
        text = space_text(space)
    else:
        (genotype,) = sample(space, 1, random.randrange(10**9))
        text = genotype_text(genotype)
    return "".join(spaced(random, text)) if number % 2 else text


def spaced(random: Random, text: str) -> Iterator[str]:
    """The tokens of a text, with other gaps; words and numbers never touch."""
    wordy = False
    for start, end, _ in lexed(text):
        token = text[start:end]
        word = token[0].isalnum() or token[0] in "_.+-"
        yield random.choice(GAPS) if wordy and word else random.choice(("", *GAPS))
        yield token
        wordy = token[-1].isalnum() or token[-1] == "_"


if __name__ == "__main__":
    main()
