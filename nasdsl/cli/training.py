"""What `nasdsl train` does once PyTorch is there.

Purpose: from flags to a run, from a run to what is printed about it.
Non-goals: flags (`nasdsl.cli.train`), training (`nasdsl.train`).
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from nasdsl.cli import output
from nasdsl.cli.train_progress import Bars, watcher_for_terminal
from nasdsl.errors import cell_error
from nasdsl.export.exported import network_text
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.expand import network_graph
from nasdsl.train.data import Splits, datasets
from nasdsl.train.execution import Execution
from nasdsl.train.loop import Interrupted
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe_file import recipe_at, with_changes
from nasdsl.train.results import Evaluation, Fitted
from nasdsl.train.run import is_first_process, network_settings, train_run
from nasdsl.train.run_folder import MODEL, REPORT, Job, RunFolder

_OK, _INTERRUPTED = 0, 130


def resumed(path: str) -> tuple[RunFolder, Job]:
    """A run that is there. Raises as `RunFolder.job` does."""
    folder = RunFolder(path)
    return folder, folder.job()


def begun(
    genotype: Genotype, settings: Settings, out: str, flags: dict[str, Any]
) -> tuple[RunFolder, Job, Splits]:
    """A new run, its folder written.

    Raises:
        CellError: the recipe, the data, the network or the folder are refused.
    """
    job, splits = planned(genotype, settings, flags)
    folder = RunFolder(out)
    if is_first_process():
        folder.create(job, ["nasdsl", *sys.argv[1:]])
    return folder, job, splits


def planned(genotype: Genotype, settings: Settings, flags: dict[str, Any]) -> tuple[Job, Splits]:
    """What a run would do, and its data; nothing is written.

    Raises:
        CellError: the recipe, the data or the network are refused.
    """
    chosen = with_changes(_chosen(flags), flags["changes"])
    splits = datasets(flags["data"], chosen, download=flags["download"])
    skeleton = settings.skeleton or genotype.settings.skeleton
    implied = network_settings(splits, chosen, skeleton)
    wanted = _wanted(genotype, implied, flags["changes"])
    graph = network_graph(genotype.with_settings(wanted.override(settings)))
    # What the network has is what the run's files say, whoever chose it.
    network = graph.configuration
    chosen = chosen.changed(drop_path=network.drop_path, dropout=network.dropout)
    text = network_text(graph)
    execution = Execution(
        flags["device"],
        flags["accumulation"],
        flags["compiled"],
        flags["channels_last"],
        flags["workers"],
    )
    return Job(text, flags["data"], chosen, flags["seed"], execution), splits


#: Settings that a file's network block decides, unless `--set` names the recipe's value.
_YIELDING = {
    "stem": "",
    "auxiliary": "auxiliary_weight",
    "drop_path": "drop_path",
    "dropout": "dropout",
}


def _wanted(genotype: Genotype, implied: dict[str, Any], changes: Sequence[str]) -> Settings:
    """The file's settings and those that follow from the data and the recipe."""
    named = {word.partition("=")[0].strip() for word in changes}
    own = genotype.settings.given()
    following = {
        name: value
        for name, value in implied.items()
        if not (name in _YIELDING and name in own and _YIELDING[name] not in named)
    }
    return genotype.settings.override(Settings(**following))


def _chosen(flags: dict[str, Any]) -> Recipe:
    found = recipe_at(flags["recipe"])
    return found if flags["precision"] is None else found.changed(precision=flags["precision"])


def trained(
    folder: RunFolder,
    job: Job,
    splits: Splits | None,
    *,
    save_seconds: float,
    tensorboard: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train, print the result; the exit code."""
    watchers = watcher_for_terminal(quiet) if is_first_process() else []
    try:
        fitted = train_run(
            folder,
            job,
            splits=splits,
            watchers=watchers,
            save_seconds=save_seconds,
            tensorboard=tensorboard,
        )
    except torch.OutOfMemoryError:
        raise cell_error(
            "NAS707",
            "the device has too little memory for this batch",
            f"`--accumulate {2 * job.execution.accumulation}` cuts it into smaller parts",
            "`--precision bf16` halves what each part takes",
        ) from None
    except Interrupted as interrupted:
        if is_first_process():
            output.note(f"interrupted after step {interrupted.step}; everything is saved")
            output.note(f"`nasdsl train --resume {folder.path}` goes on")
        return _INTERRUPTED
    finally:
        for watcher in watchers:
            if isinstance(watcher, Bars):
                watcher.close()
        _leave_group()
    if is_first_process():
        _print(folder, job, fitted, as_json)
    return _OK


def _print(folder: RunFolder, job: Job, fitted: Fitted, as_json: bool) -> None:
    if as_json:
        output.data_object(
            run=os.fspath(folder.path),
            seed=job.seed,
            data=job.data,
            recipe=asdict(job.recipe),
            held_out=_members(fitted.held_out),
            test=_members(fitted.test),
            steps=fitted.steps,
            epochs=len(fitted.history),
            seconds=round(fitted.seconds, 3),
            model=os.fspath(folder / MODEL),
        )
        return
    for what, found in (("held out", fitted.held_out), ("test", fitted.test)):
        if found is not None:
            accuracy = output.styled(f"{found.accuracy:.2%}", bold=True)
            output.data(f"{what:<9} {accuracy} of {found.images:,} images\n")
    output.data(f"model     {folder / MODEL}\nreport    {folder / REPORT}\n")


def _members(found: Evaluation | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _leave_group() -> None:
    """Part from the other processes as PyTorch wants it."""
    group = torch.distributed
    if group.is_available() and group.is_initialized():
        group.destroy_process_group()
