"""What is said when nasdsl itself is at fault.

Purpose: an apology, a way to report, and a text to report: where it happened, on what.
Non-goals: sending anything anywhere; the content of files.
"""

import os
import platform
import shlex
import traceback
from collections.abc import Sequence
from pathlib import Path

from nasdsl import __version__
from nasdsl.report.visible import shortened, visible

_INNERMOST = 8


def bug_report(error: Exception, arguments: Sequence[str]) -> str:
    """A short message and the report to send; a traceback only with NASDSL_DEBUG."""
    if os.environ.get("NASDSL_DEBUG"):
        return "".join(traceback.format_exception(error)).rstrip("\n")
    return "\n".join(
        [
            "error[NAS900]: internal error; the input is not at fault",
            "  = help: please report this with the lines below",
            "  = help: `NASDSL_DEBUG=1 nasdsl ...` shows the traceback",
            "",
            "--- report ---",
            f"nasdsl {__version__}, Python {platform.python_version()}, {platform.platform()}",
            visible(f"command: nasdsl {shlex.join(shortened(word, 200) for word in arguments)}"),
            visible(f"{type(error).__name__}: {shortened(str(error), 200)}"),
            *_places(error),
        ]
    )


def _places(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_INNERMOST:]
    return [f"  at {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]


def _short(filename: str) -> str:
    """The end of a path, which says enough and gives no home folder away."""
    return "/".join(Path(filename).parts[-3:])
