"""One run of the command line, from its arguments to an exit code.

Purpose: every way a command can end becomes a code and, at most, a few lines on standard
error. No traceback is ever shown unless NASDSL_DEBUG asks for it.
Non-goals: the commands.
"""

import errno
import os
import sys
from collections.abc import Sequence

import click
from click.shell_completion import shell_complete

from nasdsl.cli import output
from nasdsl.cli.group import program
from nasdsl.cli.output import BROKEN_PIPE, BUG, FINDINGS, INTERRUPTED, OK, USAGE
from nasdsl.errors import CellError

PROGRAM = "nasdsl"
#: Where a shell says what it wants completed.
COMPLETE_VARIABLE = "_NASDSL_COMPLETE"


def exit_code(arguments: Sequence[str]) -> int:
    """Run `nasdsl` with these arguments; the code to exit with."""
    output.forgive_encodings()
    # Spaces have sizes of many digits; the numbers that texts may hold are short.
    sys.set_int_max_str_digits(0)
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except (click.Abort, KeyboardInterrupt, EOFError):
        output.note("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except CellError as error:
        output.report(error.diagnostics)
        if "--json" in arguments:
            from nasdsl.report import as_json

            # Who reads an object gets one: that of `nasdsl check --json`.
            output.data(as_json(error.diagnostics))
        return code_of(error)
    except OSError as error:
        return _failed(error)
    except Exception as error:
        # Imported here because it is needed once in a blue moon.
        from nasdsl.cli.bug import bug_report

        output.note(bug_report(error, arguments))
        return BUG
    return code if isinstance(code, int) else OK


def _run(arguments: list[str]) -> object:
    completing = os.environ.get(COMPLETE_VARIABLE)
    if completing:
        return shell_complete(program, {}, PROGRAM, COMPLETE_VARIABLE, completing)
    # click's own `main` would turn a broken pipe into exit code 1, which means findings.
    with program.make_context(PROGRAM, arguments) as context:
        return program.invoke(context)


def code_of(error: CellError) -> int:
    """1 where a text is at fault, 2 where what was asked for is: a name, a flag, a file."""
    errors = [finding for finding in error.diagnostics if finding.is_error]
    if any(finding.code == "NAS900" for finding in errors):
        return BUG
    in_a_text = any(finding.source is not None for finding in errors)
    return FINDINGS if in_a_text else USAGE


def _failed(error: OSError) -> int:
    windows_pipe = os.name == "nt" and error.errno == errno.EINVAL
    if isinstance(error, BrokenPipeError) or windows_pipe:
        # What is still buffered cannot be written either; the interpreter must not try.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (open until the process ends)
        return BROKEN_PIPE
    name = f" {error.filename!r}" if error.filename else ""
    output.note(f"error: {error.strerror or error}{name}")
    return USAGE
