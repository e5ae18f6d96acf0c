"""Help in colour and panels.

Purpose: the same commands, drawn by rich-click. Imported only when help is shown.
Non-goals: help for pipes and plain terminals; click's own does that.
"""

import inspect

import click
from rich_click import RichCommand, RichContext, RichGroup, RichHelpConfiguration
from rich_click.utils import CommandGroupDict

from nasdsl.cli.command import Command, LazyGroup

_WIDEST = 100


def command_help(command: Command, ctx: click.Context) -> str:
    """A command's help."""
    prose = inspect.cleandoc(command.help or "")
    examples = "\n".join(f"  {line.strip()}" for line in command.examples.splitlines())
    drawn = RichCommand(
        name=command.name,
        params=command.params,
        help=f"{prose}\n\n\b\nExamples:\n{examples}",
        context_settings=command.context_settings,
    )
    return _help(drawn, ctx, RichHelpConfiguration(text_markup="ansi", max_width=_WIDEST))


def group_help(group: LazyGroup, ctx: click.Context) -> str:
    """The group's help, a panel for each section."""
    commands = {name: RichCommand(name=name, help=line) for name, line in group.lines.items()}
    drawn = RichGroup(
        name=group.name,
        commands=dict[str, click.Command](commands),
        params=group.params,
        help=group.help,
    )
    panels: dict[str, list[CommandGroupDict]] = {
        ctx.command_path: [
            {"name": title, "commands": list(lines)} for title, lines in group.sections.items()
        ]
    }
    look = RichHelpConfiguration(text_markup="ansi", max_width=_WIDEST, command_groups=panels)
    return _help(drawn, ctx, look)


def _help(drawn: RichCommand, ctx: click.Context, look: RichHelpConfiguration) -> str:
    inner = RichContext(
        drawn,
        info_name=ctx.info_name,
        parent=ctx.parent,
        help_option_names=ctx.help_option_names,
        rich_help_config=look,
    )
    return drawn.get_help(inner)
