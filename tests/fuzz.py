"""Hostile inputs, made from a seed and a number, and what must hold for any of them.

Shared by `tests/test_fuzz.py` (2,000 inputs each run) and `bench/fuzz.py`
(a million). Input `number` of a seed never depends on the others, so the inputs can be
divided among processes, and a failure is reproduced by its two numbers alone.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from random import Random

from nasdsl import library
from nasdsl.canonical import canonical_hash
from nasdsl.errors import CellError, Diagnostic, Source
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Space
from nasdsl.language.parser import source_from_bytes
from nasdsl.language.parser.parse import MAX_MISTAKES
from nasdsl.language.parser.tokens import lexed_tokens
from nasdsl.language.printer.format import formatted_text
from nasdsl.loading import Analysis, analyse, loads, loads_space
from nasdsl.report import as_github, as_json, as_sarif, as_text
from nasdsl.space import sample

NAME = "<fuzz>"

# Whatever the language is written with, and some of what it is not.
_LEXEMES = (
    *("genotype", "vocabulary", "ops", "op", "combine", "else", "cell", "output", "unused"),
    *("concat", "each", "network", "normal", "reduction", "nasnet", "darts", "b0", "b1", "b2"),
    *("h[i]", "h[i-1]", "h[i-2]", "h[", "h[j]", "h [ i - 1 ]", "x[0]", "add", "identity"),
    *("sep_conv_3x3", "relu", "conv", "pointwise", "sum", "3x3", "stride", "dilation", "filters"),
    *("N", "stem", "cifar", "image_size", "genotype = nasnet_a", "true", "0", "1", "5", "20000"),
    *("-1", "1e9", "0.5", "1.2.3", "00", "9" * 30, "(?, ?, ?, ?, ?)", "5 * (?, ?, ?, ?, ?)"),
    *"(){}[],=|*+/?-#;:.<>\"'`\\$%&@!^~_\t\n\r",
    *("\n", "\n\n", " ", "  ", "# a comment\n", "#", "//", "/*", "'''"),
    *("\0", "\x1b[31m", "\x7f", "\u202e", "\u200b", "\ufeff", "\u2028", "\x85", "\u00a0"),
    *("é", "е", "ﬁlters", "ｂ０", "١", "名前", "𝒶", "e\u0301", "\U0001f600", "ſ", "İ"),
)


def fuzzed(seed: int, number: int) -> str | bytes:
    """Input `number` of the seed: a text, or bytes that need not be one."""
    random = Random(f"{seed}/{number}")
    return random.choice(_MAKERS)(random)


def checked(data: str | bytes) -> Analysis | None:
    """Assert all that holds for every input; None where the bytes are no text.

    Nothing raises but `CellError` for bytes; findings are few and lie inside the text;
    every report can be written. A sound text keeps its meaning when it is formatted and
    when its space is printed, and formatting it twice changes nothing.
    """
    if isinstance(data, bytes):
        try:
            data = source_from_bytes(data, NAME).text
        except CellError as error:
            _check_findings(error.diagnostics)
            return None
    analysis = analyse(Source(NAME, data))
    _check_findings(analysis.diagnostics)
    _check_number_of_syntax_findings(analysis)
    if not any(finding.is_error for finding in analysis.parsed.diagnostics):
        _check_format(analysis)
    if analysis.space is not None:
        _check_space(analysis.space)
    return analysis


_NAME = re.compile(r"(?P<state>h\[[^\]]*\])|(?P<number>\d\w*)|(?P<word>\w+)")


# -- inputs -------------------------------------------------------------------------------


@cache
def _texts() -> tuple[str, ...]:
    names = (*library.names(), *library.vocabulary_names())
    return tuple(library.source(name).text for name in names)


@cache
def _tokens() -> tuple[tuple[str, ...], ...]:
    """Each library text cut so that joining the pieces gives it back."""
    return tuple(tuple(_pieces(text)) for text in _texts())


def _pieces(text: str) -> list[str]:
    ends = [int(read.token.end_pos or 0) for read in lexed_tokens(text, [])]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def _random_text(random: Random) -> str:
    gap = random.choice(("", " ", "\n"))
    return gap.join(random.choices(_LEXEMES, k=random.randrange(60)))


def _random_bytes(random: Random) -> bytes:
    return random.randbytes(random.randrange(80))


def _mutated_tokens(random: Random) -> str:
    pieces = list(random.choice(_tokens()))
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(pieces))
        other = random.randrange(len(pieces))
        match random.randrange(6):
            case 0:
                pieces[at] = ""
            case 1:
                pieces[at] *= random.choice((2, 2, 3, 50))
            case 2:
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 3:
                pieces[at] = random.choice(_LEXEMES)
            case 4:
                pieces[at] += random.choice(_LEXEMES)
            case 5:
                pieces[at] = pieces[other]
    return "".join(pieces)


def _mutated_names(random: Random) -> str:
    """Words for words, numbers for numbers, states for states: sound, if hardly sensible."""
    text = random.choice(_texts())
    for _ in range(random.choice((1, 1, 2, 4))):
        one = random.choice(list(_NAME.finditer(text)))
        others = list(_NAME.finditer(random.choice(_texts())))
        same = [each.group() for each in others if each.lastgroup == one.lastgroup]
        text = text[: one.start()] + random.choice(same or [""]) + text[one.end() :]
    return text


def _mutated_lines(random: Random) -> str:
    lines = random.choice(_texts()).splitlines(keepends=True)
    for _ in range(random.choice((1, 2, 5))):
        at = random.randrange(len(lines))
        lines[at] = random.choice(("", lines[at] * 2, random.choice(lines)))
    return "".join(lines)


def _mutated_bytes(random: Random) -> bytes:
    data = bytearray(random.choice(_texts()).encode())
    for _ in range(random.choice((1, 2, 4, 16))):
        at = random.randrange(len(data))
        match random.randrange(3):
            case 0:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                data.insert(at, random.randrange(256))
            case 2:
                del data[at]
    return bytes(data)


def _truncated(random: Random) -> str:
    text = random.choice(_texts())
    start, end = sorted(random.randrange(len(text) + 1) for _ in range(2))
    return text[random.choice((0, start)) : end]


def _spliced(random: Random) -> str:
    one, other = random.choice(_tokens()), random.choice(_tokens())
    return "".join((*one[: random.randrange(len(one))], *other[random.randrange(len(other)) :]))


_MAKERS: tuple[Callable[[Random], str | bytes], ...] = (
    *(_random_text, _random_text, _random_bytes, _truncated, _spliced, _mutated_lines),
    *(_mutated_tokens, _mutated_tokens, _mutated_tokens, _mutated_bytes),
    *(_mutated_names, _mutated_names, _mutated_names),
)


# -- what holds ---------------------------------------------------------------------------


def _check_findings(findings: tuple[Diagnostic, ...]) -> None:
    for finding in findings:
        spans = [finding.span] if finding.span is not None else []
        spans += [label.span for label in finding.secondary]
        spans += [fix.span for fix in finding.fixes]
        length = len(finding.source.text) if finding.source is not None else 0
        assert all(0 <= start <= end <= length for start, end in spans), finding
    assert as_text(findings).replace("\n", "").isprintable()
    assert len(json.loads(as_json(findings))["findings"]) == len(findings)
    assert len(json.loads(as_sarif(findings))["runs"][0]["results"]) == len(findings)
    assert len(as_github(findings).split("\n")) == len(findings) + 1


def _check_number_of_syntax_findings(analysis: Analysis) -> None:
    codes = [finding.code for finding in analysis.parsed.diagnostics]
    hidden, foreign = codes.count("NAS003"), codes.count("NAS005")
    assert max(hidden, foreign) <= MAX_MISTAKES
    assert len(codes) - hidden - foreign <= MAX_MISTAKES + 10


def _check_format(analysis: Analysis) -> None:
    before = analysis.parsed
    once = formatted_text(before)
    after = analyse(Source(NAME, once))
    assert formatted_text(after.parsed) == once
    assert meaning(once) == meaning(before.source.text)
    assert [each.text for each in after.parsed.file.comments] == [
        each.text for each in before.file.comments
    ]
    assert after.space == analysis.space
    assert sorted(each.code for each in after.diagnostics) == sorted(
        each.code for each in analysis.diagnostics
    )


def meaning(text: str) -> list[str]:
    """The tokens of a text without white space and without commas before a bracket."""
    values = ["".join(str(read.token).split()) for read in lexed_tokens(text, [])]
    return [
        value
        for value, following in zip(values, [*values[1:], ""], strict=True)
        if not (value == "," and following in (")", "]"))
    ]


# A space with more options than this takes long to print; the library's have a tenth.
_MAX_OPTIONS = 5_000


def _check_space(space: Space) -> None:
    options = sum(
        len(options) for cell in space.cells for block in cell.blocks for options in block.decisions
    )
    if options > _MAX_OPTIONS:
        return
    text = space_text(space)
    assert loads_space(text) == space
    (drawn,) = sample(space, 1, seed=0)
    again = loads(genotype_text(drawn))
    assert again == drawn
    assert canonical_hash(again) == canonical_hash(drawn)
