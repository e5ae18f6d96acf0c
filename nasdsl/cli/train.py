"""`nasdsl train`: train a network, or go on with a run."""

from typing import Any

import click

from nasdsl.cli import reading
from nasdsl.cli.arguments import complete_file, json_option
from nasdsl.cli.command import Command
from nasdsl.cli.settings_flags import ops_option, settings_options
from nasdsl.language.genotype.settings import Settings

#: What a run that goes on has from its folder.
_RUN_FLAGS = (
    *("data", "recipe", "changes", "seed", "out", "download", "device", "precision"),
    *("accumulation", "compiled", "channels_last", "workers"),
)


@click.command(
    "train",
    cls=Command,
    examples="""
        nasdsl train nasnet_a --N 1 --filters 96 --out runs/digits
        nasdsl train my.cell --data cifar10:data --recipe cifar --N 6 --filters 768 --out runs/c10
        nasdsl train my.cell --recipe quick --set epochs=100 --set lr=0.05 --out runs/longer
        nasdsl train --resume runs/c10
    """,
)
@click.argument("file", required=False, metavar="[FILE]", shell_complete=complete_file)
@click.option(
    "--data",
    default="digits",
    show_default=True,
    metavar="DATA",
    help="digits, cifar10:PATH, cifar100:PATH, imagefolder:PATH, imagenet:PATH or fake.",
)
@click.option(
    "--recipe",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="cifar, imagenet, search, quick, or a .toml file.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a value of the recipe."
)
@click.option("--out", metavar="RUN", type=click.Path(), help="A new folder for the run.")
@click.option(
    "--resume", metavar="RUN", type=click.Path(), help="Go on with a run that was stopped."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Draws weights, the order of images, all that is random.",
)
@settings_options
@ops_option
@click.option("--download", is_flag=True, help="Fetch the data set where it is missing.")
@click.option("--device", help="cpu, cuda, mps; by default an accelerator where there is one.")
@click.option(
    "--precision", type=click.Choice(["fp32", "bf16"]), help="bf16: automatic mixed precision."
)
@click.option(
    "--accumulate",
    "accumulation",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Parts a batch is cut into, to save memory.",
)
@click.option("--compile", "compiled", is_flag=True, help="Use torch.compile.")
@click.option("--channels-last", is_flag=True, help="Keep tensors in channels_last.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that load images.")
@click.option(
    "--save-minutes",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    help="Between checkpoints within an epoch.",
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
    """Train a network by a recipe, and keep everything about it in a folder.

    FILE's network takes its classes, channels and image size from the data; flags and the
    file's network block say the rest. RUN gets the network's text, the resolved recipe,
    checkpoints, metrics.jsonl, the trained model.safetensors and a report.md with curves.

    Ctrl-C saves and stops with exit code 130; --resume RUN goes on as if nothing had
    happened. With torchrun the processes share each batch.
    """
    # Imported here because --help should not wait for PyTorch.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.cli import training

    if resume is not None:
        _refuse_with_resume(context, file, settings)
        folder, job = training.resumed(resume)
        splits = None
    elif file is None or out is None:
        raise click.UsageError("FILE and --out RUN begin a run, --resume RUN goes on with one.")
    else:
        genotype = reading.genotype(file, flags.pop("ops"))
        folder, job, splits = training.begun(genotype, settings, out, flags)
    return training.trained(
        folder,
        job,
        splits,
        save_seconds=60 * save_minutes,
        tensorboard=not no_tensorboard,
        quiet=quiet,
        as_json=as_json,
    )


def _refuse_with_resume(context: click.Context, file: str | None, settings: Settings) -> None:
    """A run goes on as it began: what would change it is refused."""
    default = click.core.ParameterSource.DEFAULT
    given = [name for name in _RUN_FLAGS if context.get_parameter_source(name) is not default]
    given += list(settings.given()) + (["FILE"] if file is not None else [])
    if given:
        raise click.UsageError(f"--resume goes on as the run began; {given[0]} would change it.")
