"""Runs of the command line inside the test's own process."""

import io
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from nasdsl.cli import main


class Ran(NamedTuple):
    """What a run left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]

#: A genotype to build, whose networks are small.
TINY = """\
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
}

cell reduction {
    b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add)
}
"""


def exit_code(arguments: Sequence[str]) -> int:
    """Run `nasdsl` with these arguments through its entry point; the code it exits with."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    code = ended.value.code
    assert isinstance(code, int)
    return code


def runner(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("check", "-", stdin="...")`, in the current folder, without colour."""
    for name in ("NO_COLOR", "FORCE_COLOR", "NASDSL_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: str = "") -> Ran:
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        code = exit_code(arguments)
        sys.stdout.flush()
        return Ran(code, *capfd.readouterr())

    return run
