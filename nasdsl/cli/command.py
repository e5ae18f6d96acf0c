"""Commands that show an example in their help, drawn by rich-click only when it is asked for.

Purpose: `Command`, the class of every command, and `LazyGroup`, which imports a command's
module when the command is chosen.
Non-goals: which commands there are (`nasdsl.cli.group`).
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from nasdsl.cli import output
from nasdsl.errors.hints import name_hints
from nasdsl.language.genotype.settings import setting_elsewhere


class Command(click.Command):
    """A command with examples, one command line a line."""

    def __init__(self, *args: Any, examples: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples.strip()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments; a flag that another tool has leads to ours."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            ours = setting_elsewhere(error.option_name.lstrip("-"))
            flag = f"--{(ours or '').replace('_', '-')}"
            if not any(flag in param.opts for param in self.params):
                raise
            text = f"No such option {error.option_name!r}. Did you mean {flag!r}?"
            raise click.NoSuchOption(error.option_name, text, ctx=ctx) from None

    def get_help(self, ctx: click.Context) -> str:
        """The help text; as panels on a terminal, plain elsewhere."""
        if not output.colour(sys.stdout):
            return super().get_help(ctx)
        from nasdsl.cli.panels import command_help

        return command_help(self, ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are."""
        with formatter.section("Examples"):
            for line in self.examples.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line.strip()}\n")


class LazyGroup(click.Group):
    """Commands by name, each with its line of help; a module is imported when chosen."""

    def __init__(
        self, *args: Any, sections: Mapping[str, Mapping[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections
        self.lines = {name: line for part in sections.values() for name, line in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the sections."""
        return list(self.lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module, and give its `command`."""
        if cmd_name not in self.lines:
            return None
        found: click.Command = import_module(f"nasdsl.cli.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command the arguments begin with; a misspelt one is refused with a guess."""
        if args[0] not in self.lines and not args[0].startswith("-"):
            (ways,) = name_hints(args[0], self.lines, "`nasdsl --help` lists the commands")
            raise click.UsageError(f"No command is called {args[0][:60]!r}; {ways}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands without importing any of them, then options."""
        names = [name for name in self.lines if name.startswith(incomplete)]
        found = [CompletionItem(name, help=self.lines[name]) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_help(self, ctx: click.Context) -> str:
        """The help text; as panels on a terminal, plain elsewhere."""
        if not output.colour(sys.stdout):
            return super().get_help(ctx)
        from nasdsl.cli.panels import group_help

        return group_help(self, ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without importing a command."""
        for title, lines in self.sections.items():
            with formatter.section(title):
                formatter.write_dl(list(lines.items()))
