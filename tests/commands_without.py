"""Commands where some packages are not there: a program for a process of its own.

    python tests/commands_without.py MODE PACKAGE,PACKAGE... [FOLDER] < COMMANDS

COMMANDS is a JSON list of lists of arguments. Each command runs in the current folder, or in a copy
of FOLDER of its own. With the mode `missing`, the packages are not
installed, as far as Python can tell. With `refused` they are, and an attempt to import one ends
the command. For each command a line of JSON is printed: the exit code, what it printed, and which
package was imported.
"""

import contextlib
import importlib.machinery
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Imported(BaseException):
    """A package was imported that should not have been; no `except` of a command catches it."""


class Refuse:
    """The loader of a package that must not be imported."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: object) -> None:
        """Refuse."""
        raise Imported(self.name)

    def exec_module(self, module: object) -> None:
        """Never reached."""


def hide(mode: str, packages: set[str]) -> None:
    """Change what Python finds of these packages."""
    plain: Any = importlib.machinery.PathFinder.find_spec

    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if mode == "missing" and name.partition(".")[0] in packages:
            return None
        spec = plain(name, path, target)
        if mode == "refused" and name in packages and spec is not None:
            spec.loader = Refuse(name)
        return spec

    importlib.machinery.PathFinder.find_spec = find_spec  # type: ignore[assignment]


class Case(NamedTuple):
    """A command line, what a table of cases wants of it, and what came of it."""

    wanted: str
    words: str
    code: int
    said: str
    imported: str


def cases_without(mode: str, packages: Iterable[str], table: str, folder: Path) -> list[Case]:
    """Run the program in a folder on a table, whose lines are what is wanted and a command."""
    rows = [line.split(maxsplit=1) for line in table.splitlines() if line.strip()]
    commands = [shlex.split(words) for _, words in rows]
    results = outcomes_without(mode, packages, commands, folder)
    return [
        Case(wanted, words, code, said, imported)
        for (wanted, words), (code, said, imported) in zip(rows, results, strict=True)
    ]


def outcomes_without(
    mode: str,
    packages: Iterable[str],
    commands: list[list[str]],
    folder: Path,
    *,
    in_copies: bool = False,
    **environment: str,
) -> list[tuple[int, str, str]]:
    """The code, the output and the import that was tried of each command.

    Each runs in the folder, or in a copy of it of its own.
    """
    ran = subprocess.run(
        [sys.executable, __file__, mode, ",".join(packages), *([str(folder)] if in_copies else [])],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "random", **environment},
    )
    assert ran.returncode == 0, ran.stderr
    answers = map(json.loads, ran.stdout.splitlines())
    return [(code, said, imported) for code, said, imported in answers]


def main() -> None:
    """Run the commands."""
    mode, packages, *folder = sys.argv[1:]
    hide(mode, set(packages.split(",")))
    from nasdsl.cli import main as nasdsl

    commands = json.load(sys.stdin)
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    for words in commands:
        code: Any = None
        imported = ""
        said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        place = in_copy(folder[0]) if folder else contextlib.nullcontext()
        with place, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                nasdsl(words)
            except SystemExit as ended:
                code = ended.code
            except Imported as attempt:
                imported = str(attempt)
        text = said.buffer.getvalue().decode()
        print(json.dumps([code, text, imported]), flush=True)


@contextlib.contextmanager
def in_copy(folder: str) -> Iterator[None]:
    """Work in a copy of the folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        with contextlib.chdir(copy):
            yield


if __name__ == "__main__":
    main()
