"""`nasdsl search status|top|plot|export|finish`: what may be done with the store of a search."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_data
from nasdsl.cli.options import (
    Words,
    changes_of,
    device_option,
    download_option,
    json_option,
    precision_option,
    recipe_option,
    scan_option,
    set_option,
    settings_options,
)
from nasdsl.cli.output import INTERRUPTED, OK
from nasdsl.cli.search_options import engine_options, interruptible
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.report.visible import visible, visible_text

#: Settings of a search that say when it ends.
_ENDS = ("trials", "trained")

_store = click.argument("store", metavar="STORE", type=click.Path())


@click.command(
    "status",
    cls=Command,
    examples="""
        nasdsl search status s1.db
        nasdsl search status s1.db --json
    """,
)
@_store
@json_option()
def status(store: str, as_json: bool) -> None:
    """Show how far a search is.

    The search may be running, here or on another machine; reading its store does not disturb
    it.
    """
    from nasdsl.cli.search_output import (
        count_members,
        resume_words,
        retry_hint,
        rung_lines,
        trial_members,
    )
    from nasdsl.search.results import number_text, summary

    found = summary(store)
    counts, best = found.counts, found.best
    names = ("algorithm", "evaluator", "seed", "trials", "trained", "objectives", "same")
    known = {name: found.settings.get(name) for name in names}
    if as_json:
        members = best and trial_members(best, store)
        failure = None if found.failed is None else found.failed.failure
        output.data_object(
            store=store,
            is_running=found.is_running,
            **count_members(counts),
            **known,
            best=members,
            failure=failure,
            front=found.front,
            by_function=found.by_function,
            fidelity=found.settings.get("fidelity"),
            rungs=[asdict(rung) for rung in found.rungs],
        )
        return
    shown = {
        key: f"{value:,}" if key in _ENDS and isinstance(value, int) else visible(str(value))
        for key, value in known.items()
    }
    most_trained = "" if known["trained"] is None else f" of {shown['trained']}"
    shared = ""
    if found.by_function:
        shared = f"; {plural(found.by_function, 'trial')} shared by function, of another structure"
    promoted = f", and {plural(counts.promoted, 'promotion')}" if counts.promoted else ""
    output.data(
        f"{shown['algorithm']} with {shown['evaluator']}, seed {shown['seed']}\n"
        f"completed  {counts.completed - counts.promoted:,} of {shown['trials']}{promoted}\n"
        f"unique     {counts.unique:,}{most_trained}{shared}\n"
        f"running    {counts.running:,}\n"
        f"failed     {counts.failed:,}, {counts.quarantined:,} of them quarantined\n"
        f"rejected   {counts.rejected:,}\n"
    )
    if not found.is_running and counts.queued:
        words = resume_words(store, known["evaluator"])
        output.note(f"no search is running on it; {words} continues it")
    for number, line in enumerate(rung_lines(found.rungs)):
        output.data(f"{'' if number else 'rungs':9}  {line}\n")
    if best:
        output.data(f"best       {number_text(best.reward)}, trial {best.id}, hash {best.hash}\n")
    if found.front is not None:
        aims = ", ".join(visible(str(each).partition("=")[0]) for each in known["objectives"] or ())
        output.data(f"front      {plural(found.front, 'network')} by {aims}\n")
    if found.failed is not None:
        said = visible_text(found.failed.failure or "").replace("\n", "\n  ")
        was = "rejected" if found.failed.state == "rejected" else "failed"
        output.data(f"trial {found.failed.id} {was}:\n  {said}\n")
        if best and not found.is_running:
            output.note(retry_hint(store, counts, known["evaluator"]))


@click.command(
    "top",
    cls=Command,
    examples="""
        nasdsl search top s1.db
        nasdsl search top s1.db -n 5 -o best
    """,
)
@_store
@click.option(
    "-n",
    "count",
    type=click.IntRange(1),
    help="How many networks to print.  [default: the best, or the whole Pareto front]",
)
@click.option(
    "-o", "folder", metavar="DIR", help="Write each network to a file of DIR: 001.cell and so on."
)
@json_option()
def top(store: str, count: int | None, folder: str | None, as_json: bool) -> None:
    """Print the best networks of a search, best first, with their scores in comments.

    A network that was proposed several times is printed once. Where networks are trained in parts
    (--fidelity), those that were trained longest come first. With several objectives, the Pareto
    front comes first, in the order of the first objective, then the front of what is left.
    """
    from nasdsl.cli.search_output import trial_members
    from nasdsl.search.checking import best_trials
    from nasdsl.search.results import trial_text, write_ranking

    best = best_trials(store, count)
    texts = [trial_text(trial, store) for trial in best]
    if as_json:
        output.data_object(store=store, best=[trial_members(trial, store) for trial in best])
    elif folder is None:
        output.data(visible_text("\n".join(texts)))
    else:
        written = write_ranking(texts, folder)
        output.note(f"wrote {plural(len(written), 'file')} to {folder}")


@click.command(
    "plot",
    cls=Command,
    examples="""
        nasdsl search plot s1.db -o figure6.svg
        nasdsl search plot ppo.db random.db -o compared.png
        nasdsl search plot s1.db --count unique -o unique.svg
        nasdsl search plot s1.db s2.db --regret --count unique -o regret.svg
    """,
)
@click.argument("stores", metavar="STORE...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "out", metavar="OUT", required=True, help="File to write: .svg, .png or .pdf.")
@click.option(
    "--count",
    "axis",
    type=Words(["sampled", "unique"]),
    default="sampled",
    show_default=True,
    help="What the x axis counts: all networks sampled, as in the paper, or unique ones.",
)
@click.option(
    "--regret",
    is_flag=True,
    help="Draw how far the best so far is from the best of the table that was searched.",
)
def plot(stores: tuple[str, ...], out: str, axis: str, regret: bool) -> None:
    """Draw the paper's Figure 6: the best reward so far, and the mean of the 5 and 25 best.

    With several objectives, draw the Pareto front, and the hypervolume against the number of
    networks. The means are of unique networks. A network that was sampled several times moves a
    curve to the right, unless only unique networks are counted.
    """
    from nasdsl.search.figures import Axis, write_figure

    write_figure(stores, out, axis=cast(Axis, axis), regret=regret)
    output.note(f"wrote {out}")


@click.command(
    "export",
    cls=Command,
    examples="""
        nasdsl search export s1.db -o trials.csv
        nasdsl search export s1.db -o trials.parquet
        nasdsl search export s1.db -o study.db
    """,
)
@_store
# How OUT was given before there was -o; both are read.
@click.argument("second", metavar="[OUT]", required=False, type=click.Path())
@click.option("-o", "out", metavar="OUT", help="File to write: .csv, .parquet or .db.")
def export(store: str, second: str | None, out: str | None) -> None:
    """Write every trial of a search to OUT: .csv, .parquet, or .db for an Optuna study."""
    if (second is None) == (out is None):
        raise click.UsageError("Name one file to write: -o OUT.")
    from nasdsl.search.exporting import export_trials
    from nasdsl.search.store import Reader

    out = out or second or ""
    with Reader(Path(store)) as opened:
        count = export_trials(opened, Path(out))
    output.note(f"wrote {plural(count, 'trial')} to {out}")


@click.command(
    "finish",
    cls=Command,
    examples="""
        nasdsl search finish s1.db --top 5 --recipe quick --N 1 --filters 192 --out winners
        nasdsl search finish s1.db --top 250 --recipe cifar --data cifar10:data --N 6 --filters 768
    """,
)
@_store
@click.option(
    "--top",
    "count",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How many networks to train.",
)
@recipe_option("cifar")
@set_option
@click.option(
    "--data",
    metavar="DATA",
    shell_complete=complete_data,
    help="Data set to train on.  [default: that of the search, or digits]",
)
@download_option
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of every training.",
)
@click.option(
    "--out",
    metavar="DIR",
    help="Folder for runs and winners.  [default: next to the store]",
)
@click.option("--retry-failed", is_flag=True, help="Train again what failed before.")
@settings_options
@scan_option
@device_option
@precision_option
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many processes load images for each training.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many networks to train at the same time.",
)
@engine_options
@click.option(
    "--threads",
    type=click.IntRange(1),
    help="How many CPU threads each training uses.  [default: a fair share of all]",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option("Print the winners as a JSON object.")
def finish(
    store: str,
    count: int,
    out: str | None,
    settings: Settings,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Train the best networks of a search to convergence, and rank them again.

    Each network is trained in DIR/runs, in a folder named for its hash, by a process of its own.
    The winners are written to DIR/001.cell and so on, with both scores in comments. A network
    that cannot be trained is left out, with the reason.

    After an interruption, the same command continues: networks that are trained are not trained
    again. A DIR that was made with another recipe, data set, seed or network is refused.
    `nasdsl search status DIR/finish.db` shows how far it is.
    """
    # Imported here because --help should not wait for PyTorch.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.cli.search_output import failure_lines
    from nasdsl.cli.search_view import EventView
    from nasdsl.cli.train_progress import scan
    from nasdsl.search import finishing
    from nasdsl.train.execution import Execution

    folder = out or f"{store.removesuffix('.db')}-finished"
    view = EventView(quiet)
    names = ("engine", "address", "gpus", "per_gpu", "threads", "jobs")
    try:
        with interruptible():
            winners = finishing.finish(
                store,
                folder,
                count=count,
                data=flags["data"],
                recipe=flags["recipe"],
                changes=changes_of(flags),
                settings=settings,
                seed=flags["seed"],
                execution=Execution(flags["device"], workers=flags["workers"]),
                engines=finishing.Engines(**{name: flags[name] for name in names}),
                download=flags["download"],
                retry_failed=flags["retry_failed"],
                command=["nasdsl", *sys.argv[1:]],
                on_data=None if flags["no_scan"] else lambda splits: scan(splits, quiet),
                on_plan=view.open,
                on_event=view.tell,
            )
    except KeyboardInterrupt:
        view.close()
        output.note("interrupted; the same command continues each training at its last checkpoint")
        return INTERRUPTED
    finally:
        view.close()
    for winner in winners:
        output.warn(winner.findings)
    failed = finishing.failures(folder)
    output.note(f"wrote {plural(len(winners), 'file')} to {folder}")
    for line in failure_lines(failed):
        output.note(line)
    if as_json:
        members = [
            {
                "accuracy": winner.accuracy,
                "images": winner.images,
                "reward": winner.trial.reward,
                "hash": winner.trial.hash,
            }
            for winner in winners
        ]
        output.data_object(out=folder, winners=members, failures=failed)
        return OK
    for place, winner in enumerate(winners, 1):
        output.data(
            f"{place:03}.cell  {winner.accuracy:7.2%} of {winner.images} images "
            f"after {flags['recipe']}, "
            f"{winner.trial.reward:.4f} in the search, {winner.trial.hash}\n"
        )
    return OK
