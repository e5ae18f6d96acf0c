"""`nasdsl predict`: classes of images."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_file, complete_recipe
from nasdsl.cli.options import device_option, json_option
from nasdsl.errors import CellError, cell_error
from nasdsl.language.parser.read import image_metadata, is_model, read_file
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.train.prediction import Prediction


@click.command(
    "predict",
    cls=Command,
    examples="""
        nasdsl predict runs/flowers photo.jpg
        nasdsl predict model.safetensors photos --top 1 --csv > classes.csv
        nasdsl predict slim.npz photo.jpg --network nasnet_a_large --recipe imagenet
    """,
)
@click.argument("model", metavar="MODEL", type=click.Path())
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="How many classes to print for each image.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a line for each class.")
@json_option()
@click.option(
    "--names",
    metavar="FILE",
    type=click.Path(),
    help="Names of the classes, one per line.  [default: those of MODEL, or numbers from 0]",
)
@click.option(
    "--network",
    metavar="FILE",
    shell_complete=complete_file,
    help="Network that the weights belong to, if their file does not say.",
)
@click.option(
    "--recipe",
    metavar="NAME",
    shell_complete=complete_recipe,
    help="Recipe by which images are whitened, if MODEL does not say how.  [default: quick]",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="How many images to evaluate at once.",
)
@device_option
def command(
    model: str,
    images: tuple[str, ...],
    top: int,
    as_csv: bool,
    as_json: bool,
    names: str | None,
    network: str | None,
    recipe: str | None,
    batch: int,
    device: str | None,
) -> int:
    """Print the likeliest classes of images, with their probabilities.

    MODEL is the folder of a run, a .safetensors file written by nasdsl or, with --network, any
    file that `nasdsl compile --weights` can read. IMAGE is an image file, or a folder: all image
    files in it are taken. Images are prepared as in the evaluation after the training, and
    classes have the names of the data set.

    Images that cannot be read are reported after the others; the exit code is then 2.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json cannot be combined.")
    for path in (model, *images):
        if not Path(path).exists():
            raise cell_error("NAS001", f"no such file: {path!r}")
    if recipe is not None and (Path(model).is_dir() or (is_model(model) and image_metadata(model))):
        raise click.UsageError("--recipe: MODEL says itself how images are prepared.")
    known = None if names is None else read_file(names).text.splitlines()
    # Imported here because --help and mistakes should not wait for PyTorch.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.train.prediction import predict

    found: list[Prediction] = []
    code = output.OK
    try:
        for prediction in predict(
            model,
            images,
            top=top,
            network=network,
            recipe=recipe,
            names=known,
            batch=batch,
            device=device,
        ):
            found.append(prediction)
            if not (as_csv or as_json):
                output.data(_lines(prediction))
    except CellError as error:
        if any(finding.code != "NAS824" for finding in error.diagnostics):
            raise
        output.report(error.diagnostics)
        code = output.USAGE
    if as_csv:
        output.data_csv(_rows(found))
    elif as_json:
        output.data_object(predictions=[_members(prediction) for prediction in found])
    return code


def _lines(prediction: "Prediction") -> str:
    """The path, and a line for each class below it."""
    width = max(len(visible(guess.name)) for guess in prediction.guesses)
    lines = [click.style(visible(prediction.path), bold=True)]
    lines += [
        f"  {visible(guess.name):<{width}}  {guess.probability:7.2%}"
        for guess in prediction.guesses
    ]
    return "".join(f"{line}\n" for line in lines)


def _rows(found: Sequence["Prediction"]) -> Iterator[Sequence[object]]:
    yield "path", "rank", "class", "name", "probability"
    for prediction in found:
        for rank, guess in enumerate(prediction.guesses, 1):
            yield prediction.path, rank, guess.index, guess.name, f"{guess.probability:.6g}"


def _members(prediction: "Prediction") -> dict[str, object]:
    guesses = [
        {"class": guess.index, "name": guess.name, "probability": guess.probability}
        for guess in prediction.guesses
    ]
    return {"path": prediction.path, "classes": guesses}
