"""Help in colour and panels, drawn by rich-click. Imported only when help is shown on a terminal.

Paragraphs stay paragraphs, and examples are never wrapped, so that they can be copied.
"""

from collections.abc import Mapping, Sequence

import click
from rich_click import RichCommand, RichContext, RichGroup, RichHelpConfiguration
from rich_click.utils import CommandGroupDict

_MAX_WIDTH = 100


def help_in_panels(
    command: click.Command,
    ctx: click.Context,
    params: Sequence[click.Parameter],
    sections: Mapping[str, Mapping[str, str]],
    examples: str,
    action_usage: str,
) -> str:
    """A command's help, with a panel for its options and one for each section of commands."""
    lines = {name: line for part in sections.values() for name, line in part.items()}
    groups: list[CommandGroupDict] = [
        {"name": title, "commands": list(part)} for title, part in sections.items()
    ]
    look = RichHelpConfiguration(
        text_markup="ansi",
        text_paragraph_linebreaks="\n\n",
        padding_helptext_first_line=(0, 0, 1, 0),
        max_width=_MAX_WIDTH,
        options_table_column_types=["opt_all_metavar", "help"],
        append_metavars_help_string="{}",
        command_groups={ctx.command_path: groups},
    )
    drawn: RichCommand
    if lines:
        commands = {name: RichCommand(name=name, help=line) for name, line in lines.items()}
        drawn = RichGroup(
            name=command.name,
            commands=dict[str, click.Command](commands),
            params=list(params),
            help=command.help,
            subcommand_metavar=action_usage,
        )
    else:
        drawn = RichCommand(name=command.name, params=list(params), help=command.help)
    inner = RichContext(
        drawn,
        info_name=ctx.info_name,
        parent=ctx.parent,
        help_option_names=ctx.help_option_names,
        rich_help_config=look,
    )
    text = drawn.get_help(inner)
    if not examples:
        return text
    shown = "\n".join(f"   {line}" for line in examples.splitlines())
    return f"{text.rstrip()}\n\n{click.style(' Examples:', bold=True)}\n{shown}"
