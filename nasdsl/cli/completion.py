"""`nasdsl completion`: scripts for shells."""

import click
from click.shell_completion import get_completion_class

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import Words

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
@click.argument("shell", type=Words(SHELLS))
def command(shell: str) -> None:
    """Print a script with which a shell completes nasdsl's commands, options and library names.

    For bash, add the first line below to ~/.bashrc. For zsh, save the script in a folder of
    $fpath, and for fish in its folder of completions.
    """
    from nasdsl.cli.group import program
    from nasdsl.cli.run import COMPLETE_VARIABLE, PROGRAM

    made = get_completion_class(shell)
    assert made is not None
    output.data(made(program, {}, PROGRAM, COMPLETE_VARIABLE).source())
