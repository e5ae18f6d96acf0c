"""Every command line in the documents is one that the commands understand."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from nasdsl.cli.command import CommandWithActions
from nasdsl.cli.group import program
from tests.cli_run import exit_code
from tests.clones import ROOT
from tests.test_docs import PAGES


def command_lines() -> Iterator[tuple[str, str]]:
    """Every command line of ours in the documents, with its page."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        # What a page installs is not here: its commands are run by `tests/test_tutorials.py`.
        start = "    " if "$ pip install" in text else r"(?:    |\$ )"
        found = re.findall(rf"^{start}(nasdsl [a-z].*)$", text, re.M)
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
