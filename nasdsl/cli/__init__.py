"""The command line.

Purpose: `main`, the entry point of `nasdsl`. Each command is a module of its own, imported
only when it is chosen.
Non-goals: doing anything a Python caller could not; commands read, call, and print.

Results go to standard output, messages to standard error. Exit codes: 0 success, 1 findings,
2 usage or input/output error, 70 internal error, 130 interrupted (141 where the reader of the
output has gone away, as shells say it).
"""

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: the words after `nasdsl`; those of the process by default.
    """
    if arguments is None:
        gc.disable()  # Nothing that is imported is garbage. `Command.invoke` puts it on again.
    try:
        from nasdsl.cli.run import exit_code

        # No builtin may be called here: `list` and `hash` are modules of this package.
        code = exit_code(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
