"""`nasdsl train`: train a network, or continue a run."""

from typing import Any

import click

from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_data, complete_file, complete_installed, forms, installed
from nasdsl.cli.options import (
    NumberRange,
    Words,
    device_option,
    download_option,
    is_given,
    json_option,
    ops_option,
    precision_option,
    recipe_option,
    scan_option,
    set_option,
    settings_options,
    weights_options,
    workers_option,
)
from nasdsl.cli.seeds import seeds_of
from nasdsl.language.genotype.settings import Settings

#: Parameters that a resumed run takes from its folder.
_RUN_FLAGS = (
    *("data", "recipe", "changes", "seed", "out", "download", "device", "precision"),
    *("accumulation", "compiled", "channels_last", "workers", "cuda_graph"),
    *("seeds", "weights", "layout", "drop_background", "reset_classifier", "loggers", "ops"),
)


@click.command(
    "train",
    cls=Command,
    examples="""
        nasdsl train nasnet_a --N 1 --filters 96 --out runs/digits
        nasdsl train my.cell --data cifar10:data --recipe cifar --N 6 --filters 768 --out runs/c10
        nasdsl train nasnet_a_mobile --data imagenet:data --recipe imagenet_mobile --out runs/mobile
        nasdsl train my.cell --recipe quick --set epochs=100 --set lr=0.05 --out runs/longer
        nasdsl train my.cell --N 1 --filters 192 --seeds 5 --out runs/five
        nasdsl train my.cell --data imagefolder:pets --weights w.pth --reset-classifier --out runs/p
        nasdsl train my.cell --task detection --data coco:shapes --N 1 --cell-filters 8 --out runs/s
        nasdsl train --resume runs/c10
    """,
)
@click.argument("file", required=False, metavar="[FILE]", shell_complete=complete_file)
@click.option(
    "--data",
    default="digits",
    show_default=True,
    metavar="DATA",
    shell_complete=complete_data,
    help=f"Data set: {', '.join(forms('datasets'))}.",
)
@click.option(
    "--task",
    type=Words(("classification", "detection")),
    default="classification",
    show_default=True,
    help="Task: classification, or detection, a Faster R-CNN on --data coco:DIR.",
)
@recipe_option("quick")
@set_option
@click.option("--out", metavar="RUN", type=click.Path(), help="New folder for the run.")
@click.option("--resume", metavar="RUN", type=click.Path(), help="Continue the run in this folder.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of everything that is random: weights, order of images, augmentation.",
)
@click.option(
    "--seeds",
    metavar="SEEDS",
    callback=seeds_of,
    help="Train once with each of several seeds: how many from --seed on, or 3-7, or 1,4,9.",
)
@weights_options("File of weights to start from, such as a published checkpoint.")
@click.option(
    "--reset-classifier",
    is_flag=True,
    help="Load everything in --weights except the classifier, which is drawn at random.",
)
@settings_options
@ops_option
@download_option
@scan_option
@device_option
@precision_option
@click.option(
    "--accumulate",
    "accumulation",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Cut each batch into this many parts, to save memory.",
)
@click.option("--compile", "compiled", is_flag=True, help="Use torch.compile.")
@click.option(
    "--channels-last",
    is_flag=True,
    help="Keep tensors in the channels_last format, which is faster on a CPU.",
)
@click.option(
    "--cuda-graph",
    is_flag=True,
    help="Record the training step on a GPU and replay it, which is faster for small networks.",
)
@workers_option
@click.option(
    "--save-minutes",
    type=NumberRange(0),
    default=10,
    show_default=True,
    help="Minutes between checkpoints within an epoch.",
)
@click.option(
    "--log",
    "loggers",
    metavar="LOGGER",
    multiple=True,
    shell_complete=complete_installed("loggers"),
    help="Also send the metrics to this logger; may be repeated. Installed: "
    f"{', '.join(installed('loggers'))}.",
)
@click.option("--no-tensorboard", is_flag=True, help="Write no scalars for TensorBoard.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option("Print the result as a JSON object.")
@click.pass_context
def command(
    context: click.Context,
    /,
    file: str | None,
    out: str | None,
    resume: str | None,
    settings: Settings,
    save_minutes: float,
    no_tensorboard: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Train a network by a recipe and save the run in a folder.

    The data set determines the classes and channels of the network. For everything else, flags
    take precedence over the network block of FILE, and FILE over the recipe. RUN will contain
    the text of the network, the recipe with every value, checkpoints, metrics.jsonl, the trained
    model.safetensors, and report.md with the curves.

    With --task detection, a Faster R-CNN is trained on a folder in COCO's format; its recipes are
    detection_quick and detection, the released one.

    With --seeds, RUN contains a run for each seed, and a report with the mean and the deviation
    of their results.

    Ctrl-C saves a checkpoint and stops with exit code 130; --resume RUN then continues as if
    nothing had happened. Under torchrun the processes share each batch.
    """
    if no_tensorboard and "tensorboard" in flags["loggers"]:
        raise click.UsageError("--log tensorboard and --no-tensorboard contradict each other.")
    if isinstance(flags["seeds"], tuple) and is_given(context, "seed"):
        raise click.UsageError("--seeds says which seeds there are; leave out --seed.")
    task = flags.pop("task")
    if task == "detection" or (resume is not None and _is_detection(resume)):
        return _detector(
            context,
            file=file,
            settings=settings,
            out=out,
            resume=resume,
            save_minutes=save_minutes,
            tensorboard=not no_tensorboard,
            quiet=quiet,
            as_json=as_json,
            **flags,
        )
    if resume is not None:
        _refuse_with_resume(context, file, settings)
    elif file is None or out is None:
        raise click.UsageError("FILE and --out RUN start a run; --resume RUN continues one.")
    _require_weights(context, flags["weights"])
    # Imported here because --help should not wait for it.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.cli import train_runs

    return train_runs.train(
        file,
        settings,
        out,
        resume,
        save_minutes=save_minutes,
        tensorboard=not no_tensorboard,
        quiet=quiet,
        as_json=as_json,
        **flags,
    )


def _is_detection(path: str) -> bool:
    """Whether a run trains a detector; looked at before anything heavy is imported."""
    from nasdsl.detection.run_kind import is_detection_run

    return is_detection_run(path)


def _detector(
    context: click.Context,
    /,
    file: str | None,
    settings: Settings,
    resume: str | None,
    **flags: Any,
) -> int:
    """The same for a detector."""
    from nasdsl.cli import train_detection

    options = {each.name: each.opts for each in context.command.params}
    for name in train_detection.NOT_FOR_DETECTORS:
        if is_given(context, name):
            raise click.UsageError(f"{options[name][0]} does not apply to --task detection.")
    if resume is not None:
        _refuse_with_resume(context, file, settings)
    elif file is None or flags["out"] is None:
        raise click.UsageError("FILE and --out RUN start a run; --resume RUN continues one.")
    elif not is_given(context, "data"):
        raise click.UsageError("--task detection requires --data coco:DIR.")
    _require_weights(context, flags["weights"])
    if not is_given(context, "recipe"):
        flags["recipe"] = None
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    return train_detection.train(file, settings, resume=resume, **flags)


def _require_weights(context: click.Context, weights: str | None) -> None:
    """Refuse flags about weights that are not there."""
    for name in ("layout", "drop_background", "reset_classifier"):
        if weights is None and is_given(context, name):
            raise click.UsageError(f"--{name.replace('_', '-')} requires --weights.")


def _refuse_with_resume(context: click.Context, file: str | None, settings: Settings) -> None:
    """A run continues as it began: what would change it is refused."""
    options = {each.name: each.opts for each in context.command.params}
    given = [options[name][0] for name in _RUN_FLAGS if is_given(context, name)]
    given += [options[name][0] for name in settings.given()]
    if file is not None:
        given.append("FILE")
    if given:
        raise click.UsageError(
            f"--resume continues the run as it began, and {given[0]} would change it."
        )
