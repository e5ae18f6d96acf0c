"""Foreign texts of a megabyte take time in proportion to their length, whatever they repeat.

Nothing here depends on how fast the machine is: a text is compared with a sixteenth of it, read in
the same process. Work that grows with the length takes 16 times as long for all of it, work that
grows with its square 256 times; the bound lies far from both.
"""

import re
import time
from contextlib import suppress

import pytest

import nasdsl
from nasdsl import interop
from nasdsl.errors import Source
from nasdsl.interop.foreign import MAX_CHARACTERS, foreign_text
from tests.work import seconds

#: Between 16 and 256, four times away from each.
MAX_RATIO = 64
TRIES = 3

# What a text repeats, what stands before and after it.
REPEATED = [
    ("darts", "Genotype(]", "", ""),
    ("darts", "Genotype(a=1)\n", "log ", ""),
    ("darts", "{'normal': ", "", ""),
    ("darts", '\\"', "", ""),
    ("darts", "(1,),", "Genotype(normal=[", "])"),
    ("darts", "é" * 40 + "=1;", "", ""),
    ("slim", "hiddenstate_indices ", "", ""),
    ("amoebanet", "operations=[1];" + " " * 45, "", ""),
    ("enas", "0 ", "", ""),
    ("enas", "9", "", ""),
    ("enas", "[", "", ""),
    ("enas", 'fixed_arc="$fixed_arc $fixed_arc"\n', "", ""),
    ("enas", "fixed_arc=[", "", ""),
    ("nni", '"normal/op_2_0":', "", ""),
    ("nni", '\\"', '{"', '"}'),
    ("naslib", "( ( (", "", ""),
    ("nasbench201", "|a~0|+", "", ""),
    ("nasbench201", "nor_conv_3x3~", "", ""),
    ("nasbench101", "matrix ", "", ""),
    ("nasbench101", "[0 1]\n", "", ""),
    ("nasbench301", "edge_normal_0   ", "", ""),
    ("json", '{"nasdsl" ', "", ""),
    ("json", "1", '{"nasdsl": ', "}"),
    ("yaml", "1:1:", "nasdsl: ", "1"),
    ("yaml", "nasdsl:", "", ""),
    ("pyglove", "DNA(", "", ""),
    ("cell", "genotype ", "", ""),
]


def _seconds(text: str, format: str) -> float:
    """The processor time of detecting the format, and of finding and reading what is there."""
    source = Source("x.txt", text)

    def read() -> None:
        with suppress(nasdsl.CellError):
            interop.format_of(source)
        with suppress(nasdsl.CellError):
            held = interop.find(source, format)
            for entry in (*held.entries[:1], *held.entries[-1:]):
                held.problem(entry)

    return seconds(read)


@pytest.mark.parametrize(("format", "token", "before", "after"), REPEATED)
def test_time_is_in_proportion(format: str, token: str, before: str, after: str) -> None:
    """A megabyte of a format's own words, detected and read."""

    def text(length: int) -> str:
        return before + token * ((length - len(before) - len(after)) // len(token)) + after

    ratios = []
    for _ in range(TRIES):
        start = time.thread_time()
        foreign_text(Source("x.txt", " " * MAX_CHARACTERS))
        # What takes no longer than looking at each character a few times is linear.
        one_pass = time.thread_time() - start
        part = _seconds(text(MAX_CHARACTERS // 16), format)
        ratios.append((_seconds(text(MAX_CHARACTERS), format) - 3 * one_pass) / part)
        if ratios[-1] <= MAX_RATIO:
            return
    pytest.fail(f"{token!r} takes {min(ratios):.1f} times as long as a sixteenth of it")


def test_the_measure_sees_what_grows_with_the_square() -> None:
    """A pattern that begins again at every character is over the bound that all formats keep."""
    backtracking = re.compile("a*b")

    def work(length: int) -> float:
        start = time.thread_time()
        assert backtracking.search("a" * length) is None
        return time.thread_time() - start

    assert max(work(16_000) / work(1_000) for _ in range(TRIES)) > MAX_RATIO
