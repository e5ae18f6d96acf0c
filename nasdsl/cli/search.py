"""`nasdsl search`: search a space, and look at what a search has found."""

from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any, get_args

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import CommandWithActions, default_command
from nasdsl.cli.completers import (
    complete_algorithm,
    complete_data,
    complete_evaluator,
    complete_fidelity,
    complete_file,
    complete_objective,
    complete_option,
    forms,
    installed,
)
from nasdsl.cli.options import NumberRange, Words, is_given, json_option
from nasdsl.cli.output import INTERRUPTED
from nasdsl.cli.search_options import engine_options, interruptible
from nasdsl.search.protocol import Same

ACTIONS = {
    "status": "Show how far a search is.",
    "top": "Print the best networks, or write them to files.",
    "plot": "Draw the best rewards or the Pareto front against the number of networks.",
    "export": "Write every trial as CSV, Parquet or an Optuna study.",
    "finish": "Train the best networks to convergence and rank them again.",
}


@default_command("search")
@click.argument("space", metavar="SPACE", shell_complete=complete_file)
@click.option(
    "--algorithm",
    default="random",
    show_default=True,
    metavar="NAME",
    shell_complete=complete_algorithm,
    help=f"Search algorithm: {', '.join(installed('searchers'))}; or one that trains a "
    f"super-network: {', '.join(installed('oneshot'))}.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_option,
    help="Set an option of the algorithm, such as lr=0.001.",
)
@click.option(
    "--evaluator",
    default="train",
    show_default=True,
    metavar="SPEC",
    shell_complete=complete_evaluator,
    help=f"How networks are scored: {', '.join(forms('evaluators'))} (KEY is a setting's name).",
)
@click.option(
    "--data",
    metavar="DATA",
    shell_complete=complete_data,
    help="Data set of the evaluator `train`, or of a super-network.  [default: digits]",
)
@click.option(
    "--out",
    metavar="RUN",
    help="Folder of an algorithm that trains a super-network.  [default: named for the search]",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="NAME:min|max",
    shell_complete=complete_objective,
    help="What to maximise or minimise, the reward first: accuracy, latency, params, mult_adds, a "
    "column of a table, or NAME:min=EVALUATOR. Repeat it for several.",
)
@click.option(
    "--fidelity",
    metavar="RULE",
    shell_complete=complete_fidelity,
    help="Train all networks for few epochs, and let the best continue: asha, hyperband, or a "
    "pruner of Optuna such as MedianPruner.",
)
@click.option(
    "--min-epochs",
    type=click.IntRange(1),
    help="With --fidelity, epochs of the first part of a training.  [default: 1]",
)
@click.option(
    "--max-epochs",
    type=click.IntRange(1),
    help="With --fidelity, epochs of a whole training.  [default: those of the evaluator]",
)
@click.option(
    "--reduction",
    type=click.IntRange(2),
    help="With --fidelity, how many times the epochs grow from part to part; one of so many "
    "networks continues.  [default: 3]",
)
@click.option(
    "--inherit-weights",
    is_flag=True,
    help="Begin each training with the weights of the network that its own was made from, where "
    "parts are the same; for evolution.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    help="How many networks to propose at most.  [default: 200, or 10 times --trained]",
)
@click.option(
    "--trained",
    type=click.IntRange(1),
    help="How many different networks to evaluate at most, failures not counted.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many networks to evaluate at the same time.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of the proposals and the trainings.",
)
@click.option(
    "--block",
    type=click.IntRange(1),
    help="How many results the algorithm learns from at a time.  [default: --workers, at most 20]",
)
@click.option(
    "--window",
    type=click.IntRange(1),
    help="How many proposals may be waiting for a result.  [default: --workers plus --block]",
)
@click.option(
    "--start",
    multiple=True,
    metavar="FILE",
    shell_complete=complete_file,
    help="Evaluate first a genotype, or the best networks of another STORE. Repeat it for several.",
)
@click.option("--store", metavar="STORE", help="File that keeps everything the search does.")
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the search in --store, or in the store or run that is given as SPACE.",
)
@click.option(
    "--retry-failed", is_flag=True, help="With --resume, evaluate again the trials that failed."
)
@click.option("--max-params", type=click.IntRange(1), help="Reject networks with more parameters.")
@click.option(
    "--max-mult-adds", type=click.IntRange(1), help="Reject networks with more mult-adds."
)
@click.option(
    "--max-latency",
    metavar="TIME",
    help="Measure networks first, and reject those that take longer than TIME, such as 20ms.",
)
@click.option(
    "--same",
    type=Words(get_args(Same)),
    help="Whether networks share a result if they have one structure, or if they can compute one "
    "function.  [default: function for accuracies, structure where costs count]",
)
@engine_options
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many CPU threads each worker uses.",
)
@click.option(
    "--deadline",
    type=NumberRange(0, min_open=True),
    help="Seconds after which an evaluation fails.",
)
@click.option(
    "--memory",
    "memory_gigabytes",
    type=NumberRange(0, min_open=True),
    help="Gigabytes of memory each worker may use.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option("Print the result as a JSON object.")
@click.pass_context
def search(
    context: click.Context,
    /,
    space: str,
    store: str | None,
    resume: bool,
    retry_failed: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Search a space of cells."""
    if retry_failed and not resume:
        raise click.UsageError("--retry-failed goes with --resume, which continues a search.")
    from nasdsl.cli.search_one_shot import is_wanted, search_one_shot
    from nasdsl.oneshot.method import METHODS
    from nasdsl.search.searchers import SEARCHERS

    if is_wanted(space, flags, resume):
        return search_one_shot(context, space, resume, quiet, as_json, flags)
    if not resume and flags["algorithm"] not in SEARCHERS:
        raise SEARCHERS.unknown_name(flags["algorithm"], others=METHODS)
    if flags.pop("out") is not None:
        raise click.UsageError("--out goes with an algorithm that trains a super-network.")
    # Imported here because --help should not wait for the search.
    from nasdsl.cli.search_output import print_result
    from nasdsl.cli.search_view import view_for
    from nasdsl.search.loop import run
    from nasdsl.search.planning import plan_resumed, plan_search
    from nasdsl.search.results import summary

    if resume and store is None and _names_store(space):
        given = {name: value for name, value in flags.items() if is_given(context, name)}
        settings = plan_resumed(space, **given)
        if settings.evaluator.startswith("python:"):
            output.note(f"note: {settings.evaluator}, which the store names, runs here")
    else:
        settings = plan_search(reading.space(space), store, **flags)
    if settings.trial and not quiet:
        output.note(settings.trial)
    view = view_for(settings, quiet)
    try:
        with interruptible():
            run(settings, view.tell, resume=resume, retry_failed=retry_failed)
    except KeyboardInterrupt:
        view.close()
        output.note("interrupted; everything is saved except the evaluations that were running")
        output.note(f"to continue, run `nasdsl search --resume {quote(str(settings.store))}`")
        return INTERRUPTED
    finally:
        view.close()
    return print_result(str(settings.store), summary(settings.store), as_json)


def _names_store(name: str) -> bool:
    """Whether what is to be continued is named by its store: a database, or nothing yet.

    A space is a text or a name of the library.
    """
    from nasdsl.loading import is_library_name
    from nasdsl.search.store.files import is_database

    path = Path(name)
    if not path.exists():
        return name != "-" and not is_library_name(name)
    return path.is_file() and path.stat().st_size > 0 and is_database(path)


def _find_action(name: str) -> click.Command:
    found: click.Command = getattr(import_module("nasdsl.cli.search_actions"), name)
    return found


command = CommandWithActions(
    "search",
    default=search,
    action_usage="ACTION STORE ...",
    sections={"Actions": ACTIONS},
    find=_find_action,
    short_help="Search a space of cells.",
    help="""Search a space of cells.

    An algorithm proposes networks, and an evaluator trains them, looks them up or scores them.
    Each result is saved in the store before the next one is used, and no network is evaluated
    twice. After an interruption or a crash, `nasdsl search --resume STORE` continues the search
    with the settings it began with; flags may change how it runs or when it ends. The best network
    goes to standard output.

    An algorithm that trains a super-network does so in this process and needs no evaluator. It
    writes to the folder RUN, which contains a store like any other, and `nasdsl search --resume
    RUN` continues it.

    With --fidelity, every network is trained for a few epochs, and the best ones continue from
    where they stopped. --trials counts networks; promotions come in addition.

    The actions work on the STORE of a search, which may still be running.
    """,
    examples="""
        nasdsl search nasnet_space --algorithm ppo --trials 200 --workers 2 --store s1.db
        nasdsl search --resume s1.db
        nasdsl search --resume s1.db --trials 400
        nasdsl search darts_space --algorithm darts --data digits --out runs/darts
        nasdsl search nasbench201_space --algorithm evolution --evaluator supernet:runs/paths
        nasdsl search my.cell --evaluator proxy:naswot --max-params 5000000 --store s2.db
        nasdsl search my.cell --objective accuracy --objective latency:min --max-latency 20ms
        nasdsl search my.cell --fidelity asha --max-epochs 27 --trials 81 --store s4.db
        nasdsl search status s1.db
        nasdsl search top s1.db -n 5 -o best
        nasdsl search plot s1.db s2.db -o figure6.svg
        nasdsl search finish s1.db --top 5 --recipe quick --N 1 --filters 192 --out winners
    """,
)
