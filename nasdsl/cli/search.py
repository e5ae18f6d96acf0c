"""`nasdsl search`: search a space, and look at what a search has found."""

from importlib import import_module
from typing import Any

import click

from nasdsl.cli.arguments import complete_file, json_option
from nasdsl.cli.command import Command
from nasdsl.search.engines.choosing import ENGINES

#: What may be done with a store, each in a module of its own: `nasdsl search top STORE`.
ACTIONS = ("status", "top", "plot", "export", "finish")


class Search(Command):
    """A command whose first word may name one of the actions on a store instead."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> click.Context:
        """The context of the action, where the first word names one."""
        if args and args[0] in ACTIONS:
            action: click.Command = import_module(f"nasdsl.cli.search_{args[0]}").command
            return action.make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


@click.command(
    "search",
    cls=Search,
    examples="""
        nasdsl search nasnet_space --algorithm ppo --trials 200 --workers 2 --store s1.db
        nasdsl search nasnet_space --algorithm ppo --trials 400 --workers 2 --store s1.db --resume
        nasdsl search my.cell --evaluator proxy:naswot --max-params 5000000 --store s2.db
        nasdsl search status s1.db
        nasdsl search top s1.db -n 5 -o best
        nasdsl search plot s1.db s2.db -o figure6.svg
    """,
)
@click.argument("space", metavar="SPACE", shell_complete=complete_file)
@click.option(
    "--algorithm",
    default="random",
    show_default=True,
    metavar="NAME",
    help="random, ppo, evolution, local, optuna, or one that is installed.",
)
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="Of the algorithm: lr=0.001."
)
@click.option(
    "--evaluator",
    default="train",
    show_default=True,
    metavar="SPEC",
    help="train?KEY=VALUE&..., table:FILE, proxy:NAME, python:MODULE:FUNCTION.",
)
@click.option("--data", metavar="DATA", help="What `train` trains on; digits where it is left out.")
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Networks to propose.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="At a time.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Of the proposals and the trainings.",
)
@click.option("--store", metavar="STORE", help="The file that remembers everything.")
@click.option("--resume", is_flag=True, help="Go on with the store's search after any end.")
@click.option("--max-params", type=click.IntRange(1), help="Reject networks with more.")
@click.option("--max-mult-adds", type=click.IntRange(1), help="Reject networks with more.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES.names()),
    default="local",
    show_default=True,
    help="local: processes of this machine; ray: a Ray cluster.",
)
@click.option("--address", default="auto", show_default=True, help="Of the Ray cluster.")
@click.option("--gpus", type=click.IntRange(0), default=0, help="GPUs to use; 0 for the CPU.")
@click.option(
    "--per-gpu", type=click.IntRange(1), default=1, show_default=True, help="Workers a GPU."
)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="CPU threads a worker."
)
@click.option("--deadline", type=click.FloatRange(0, min_open=True), help="Seconds a network has.")
@click.option("--memory", type=click.FloatRange(0, min_open=True), help="Gigabytes a worker has.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option("Print the result as a JSON object.")
def command(
    space: str,
    store: str | None,
    resume: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Search a space of cells, losing nothing.

    Networks are proposed by an algorithm and trained, looked up or scored by an evaluator; each
    result is in the store before the next one counts, and no network is evaluated twice. After
    any end the same command goes on with --resume. The best network goes to standard output.

    The actions status, top, plot, export and finish take a STORE in place of SPACE; each has
    its --help.
    """
    # Imported here because --help should not wait for the search.
    from nasdsl.cli import searching

    settings = searching.settings_of(space, store, flags)
    return searching.searched(settings, resume=resume, quiet=quiet, as_json=as_json)
