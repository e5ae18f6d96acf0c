"""The classes of nasdsl's commands: examples in their help, modules imported when chosen.

Purpose: `Command`; `LazyGroup`, which imports a command's module when the command is chosen; and
`CommandWithActions`, as in `nasdsl search SPACE` and `nasdsl search status STORE`. On a terminal
rich-click draws the help, and is imported only then.
Non-goals: which commands there are (`nasdsl.cli.group`).
"""

import gc
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from nasdsl.cli import output
from nasdsl.cli.option_help import shown_options
from nasdsl.errors.hints import did_you_mean, name_hints, nearest
from nasdsl.language.genotype.settings import RULES, setting_elsewhere

#: What other tools call values of a recipe.
_RECIPE_ELSEWHERE = {
    "epoch": "epochs",
    "batch_size": "batch",
    "learning_rate": "lr",
    "wd": "weight_decay",
    "optim": "optimizer",
}


class Command(click.Command):
    """A command with examples, one command line a line."""

    def __init__(self, *args: Any, examples: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = inspect.cleandoc(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments; a flag that another tool has leads to ours."""
        if ctx.resilient_parsing and args and self._takes_value(args[-1]):
            # What is being completed is its value. click would give up all arguments.
            args = args[:-1]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            ours = self._said_otherwise(error.option_name.lstrip("-").replace("-", "_"))
            if ours is None:
                raise
            text = f"No such option {error.option_name!r}. Did you mean {ours!r}?"
            raise click.NoSuchOption(error.option_name, text, ctx=ctx) from None

    def _said_otherwise(self, name: str) -> str | None:
        """How this command is told what a flag of another tool, or of another command, says."""
        flags = {flag for param in self.params for flag in param.opts}
        setting = setting_elsewhere(name) or name
        if (flag := f"--{setting.replace('_', '-')}") in flags:
            return flag
        # Imported here because few commands train anything.
        from nasdsl.train.recipe import VALUES

        value = _RECIPE_ELSEWHERE.get(name, name)
        if "--set" in flags and value in VALUES:
            return f"--set {value}=..."
        if "--evaluator" not in flags:
            return None
        keys = {"set": "KEY", "recipe": "recipe", **{each: each for each in (*VALUES, *RULES)}}
        key = keys.get(value) or keys.get(setting)
        return key and f"--evaluator 'train?{key}=...'"

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what was imported until now is left out when garbage is looked for."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return super().invoke(ctx)

    def _takes_value(self, word: str) -> bool:
        named = (param for param in self.params if word in param.opts)
        return any(isinstance(param, click.Option) and not param.is_flag for param in named)

    def get_help(self, ctx: click.Context) -> str:
        """The help text; as panels on a terminal, plain elsewhere."""
        return _in_panels(self, ctx, {}, self.examples) or super().get_help(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each with a short word for its value."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        records = (each.get_help_record(ctx) for each in shown_options(options))
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are."""
        write_examples(self.examples, formatter)


class LazyGroup(click.Group):
    """Commands by name, each with its line of help; a module is imported when chosen.

    Args:
        sections: titles to commands and their lines.
        find: imports a command by name.
    """

    def __init__(
        self,
        *args: Any,
        sections: Mapping[str, Mapping[str, str]],
        find: Callable[[str], click.Command],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sections, self.find = sections, find
        self.lines = {name: line for part in sections.values() for name, line in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the sections."""
        return list(self.lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        return self.find(cmd_name) if cmd_name in self.lines else None

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
        return [
            *_named(self.lines, incomplete),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def get_help(self, ctx: click.Context) -> str:
        """The help text; as panels on a terminal, plain elsewhere."""
        return _in_panels(self, ctx, self.sections) or super().get_help(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without importing a command."""
        for title, lines in self.sections.items():
            with formatter.section(title):
                formatter.write_dl(list(lines.items()))


class _DefaultContext(click.Context):
    """Of a command that has no word of its own on the command line."""

    @property
    def command_path(self) -> str:
        return super().command_path.rstrip()


class _Default(Command):
    """What a `CommandWithActions` does where no action is named; its help is the group's."""

    context_class = _DefaultContext

    def get_help(self, ctx: click.Context) -> str:
        """The group's help."""
        assert ctx.parent is not None
        return ctx.parent.get_help()


class CommandWithActions(LazyGroup):
    """A command that takes a first argument of its own, or the name of an action.

    Args:
        default: what it does where no action is named.
        action_usage: an action with its arguments, for the usage lines.
    """

    def __init__(
        self,
        *args: Any,
        default: click.Command,
        action_usage: str,
        examples: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.default, self.action_usage = default, action_usage
        self.examples = inspect.cleandoc(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave everything to the action or the default command, but for a wish for help."""
        if not args or args[0] in ctx.help_option_names:
            return super().parse_args(ctx, args)
        ctx._protected_args, ctx.args = args[:1], args[1:]
        return ctx.args

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An action by its name; a misspelt one is refused; all else is the default command's."""
        first = args[0]
        if first in self.lines:
            return super().resolve_command(ctx, args)
        guess = nearest(first, self.lines)
        if guess and not ctx.resilient_parsing and not _is_file(first):
            raise click.UsageError(
                f"{first[:60]!r} is neither a file, nor a name of the library, nor an action; "
                + did_you_mean(guess),
                ctx,
            )
        return "", self.default, args

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Actions, and whatever the default command takes."""
        inner = self.default.make_context("", [], parent=ctx, resilient_parsing=True)
        if incomplete.startswith("-"):
            return self.default.shell_complete(inner, incomplete)
        argument = next(item for item in self.default.params if isinstance(item, click.Argument))
        return [*_named(self.lines, incomplete), *argument.shell_complete(inner, incomplete)]

    def get_help(self, ctx: click.Context) -> str:
        """The help text; as panels on a terminal, plain elsewhere."""
        usage = f"| {self.action_usage}"
        drawn = _in_panels(self, ctx, self.sections, self.examples, self.default, usage)
        return drawn or click.Group.get_help(self, ctx)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lines: the default command, and its actions."""
        own = " ".join(self.default.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, own)
        formatter.write_usage(ctx.command_path, self.action_usage, " " * len("Usage: "))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the actions, then the default command's options."""
        self.format_commands(ctx, formatter)
        self.default.format_options(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are."""
        write_examples(self.examples, formatter)


def default_command(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Decorator: the default command of a `CommandWithActions`."""
    return click.command(*args, cls=_Default, examples="", **kwargs)


def write_examples(examples: str, formatter: click.HelpFormatter) -> None:
    """Write examples as they are, one per line."""
    if not examples:
        return
    with formatter.section("Examples"):
        for line in examples.splitlines():
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def import_command(name: str) -> click.Command:
    """The `command` of the module that is named for it."""
    found: click.Command = import_module(f"nasdsl.cli.{name}").command
    return found


def _is_file(name: str) -> bool:
    """Whether a word can only mean a file or a name of the library."""
    from nasdsl.loading import is_library_name

    return name == "-" or not name.isidentifier() or Path(name).exists() or is_library_name(name)


def _named(lines: Mapping[str, str], incomplete: str) -> Iterable[CompletionItem]:
    return [
        CompletionItem(name, help=line)
        for name, line in lines.items()
        if name.startswith(incomplete)
    ]


def _in_panels(
    command: click.Command,
    ctx: click.Context,
    sections: Mapping[str, Mapping[str, str]],
    examples: str = "",
    described: click.Command | None = None,
    action_usage: str = "COMMAND [ARGS]...",
) -> str | None:
    """The help as rich-click draws it, or None where no colour is welcome."""
    if not output.colour(sys.stdout):
        return None
    from nasdsl.cli.panels import help_in_panels

    params = shown_options((described or command).params)
    return help_in_panels(command, ctx, params, sections, examples, action_usage)
