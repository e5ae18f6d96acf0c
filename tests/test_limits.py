"""Hostile and huge inputs: findings instead of tracebacks, in work and memory that stay small.

No bound is in seconds: work is counted, or compared with that on a quarter of the input.
"""

import subprocess
import sys
from collections.abc import Callable
from itertools import product
from math import isqrt

import pytest

from nasdsl.errors import CellError, Source
from nasdsl.language.genotype.blocks import MAX_BLOCKS
from nasdsl.language.parser import MAX_BYTES, parse, read_file
from nasdsl.language.parser.grammar import fitting
from nasdsl.language.printer.format import formatted_text
from nasdsl.loading import Analysis, analyse
from nasdsl.report import as_github, as_json, as_sarif, as_text
from tests.thorough import many
from tests.work import calls, is_linear

MEGABYTE = 1_000_000
MAX_FINDINGS = 210

HEAD = "genotype g\nops nasnet\ncell normal {\n"
BLOCK = "    b{0} = (h[i], h[i-1], sep_conv_3x3, identity, add)\n"


def chain(blocks: int) -> str:
    """A sound file: each block reads the one before."""
    lines = [
        f"    b{k} = (h[i], {f'b{k - 1}' if k else 'h[i]'}, sep_conv_3x3, identity, add)  # {k}\n"
        for k in range(blocks)
    ]
    return f"{HEAD}{''.join(lines)}}}\n"


def repeated(text: str, length: int = MEGABYTE) -> str:
    """`text` over and over, about `length` characters in all."""
    return text * (length // len(text))


def body(line: str, count: int, tail: str = "", h: str = "") -> str:
    """A cell of `count` lines; `{0}` is a line's number, `{1}` the next, `h` is `h[i]`."""
    lines = "".join(line.format(k, k + 1) for k in range(count))
    if h:
        lines = lines.replace(f"{h},", "h[i],").replace(f"{h}}}", "h[i-1]}")
    return f"{HEAD}{lines}{tail}}}\n"


def listed(letter: str, count: int, sign: str = ", ") -> str:
    """`b0, b1, ...`."""
    return sign.join(f"{letter}{k}" for k in range(count))


def survived(text: str) -> Analysis:
    """`text` through every stage that reads or reports, with the bounds that always hold."""
    examined = analyse(Source("<limits>", text))
    for finding in examined.diagnostics:
        if finding.span is not None:
            assert 0 <= finding.span.start <= finding.span.end <= len(text)
    some = examined.diagnostics[:MAX_FINDINGS]
    for report in (as_text, as_json, as_sarif, as_github):
        report(some)
    if not any(finding.is_error for finding in examined.parsed.diagnostics):
        once = formatted_text(examined.parsed)
        # Columns pad, but not without end.
        assert len(once) < 20 * len(text) + 100
    return examined


# One token, one character, one statement of each kind.
ONE_OF_A_KIND = [
    *("(", ")", "[", "]", "{", "}", "()", "[]", "{}", "((", "(?,", "{a|", "a = (", "a = ()\n"),
    *("cell ", "cell normal {", "cell normal {}\n", "cel normal {\n", "network {", "output "),
    *("genotype ", "genotype g\n", "vocabulary ", "ops ", "op ", "op a = [", "op a = [conv(\n"),
    *("op a = []\n", "combine ", "else ", "unused ", "concat(", "each ", "5 * ", "x = "),
    *("h[", "h ", "h [", "h[i] ", "h[i]\n", "?", ",", "=", "|", "*", "+", "-", ".", "/"),
    *("0", "1 ", "1e+", "3x3 ", "a", "a ", "a\n", "_", "#", "#\n", "# c\n", " ", "\n", "\r", "\t"),
    *(":", "; ", '"', "'", "<", "\0", "\x0b", "\x1b", "\ufeff", "\u202e", "\u2028", "\ud800"),
    *("é", "é ", "é\n", "а", "\u0301", "𝒶 ", "١ ", "名", "\U0001f600"),
]


@pytest.mark.parametrize("piece", ONE_OF_A_KIND, ids=ascii)
def test_much_of_one_thing(piece: str) -> None:
    """100 kB of the same thing gives few findings, in time that is linear in its length."""

    def work(length: int) -> None:
        examined = survived(repeated(piece, length))
        assert len(examined.diagnostics) <= MAX_FINDINGS
        assert examined.space is None

    assert is_linear(work, 100_000)


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "{",
        "h[",
        "cell ",
        "#",
        "#\n",
        "é ",
        "a ",
        "\0",
        "x = (\n",
        "op a = []\n",
        "ops nasnet\n",
    ],
    ids=ascii,
)
def test_a_megabyte_of_one_thing(piece: str) -> None:
    """Ten times as much changes nothing."""

    def work(length: int) -> None:
        assert len(survived(repeated(piece, length)).diagnostics) <= MAX_FINDINGS

    assert is_linear(work, MEGABYTE)


OPENINGS = ("(", "[", "{", "h[", "cell normal {", "op a = [conv(")
HEADS = ("", HEAD, f"{HEAD} b0 = ", f"{HEAD} b0 = (h[i], ", "op a = [", f"{HEAD} output concat(")


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("head", HEADS)
def test_a_hundred_thousand_nested_brackets(head: str, opening: str) -> None:
    """Nothing recurses: depth is refused like any other mistake."""
    examined = survived(head + opening * 100_000)
    assert any(finding.code.startswith("NAS10") for finding in examined.diagnostics)
    assert len(examined.diagnostics) <= MAX_FINDINGS


# Of all that is said about them, nothing comes of what is beyond the first ten thousand.
ENDLESS = (
    *OPENINGS,
    *(
        "{a |",
        "(h[i],",
        "a = ",
        "3 a ",
        ") b = = (",
        "= = ",
        "} { ",
        "] [ ",
        "op a = 2 * [a(",
        "op ",
    ),
    *("op a = [relu, ", "op a = [conv(3x3, ", "cell normal { b = (", "output concat(a, "),
    *("b = (h[i], h[i]\n", "cell normal {\n", "op a = [conv(\n", "(\n", "} )\n", "a\n", "= ) b\n"),
    *("network { N = (\n", "output each(a\n", "combine c = [ else\n", "genotype g g\n", "3 a\n"),
)


# A third of the pairs, such that each piece comes after two heads; all in a thorough run.
PAIRS = list(product(HEADS, ENDLESS))
PAIRS = PAIRS[:: len(PAIRS) // many(len(PAIRS), usually=len(PAIRS) // 3)]


@pytest.mark.parametrize(("head", "piece"), PAIRS)
def test_hopeless_texts_are_given_up(head: str, piece: str) -> None:
    """Work ends soon after the last finding, however long a text of mistakes goes on."""

    def work(pieces: int) -> int:
        return calls(lambda: analyse(Source("<limits>", head + piece * pieces)))

    work(10_000)  # What the parser has been asked once is kept, and costs nothing again.
    assert work(40_000) < 1.2 * work(10_000)


def test_few_stacks_are_asked_about() -> None:
    """What is kept of what fits next does not grow with texts: the grammar has no recursion."""
    for head in HEADS:
        for piece in (*ENDLESS, *ONE_OF_A_KIND):
            parse(Source("<limits>", head + piece * 50))
    assert fitting.cache_info().currsize < 1000


def ops(line: str, count: int) -> str:
    """A vocabulary of `count` such lines."""
    return "vocabulary v\n" + "".join(line.format(k) for k in range(count))


# How many of something, and a text of that many.
BODIES: dict[str, tuple[int, Callable[[int], str]]] = {
    "blocks of one name": (
        3_000,
        lambda n: body("b = (h[i], h[i-1], identity, identity, add)\n", n),
    ),
    "unknown ops": (3_000, lambda n: body("b{0} = (h[i], h[i], sep_conf_{0}, idenity, ad)\n", n)),
    "unknown inputs": (3_000, lambda n: body("b{0} = (c{0}, c{1}, identity, identity, add)\n", n)),
    "later blocks": (3_000, lambda n: body("b{0} = (b{1}, b{1}, identity, identity, add)\n", n)),
    "states beyond": (
        3_000,
        lambda n: body("b{0} = (h[i-{0}], h[-{0}], identity, identity, add)\n", n),
    ),
    "too few fields": (5_000, lambda n: body("b{0} = (h[i], h[i])\n", n)),
    "too many fields": (30_000, lambda n: HEAD + "b0 = (" + "h[i], " * n + ")\n}\n"),
    "fields and rows": (
        10_000,
        lambda n: HEAD + "b0 = (" + "h[i], " * n + ")" + "b = (a)\n" * n + "}",
    ),
    "no line ends": (3_000, lambda n: body(" b{0} = (h[i], h[i], identity, identity, add)", n)),
    "no line ends, mistakes": (
        3_000,
        lambda n: body(" b{0} = (h[i], h[i], idnetity, identity, add)", n),
    ),
    "output of unknown names": (
        2_000,
        lambda n: body(BLOCK, n, "output concat(c" + ", c" * (10 * n) + ")"),
    ),
    "output of everything": (3_000, lambda n: body(BLOCK, n, f"output each({listed('b', n)})\n")),
    "output of one block": (3_000, lambda n: body(BLOCK, n, "output concat(b0)\n")),
    "options twice": (
        30_000,
        lambda n: HEAD + "b0 = ({" + "h[i]|" * n + "h[i]}, h[i], ?, ?, ?)\n}\n",
    ),
    "unknown options": (
        20_000,
        lambda n: f"{HEAD}b0 = (?, ?, {{{listed('x', n, '|')}}}, ?, ?)\n}}\n",
    ),
    "wide states": (
        3_000,
        lambda n: body("b{1} = (b{0}, b{0}, identity, identity, concat)\n", n, h="b0"),
    ),
    "states of many widths": (
        3_000,
        lambda n: body(
            "b{1} = ({{h[i]|b{0}}}, {{h[i]|b{0}}}, identity, identity, concat)\n", n, h="b0"
        ),
    ),
    "cells": (
        3_000,
        lambda n: "ops nasnet\n" + "cell normal { b = (h[i], h[i], add, add, add) }\n" * n,
    ),
    "ops": (4_000, lambda n: ops("op a{0} = [relu, batch_norm]\n", n)),
    "ops of one name": (4_000, lambda n: ops("op a = [relu, conv(3x3, stride)]\n", n)),
    "names close to many": (
        3_000,
        lambda n: (
            ops("op abcdefghij{0} = [relu]\n", n)
            + body("b{0} = (h[i], h[i], abcdefghi{0}, zz, add)\n", n)
        ),
    ),
    "unknown primitives": (4_000, lambda n: ops("op a{0} = [rel, conf(3x3)]\n", n)),
    "forms": (5_000, lambda n: "op a = [relu]" + " else [conv(3x3, filters/2)]" * n),
    "forms of many kinds": (
        5_000,
        lambda n: (
            "op a = " + " else ".join(f"[pointwise(filters/{k % 1024 + 1})]" for k in range(n))
        ),
    ),
    "parts": (10_000, lambda n: "op a = [relu]" + " + 200 * [relu]" * n),
    "layers": (20_000, lambda n: "op a = 200 * [" + "relu, " * n + "]"),
    "arguments": (20_000, lambda n: "op a = [conv(" + "stride, " * n + ")]"),
    "settings": (
        9_000,
        lambda n: "network {" + "".join(f" filtrs{k} = {k}" for k in range(n)) + "}",
    ),
    "one setting": (20_000, lambda n: "network {" + " N = 5" * n + "}"),
    "comments in a block": (15_000, lambda n: HEAD + "b = (" + "h[i], # c\n" * n + ")\n}\n"),
    "comments in every block": (3_000, lambda n: body("b{0} = (h[i], # c\nh[i], ?, ?, add)\n", n)),
    "comments in every op": (5_000, lambda n: ops("op a{0} = [relu, # c\nrelu]\n", n)),
    "comments in one op": (7_000, lambda n: "op a = [relu]" + " else [relu, # c\nrelu]" * n),
    "a comment at the end": (4_000, lambda n: body(BLOCK, n, "# late\n")),
    "a long name": (MEGABYTE, lambda n: HEAD + "a" * n + " = (h[i], bbb, sep, conv, add)\n}\n"),
    "a long op": (MEGABYTE, lambda n: HEAD + "b = (h[i], h[i], " + "b" * n + ", conv, add)\n}\n"),
    "a long name among others": (3_000, lambda n: body(BLOCK, n).replace("b5 ", "b" * (100 * n))),
    "a long op among others": (
        5_000,
        lambda n: ops("op a{0} = []\n", n).replace("a5 ", "a" * (60 * n)),
    ),
    "numbers of states": (
        100_000,
        lambda n: f"{HEAD}b0 = (h[i-{'9' * n}], h[{'9' * n}], ?, ?, ?)\n}}\n",
    ),
    "numbers of blocks": (
        100_000,
        lambda n: f"{HEAD}{'9' * n} * (?, ?, ?, ?, ?)\n-{'9' * n} * (?)\n}}\n",
    ),
    "numbers of layers": (
        100_000,
        lambda n: f"op a = {'9' * n} * [conv({'9' * n}x{'9' * n}, dilation {'9' * n})]",
    ),
    "numbers of settings": (
        100_000,
        lambda n: f"network {{ N = {'9' * n} filters = 1e{'9' * n} }}",
    ),
    "as many holes as blocks": (MAX_BLOCKS, lambda n: f"{HEAD}{n} * (?, ?, ?, ?, ?)\n}}\n"),
    # A hole has an option for each block before it: n options take the root of n blocks.
    "holes to the limit": (
        400 * 400,
        lambda n: f"{HEAD}{isqrt(n)} * (?, ?, ?, ?, ?)\n}}\n",
    ),
    "blocks to the limit": (
        MAX_BLOCKS,
        lambda n: f"{HEAD}{n} * (h[i], h[i], identity, identity, add)\n}}",
    ),
    "all printable characters": (
        MEGABYTE,
        lambda n: "".join(chr(33 + k * 7919 % 94) for k in range(n)),
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_large_files_of_every_mistake(name: str) -> None:
    """Whatever there is much of, the number of errors is bounded and time is linear."""
    count, text = BODIES[name]

    def work(n: int) -> None:
        errors = [finding for finding in survived(text(n)).diagnostics if finding.is_error]
        assert len(errors) <= MAX_FINDINGS

    assert is_linear(work, count)


def test_the_last_of_many_errors_says_that_there_were_more() -> None:
    """Checking stops with a finding that says so, and no space comes out."""
    examined = survived(BODIES["unknown ops"][1](3_000))
    assert "NAS107" in [finding.code for finding in examined.diagnostics]
    assert examined.space is None


# -- linear time, bounded memory ------------------------------------------------------------


GROWING: dict[str, Callable[[int], str]] = {
    "a sound file": chain,
    "unclosed tuples": lambda n: body("b{0} = (h[i], h[i], identity, identity, add\n", n // 100),
    "nonsense": lambda n: "( ] = , " * n,
    "commented blocks": lambda n: body("b{0} = (h[i], # c\nh[i], ?, ?, add)\n", n),
    "holes in a row": lambda n: body("b{0} = ({{h[i]|h[i-1]}}, h[i], ?, ?, ?)\n", n),
}


@pytest.mark.parametrize("name", GROWING)
def test_four_times_the_file_is_at_most_four_times_the_work(name: str) -> None:
    """Function calls, which no clock disturbs, grow in step with the text."""

    def work(size: int) -> int:
        def check_and_format() -> None:
            examined = analyse(Source("<limits>", GROWING[name](size)))
            if not examined.parsed.diagnostics:
                formatted_text(examined.parsed)

        return calls(check_and_format)

    work(20)  # whatever is made once and kept is made here
    assert work(2_000) < 4.4 * work(500)


PEAK = """
import re, sys
from nasdsl.errors import Source
from nasdsl.loading import analyse
from nasdsl.language.printer.format import formatted_text
text = open(sys.argv[1], encoding="utf-8").read()
examined = analyse(Source("large.cell", text))
formatted_text(examined.parsed)
blocks = len(examined.space.cells[0].blocks)
# getrusage would count the parent, whose size a new process starts from.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
print(blocks, len(examined.diagnostics), peak)
"""


def test_a_megabyte_of_ten_thousand_blocks(tmp_path) -> None:
    """It is checked and formatted in less than 500 MB."""
    text = chain(10_000).replace("  # ", f"  # {'c' * 40} ")
    assert len(text) > MEGABYTE
    path = tmp_path / "large.cell"
    path.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True
    )
    blocks, findings, peak = run.stdout.split()
    assert (int(blocks), int(findings)) == (10_000, 0)
    assert int(peak) < 500


# -- bytes ----------------------------------------------------------------------------------


BAD_FILES = {
    "one byte too many": (b"#" * (MAX_BYTES + 1), "NAS004"),
    "a stray byte at the end": (b"#" * MEGABYTE + b"\xff", "NAS002"),
    "nothing but 0xff": (b"\xff\xfe" * (MEGABYTE // 2), "NAS002"),
    "continuation bytes": (b"\x80" * MEGABYTE, "NAS002"),
    "surrogates": (b"\xed\xa0\x80" * 1000, "NAS002"),
    "UTF-16": ("genotype g".encode("utf-16"), "NAS002"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_are_no_text(tmp_path, name: str) -> None:
    """Refused with one finding."""
    data, code = BAD_FILES[name]
    path = tmp_path / "bad.cell"
    path.write_bytes(data)
    with pytest.raises(CellError) as refusal:
        read_file(path)
    assert [finding.code for finding in refusal.value.diagnostics] == [code]
    assert as_text(refusal.value.diagnostics)


def test_a_stream_without_end_is_left_soon() -> None:
    """At most the limit is taken from what never stops."""
    with pytest.raises(CellError, match="larger than"):
        read_file("/dev/zero")


# -- what is imported -------------------------------------------------------------------------

USED = """
import sys
before = set(sys.modules)
import nasdsl
new = {each.split(".")[0] for each in set(sys.modules) - before}
assert not new & {"networkx", "rich", "click"}
genotype, space = nasdsl.load("nasnet_a"), nasdsl.load_space("nasnet_space")
nasdsl.count(space), list(nasdsl.sample(space, 3, seed=0)), nasdsl.canonical_hash(genotype)
nasdsl.cost(genotype, N=6, filters=4032, stem="imagenet", image_size=331, classes=1000)
from nasdsl.cli import main
open("mine.cell", "w").write(nasdsl.genotype_text(genotype))
for words in (
    ["check", "nasnet_a"],
    ["fmt", "--check", "mine.cell"],
    ["cost", "nasnet_a_large"],
    ["count", "nasnet_space"],
    ["sample", "nasnet_space", "--seed", "0"],
):
    try:
        main(words)
    except SystemExit as ending:
        assert ending.code == 0, words
print("torch" in sys.modules or "torchvision" in sys.modules)
"""


def test_torch_is_never_imported_where_it_is_not_needed(tmp_path) -> None:
    """Neither `import nasdsl` nor check, fmt, cost, count and sample import torch."""
    run = subprocess.run(
        [sys.executable, "-c", USED], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "False"
