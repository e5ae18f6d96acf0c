"""`nasdsl detect`: find objects on images, and draw them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import NumberRange, device_option, json_option
from nasdsl.errors import CellError, cell_error
from nasdsl.memory import memory_errors
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.detection.drawing import FoundObject


@click.command(
    "detect",
    cls=Command,
    examples="""
        nasdsl detect runs/shapes photo.jpg -o found
        nasdsl detect runs/shapes photos --threshold 0.7 --csv > boxes.csv
        nasdsl detect model.safetensors photo.jpg --json
    """,
)
@click.argument("model", metavar="MODEL", type=click.Path())
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o", "--out", metavar="FOLDER", type=click.Path(), help="Write the images with boxes there."
)
@click.option(
    "--threshold",
    type=NumberRange(0, 1),
    default=0.5,
    show_default=True,
    help="Least score of what is shown.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a line for each object.")
@json_option()
@device_option
def command(
    model: str,
    images: tuple[str, ...],
    out: str | None,
    threshold: float,
    as_csv: bool,
    as_json: bool,
    device: str | None,
) -> int:
    """Find objects on images with a trained detector, and draw boxes around them.

    MODEL is the folder of a run of `nasdsl train --task detection`, or its model.safetensors.
    IMAGE is an image file, or a folder: all image files in it are taken. Boxes are x1, y1, x2, y2
    in pixels from the upper left corner.

    Images that cannot be read are reported after the others; the exit code is then 2.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of one answer; choose one.")
    path = Path(model)
    file = path / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise cell_error(
            "NAS001",
            f"{model!r} has no trained detector",
            "`nasdsl train --task detection` makes one",
        )
    paths = _files(images)
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.detection.drawing import found_objects, write_drawing
    from nasdsl.detection.inference import usable_device
    from nasdsl.detection.model_file import read_detector

    chosen = usable_device(device)
    trained = read_detector(file)
    trained.detector.to(chosen)
    answers: dict[str, list[FoundObject]] = {}
    failures: list[CellError] = []
    taken = {_place(each) for each in paths}
    with memory_errors("`--device cpu` looks at them on the CPU", what="these images"):
        for each in paths:
            try:
                found = found_objects(trained, each, chosen, threshold)
            except CellError as error:
                failures.append(error)
                continue
            answers[each] = found
            if out is not None:
                write_drawing(each, found, _free_path(Path(out), Path(each).stem, taken))
    _print(answers, as_csv, as_json)
    output.report([finding for failure in failures for finding in failure.diagnostics])
    return output.USAGE if failures else output.OK


_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")


def _files(images: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for each in images:
        if not os.path.isdir(each):
            found.append(each)
            continue
        inside = sorted(n for n in os.listdir(each) if n.lower().endswith(_SUFFIXES))
        if not inside:
            raise cell_error("NAS823", f"{each!r} has no images")
        found += [os.path.join(each, name) for name in inside]
    return found


def _free_path(folder: Path, stem: str, taken: set[str]) -> Path:
    """Where a drawing goes: to no other one, and to none of the images that were looked at.

    Images of different folders may have one name, and FOLDER may be theirs.
    """
    path, number = folder / f"{stem}.png", 1
    while _place(path) in taken:
        number += 1
        path = folder / f"{stem}-{number}.png"
    taken.add(_place(path))
    return path


def _place(path: str | os.PathLike[str]) -> str:
    # Without capitals, because some file systems do not tell them from small letters.
    return os.path.realpath(path).casefold()


def _print(answers: "dict[str, list[FoundObject]]", as_csv: bool, as_json: bool) -> None:
    if as_json:
        output.data_object(
            images=[
                {"image": path, "objects": [each._asdict() for each in found]}
                for path, found in answers.items()
            ]
        )
        return
    if as_csv:
        output.data_csv(_rows(answers))
        return
    for path, found in answers.items():
        output.data(f"{visible(path)}\n")
        for each in found:
            box = " ".join(f"{value:.0f}" for value in each.box)
            output.data(f"  {each.score:4.0%}  {visible(each.label)}  {box}\n")
        if not found:
            output.data("  nothing\n")


def _rows(answers: "dict[str, list[FoundObject]]") -> Iterator[Sequence[object]]:
    yield "image", "label", "score", "x1", "y1", "x2", "y2"
    for path, found in answers.items():
        for each in found:
            yield path, each.label, f"{each.score:.4f}", *(f"{value:.1f}" for value in each.box)
