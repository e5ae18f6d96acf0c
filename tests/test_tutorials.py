"""The tutorials are followed, step by step, in a folder of their own.

A block with a title is a file that is saved; console blocks are typed and have to print what the
page shows, Python blocks are run. Commands that would take too long stand indented, and are parsed.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nasdsl.cli.command import CommandWithActions
from nasdsl.cli.group import program
from tests.cli_run import exit_code
from tests.clones import ROOT
from tests.test_docs import FOLLOWED, PAGES, require_console

_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?[^\n]*\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_tutorial_can_be_followed(
    page: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    one_thread: None,
) -> None:
    """From top to bottom, each step with what the steps before it left."""
    for package in ("torch", "accelerate", "onnxruntime", "hypothesis", "sklearn"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    steps = 0
    for language, title, content in _FENCE.findall(page.read_text("utf-8")):
        if title:
            Path(title).write_text(content, "utf-8")
        elif language == "console":
            require_console(content, lambda: "".join(capfd.readouterr()))
        elif language == "python":
            exec(compile(content, page.name, "exec"), {"__name__": "tutorial"})
        else:
            continue
        steps += 1
    assert steps >= 3


def command_lines() -> Iterator[tuple[str, str]]:
    """Every command line of ours in the documents, with its page."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        found = re.findall(r"^(?:    |\$ )(nasdsl [a-z].*)$", text, re.M)
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S):
            found += re.findall(r"^(nasdsl [a-z].*)$", block, re.M)
        for line in dict.fromkeys(found):
            yield page.relative_to(ROOT).as_posix(), line


def parsed(words: list[str]) -> None:
    """Take the words as the command line would, and do nothing.

    Raises:
        click.ClickException: they would be refused.
    """
    context = click.Context(program, info_name="nasdsl")
    name, *rest = words
    command = program.get_command(context, name)
    assert command is not None, name
    if isinstance(command, CommandWithActions):
        action = command.get_command(context, rest[0]) if rest else None
        command, rest = (action, rest[1:]) if action else (command.default, rest)
    command.make_context(name, rest, parent=context)


def test_every_command_line_is_understood() -> None:
    """Flags and their values are those that the commands take."""
    refused = []
    lines = list(command_lines())
    for page, line in lines:
        words = shlex.split(line, comments=True)[1:]
        words = words[: next((at for at, word in enumerate(words) if word in "|>&&;"), len(words))]
        try:
            parsed(words)
        except click.ClickException as error:
            refused.append((page, line, error.format_message()))
        except click.exceptions.Exit:
            pass
    assert refused == []
    assert len(lines) > 80


def test_a_command_line_that_is_not_understood() -> None:
    with pytest.raises(click.ClickException):
        parsed(["cost", "nasnet_a", "--no-such-flag"])
    assert exit_code(["cost", "nasnet_a", "--no-such-flag"]) == 2
