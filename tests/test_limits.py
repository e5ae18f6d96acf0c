"""Hostile and huge inputs: findings instead of tracebacks, in time and memory that stay small.

Times are bounded generously, since tests run on machines that other work shares; that work
grows in step with the input is shown by counting it.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from nasdsl.errors import CellError, Source
from nasdsl.language.genotype.blocks import MAX_BLOCKS
from nasdsl.language.parser import MAX_BYTES, read_file
from nasdsl.language.printer.format import formatted
from nasdsl.loading import Analysis, analyse
from nasdsl.report import as_github, as_json, as_sarif, as_text

MEGABYTE = 1_000_000
# Processor time; the slowest input takes a quarter of this.
MAX_SECONDS = 20
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
    start = time.process_time()
    examined = analyse(Source("<limits>", text))
    for finding in examined.diagnostics:
        if finding.span is not None:
            assert 0 <= finding.span.start <= finding.span.end <= len(text)
    some = examined.diagnostics[:MAX_FINDINGS]
    for report in (as_text, as_json, as_sarif, as_github):
        report(some)
    if not any(finding.is_error for finding in examined.parsed.diagnostics):
        once = formatted(examined.parsed)
        # Columns pad, but not without end.
        assert len(once) < 20 * len(text) + 100
    assert time.process_time() - start < MAX_SECONDS
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
    """100 kB of the same thing gives few findings, soon."""
    examined = survived(repeated(piece, 100_000))
    assert len(examined.diagnostics) <= MAX_FINDINGS
    assert examined.space is None


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
    examined = survived(repeated(piece, MEGABYTE))
    assert len(examined.diagnostics) <= MAX_FINDINGS


@pytest.mark.parametrize("opening", ["(", "[", "{", "h[", "cell normal {", "op a = [conv("])
@pytest.mark.parametrize("head", ["", HEAD, f"{HEAD} b0 = ", f"{HEAD} b0 = (h[i], "])
def test_a_hundred_thousand_nested_brackets(head: str, opening: str) -> None:
    """Nothing recurses: depth is refused like any other mistake."""
    examined = survived(head + opening * 100_000)
    assert any(finding.code.startswith("NAS10") for finding in examined.diagnostics)
    assert len(examined.diagnostics) <= MAX_FINDINGS


NUMBER = "9" * 100_000


def ops(line: str, count: int) -> str:
    """A vocabulary of `count` such lines."""
    return "vocabulary v\n" + "".join(line.format(k) for k in range(count))


BODIES: dict[str, Callable[[], str]] = {
    "blocks of one name": lambda: body("b = (h[i], h[i-1], identity, identity, add)\n", 3_000),
    "unknown ops": lambda: body("b{0} = (h[i], h[i], sep_conf_{0}, idenity, ad)\n", 3_000),
    "unknown inputs": lambda: body("b{0} = (c{0}, c{1}, identity, identity, add)\n", 3_000),
    "later blocks": lambda: body("b{0} = (b{1}, b{1}, identity, identity, add)\n", 3_000),
    "states beyond": lambda: body("b{0} = (h[i-{0}], h[-{0}], identity, identity, add)\n", 3_000),
    "too few fields": lambda: body("b{0} = (h[i], h[i])\n", 5_000),
    "too many fields": lambda: HEAD + "b0 = (" + "h[i], " * 30_000 + ")\n}\n",
    "fields and rows": lambda: (
        HEAD + "b0 = (" + "h[i], " * 10_000 + ")" + "b = (a)\n" * 9_000 + "}"
    ),
    "no line ends": lambda: body(" b{0} = (h[i], h[i], identity, identity, add)", 3_000),
    "no line ends, mistakes": lambda: body(" b{0} = (h[i], h[i], idnetity, identity, add)", 3_000),
    "output of unknown names": lambda: body(BLOCK, 2_000, "output concat(c" + ", c" * 20_000 + ")"),
    "output of everything": lambda: body(BLOCK, 3_000, f"output each({listed('b', 3_000)})\n"),
    "output of one block": lambda: body(BLOCK, 3_000, "output concat(b0)\n"),
    "options twice": lambda: HEAD + "b0 = ({" + "h[i]|" * 30_000 + "h[i]}, h[i], ?, ?, ?)\n}\n",
    "unknown options": lambda: f"{HEAD}b0 = (?, ?, {{{listed('x', 20_000, '|')}}}, ?, ?)\n}}\n",
    "wide states": lambda: body("b{1} = (b{0}, b{0}, identity, identity, concat)\n", 3_000, h="b0"),
    "states of many widths": lambda: body(
        "b{1} = ({{h[i]|b{0}}}, {{h[i]|b{0}}}, identity, identity, concat)\n", 3_000, h="b0"
    ),
    "cells": lambda: "ops nasnet\n" + "cell normal { b = (h[i], h[i], add, add, add) }\n" * 3_000,
    "ops": lambda: ops("op a{0} = [relu, batch_norm]\n", 4_000),
    "ops of one name": lambda: ops("op a = [relu, conv(3x3, stride)]\n", 4_000),
    "names close to many": lambda: (
        ops("op abcdefghij{0} = [relu]\n", 3_000)
        + body("b{0} = (h[i], h[i], abcdefghi{0}, zz, add)\n", 2_000)
    ),
    "unknown primitives": lambda: ops("op a{0} = [rel, conf(3x3)]\n", 4_000),
    "forms": lambda: "op a = [relu]" + " else [conv(3x3, filters/2)]" * 5_000,
    "forms of many kinds": lambda: (
        "op a = " + " else ".join(f"[pointwise(filters/{k % 1024 + 1})]" for k in range(5_000))
    ),
    "parts": lambda: "op a = [relu]" + " + 200 * [relu]" * 10_000,
    "layers": lambda: "op a = 200 * [" + "relu, " * 20_000 + "]",
    "arguments": lambda: "op a = [conv(" + "stride, " * 20_000 + ")]",
    "settings": lambda: "network {" + "".join(f" filtrs{k} = {k}" for k in range(9_000)) + "}",
    "one setting": lambda: "network {" + " N = 5" * 20_000 + "}",
    "comments in a block": lambda: HEAD + "b = (" + "h[i], # c\n" * 15_000 + ")\n}\n",
    "comments in every block": lambda: body("b{0} = (h[i], # c\nh[i], ?, ?, add)\n", 3_000),
    "comments in every op": lambda: ops("op a{0} = [relu, # c\nrelu]\n", 5_000),
    "comments in one op": lambda: "op a = [relu]" + " else [relu, # c\nrelu]" * 7_000,
    "a comment at the end": lambda: body(BLOCK, 4_000, "# late\n"),
    "a long name": lambda: HEAD + "a" * MEGABYTE + " = (h[i], bbb, sep, conv, add)\n}\n",
    "a long op": lambda: HEAD + "b = (h[i], h[i], " + "b" * MEGABYTE + ", conv, add)\n}\n",
    "a long name among others": lambda: body(BLOCK, 3_000).replace("b5 ", "b" * 300_000),
    "a long op among others": lambda: ops("op a{0} = []\n", 5_000).replace("a5 ", "a" * 300_000),
    "numbers of states": lambda: f"{HEAD}b0 = (h[i-{NUMBER}], h[{NUMBER}], ?, ?, ?)\n}}\n",
    "numbers of blocks": lambda: f"{HEAD}{NUMBER} * (?, ?, ?, ?, ?)\n-{NUMBER} * (?)\n}}\n",
    "numbers of layers": lambda: f"op a = {NUMBER} * [conv({NUMBER}x{NUMBER}, dilation {NUMBER})]",
    "numbers of settings": lambda: f"network {{ N = {NUMBER} filters = 1e{NUMBER} }}",
    "as many holes as blocks": lambda: f"{HEAD}{MAX_BLOCKS} * (?, ?, ?, ?, ?)\n}}\n",
    "holes to the limit": lambda: f"{HEAD}400 * (?, ?, ?, ?, ?)\n}}\n",
    "blocks to the limit": lambda: (
        f"{HEAD}{MAX_BLOCKS} * (h[i], h[i], identity, identity, add)\n}}"
    ),
    "all printable characters": lambda: "".join(chr(33 + k * 7919 % 94) for k in range(MEGABYTE)),
}


@pytest.mark.parametrize("name", BODIES)
def test_large_files_of_every_mistake(name: str) -> None:
    """Whatever there is much of, time and the number of errors stay bounded."""
    examined = survived(BODIES[name]())
    errors = [finding for finding in examined.diagnostics if finding.is_error]
    assert len(errors) <= MAX_FINDINGS


def test_the_last_of_many_errors_says_that_there_were_more() -> None:
    """Checking stops with a finding that says so, and no space comes out."""
    examined = survived(BODIES["unknown ops"]())
    assert "NAS107" in [finding.code for finding in examined.diagnostics]
    assert examined.space is None


# -- linear time, bounded memory ------------------------------------------------------------


def calls(work: Callable[[], object]) -> int:
    """How many function calls `work` makes."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


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
                formatted(examined.parsed)

        return calls(check_and_format)

    work(20)  # whatever is made once and kept is made here
    assert work(2_000) < 4.4 * work(500)


PEAK = """
import re, sys, time
from nasdsl.errors import Source
from nasdsl.loading import analyse
from nasdsl.language.printer.format import formatted
text = open(sys.argv[1], encoding="utf-8").read()
start = time.process_time()
examined = analyse(Source("large.cell", text))
formatted(examined.parsed)
blocks = len(examined.space.cells[0].blocks)
# getrusage would count the parent, whose size a new process starts from.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
print(blocks, len(examined.diagnostics), peak, time.process_time() - start)
"""


def test_a_megabyte_of_ten_thousand_blocks(tmp_path) -> None:
    """It is checked and formatted in bounded time, and in less than 500 MB."""
    text = chain(10_000).replace("  # ", f"  # {'c' * 40} ")
    assert len(text) > MEGABYTE
    path = tmp_path / "large.cell"
    path.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True
    )
    blocks, findings, peak, seconds = run.stdout.split()
    assert (int(blocks), int(findings)) == (10_000, 0)
    assert int(peak) < 500
    assert float(seconds) < MAX_SECONDS


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
