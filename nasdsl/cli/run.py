"""One run of the command line, from its arguments to an exit code.

Purpose: every way a command can end becomes a code and, at most, a few lines on standard
error. No traceback is ever shown unless NASDSL_DEBUG asks for it.
Non-goals: the commands.
"""

import atexit
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import click

from nasdsl.cli import output
from nasdsl.cli.group import program
from nasdsl.cli.output import BROKEN_PIPE, BUG, FINDINGS, INTERRUPTED, OK, TERMINATED, USAGE
from nasdsl.errors import CellError, cell_error
from nasdsl.errors.visible import shortened

PROGRAM = "nasdsl"
#: Where a shell says what it wants completed.
COMPLETE_VARIABLE = "_NASDSL_COMPLETE"
#: Frames of a bug that are reported.
_INNERMOST = 8
#: Errors of the system that speak of writing.
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT})


def exit_code(arguments: Sequence[str]) -> int:
    """Run `nasdsl` with these arguments; the code to exit with."""
    output.forgive_encodings()
    try:
        with _termination_raised():
            code = _run(list(arguments))
        sys.stdout.flush()
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except (click.Abort, KeyboardInterrupt, EOFError):
        output.note("interrupted")
        return INTERRUPTED
    except Terminated:
        output.note("terminated")
        return TERMINATED
    except click.ClickException as error:
        error.show()
        return USAGE
    except CellError as error:
        return _reported(error, arguments)
    except OSError as error:
        return _failed(error, arguments)
    except Exception as error:
        output.note(_bug_report(error, arguments))
        return BUG
    return code if isinstance(code, int) else OK


class Terminated(BaseException):
    """SIGTERM has arrived."""


@contextmanager
def _termination_raised() -> Iterator[None]:
    """Raise SIGTERM within the block, so that temporary files and child processes are removed.

    Trainings and searches put handlers of their own in its place, which save first.
    """
    is_ours = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not is_ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise_terminated(number: int, frame: object) -> NoReturn:
    raise Terminated


def _run(arguments: list[str]) -> object:
    completing = os.environ.get(COMPLETE_VARIABLE)
    if completing:
        from click.shell_completion import shell_complete

        return shell_complete(program, {}, PROGRAM, COMPLETE_VARIABLE, completing)
    # click's own `main` would turn a broken pipe into exit code 1, which means findings.
    with program.make_context(PROGRAM, arguments) as context:
        return program.invoke(context)


def _reported(error: CellError, arguments: Sequence[str]) -> int:
    """The exit code of an error, once it has been printed."""
    output.report(error.diagnostics)
    if "--json" in arguments:
        from nasdsl.report import as_json

        # Who reads an object gets one: that of `nasdsl check --json`. The disk may be full.
        with suppress(OSError):
            output.data(as_json(error.diagnostics))
    return code_of(error)


def code_of(error: CellError) -> int:
    """The exit code of an error.

    1 where a text is at fault or a search has no result, 2 where what was asked for is at fault:
    a name, a flag, a file.
    """
    errors = [finding for finding in error.diagnostics if finding.is_error]
    if any(finding.code == "NAS900" for finding in errors):
        return BUG
    is_finding = any(finding.source is not None or finding.code == "NAS872" for finding in errors)
    return FINDINGS if is_finding else USAGE


def _failed(error: OSError, arguments: Sequence[str]) -> int:
    windows_pipe = os.name == "nt" and error.errno == errno.EINVAL
    if isinstance(error, BrokenPipeError) or windows_pipe:
        # What is still buffered cannot be written either; the interpreter must not try.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (open until the process ends)
        atexit.register(sys.stdout.close)
        return BROKEN_PIPE
    name = f": {shortened(str(error.filename), 200)!r}" if error.filename else ""
    code = "NAS006" if error.errno in _UNWRITABLE else "NAS001"
    return _reported(cell_error(code, f"{error.strerror or error}{name}"), arguments)


def _bug_report(error: Exception, arguments: Sequence[str]) -> str:
    """A short message and the report to send; a traceback only with NASDSL_DEBUG."""
    # Imported here because a bug is rare, and every command should start quickly.
    import platform
    import shlex
    import traceback

    from nasdsl import __version__
    from nasdsl.report.visible import visible

    if os.environ.get("NASDSL_DEBUG"):
        return "".join(traceback.format_exception(error)).rstrip("\n")
    frames = traceback.extract_tb(error.__traceback__)[-_INNERMOST:]
    return "\n".join(
        [
            "error[NAS900]: internal error; the input is not at fault",
            "  = help: please report it, with the lines below",
            "  = help: `NASDSL_DEBUG=1 nasdsl ...` shows the traceback",
            "",
            "--- report ---",
            f"nasdsl {__version__}, Python {platform.python_version()}, {platform.platform()}",
            visible(f"command: nasdsl {shlex.join(shortened(word, 200) for word in arguments)}"),
            visible(f"{type(error).__name__}: {shortened(str(error), 200)}"),
            # The end of a path says enough and gives no home folder away.
            *(
                f"  at {'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}"
                for frame in frames
            ),
        ]
    )
