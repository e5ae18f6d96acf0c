"""`nasdsl completion`: scripts for shells."""

import click
from click.shell_completion import get_completion_class

from nasdsl.cli import output
from nasdsl.cli.command import Command

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    cls=Command,
    examples="""
        source <(nasdsl completion bash)
        nasdsl completion zsh > ~/.zfunc/_nasdsl
        nasdsl completion fish > ~/.config/fish/completions/nasdsl.fish
    """,
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print a script that makes a shell complete nasdsl's commands, flags and library names.

    For bash and zsh it is read by the shell's start-up file, for example with the first
    line below in ~/.bashrc; fish finds it in its folder of completions.
    """
    from nasdsl.cli.group import program
    from nasdsl.cli.run import COMPLETE_VARIABLE, PROGRAM

    made = get_completion_class(shell)
    assert made is not None
    output.data(made(program, {}, PROGRAM, COMPLETE_VARIABLE).source())
