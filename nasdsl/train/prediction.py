"""Classes of images, as a trained network sees them.

Purpose: from a model and image files to classes with probabilities.
Non-goals: how good they are (`nasdsl.train.model_evaluation`).
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nasdsl.errors import CellError, Diagnostic, cell_error, plural
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.parser.read import image_metadata, is_model
from nasdsl.loading import NameOrPath
from nasdsl.train.data.look import PHOTOS, Look
from nasdsl.train.model_evaluation import network_of, require_model
from nasdsl.train.planning import recorded_data
from nasdsl.train.recipe_file import recipe_at
from nasdsl.train.run_folder import MODEL, RunFolder
from nasdsl.values import Count, require_types, typed

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nasdsl.train.data.preparation import Preparation

#: How images are whitened, where neither the model nor a recipe says it.
_RECIPE = "quick"


@dataclass(frozen=True, slots=True)
class Guess:
    """A class that an image may be of.

    Attributes:
        index: of the class, from 0.
        name: of the class; its index where it has no name.
        probability: from 0 to 1.
    """

    index: int
    name: str
    probability: float


class Prediction(NamedTuple):
    """What a network sees in an image: the likeliest classes, best first."""

    path: str
    guesses: tuple[Guess, ...]


def image_paths(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The files of images: those named, and all in the folders named, in order of their names.

    Raises:
        CellError: NAS823, a folder has no images.
    """
    found: list[str] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(str(path))
            continue
        from torchvision.datasets.folder import IMG_EXTENSIONS

        inside = sorted(
            str(each) for each in path.rglob("*") if each.suffix.lower() in IMG_EXTENSIONS
        )
        if not inside:
            hint = f"image files end in {', '.join(IMG_EXTENSIONS)}"
            raise cell_error("NAS823", f"there are no images in the folder {str(path)!r}", hint)
        found += inside
    return found


@typed
def predict(
    model: str | os.PathLike[str],
    images: Iterable[str | os.PathLike[str]],
    *,
    top: Count = 5,
    network: NameOrPath | Genotype | None = None,
    recipe: str | None = None,
    names: Iterable[str] | None = None,
    batch: Count = 64,
    device: str | None = None,
) -> Iterator[Prediction]:
    """The likeliest classes of images.

    Images are prepared as in evaluation: the model file says how, or the run. For weights that
    do not, they are resized, their middle is cropped, and `recipe` whitens them.

    Args:
        model: the folder of a run, or a file of weights.
        images: files, and folders whose image files are all taken.
        top: classes of an image.
        network: whose weights they are, where the file does not say.
        recipe: whitens images where the model does not say how; a name or a `.toml` file.
        names: of the classes in order, in place of those of the model.
        batch: images at once.
        device: in PyTorch's words; by default an accelerator where there is one.

    Yields:
        A prediction for each image that can be read, in order.

    Raises:
        CellError: what `evaluate_model` raises for the model; NAS823, a folder has no images;
            NAS844, there is not a name for each class; at the end NAS824 for each file that
            cannot be read.
    """
    require_types(images=(images, Iterable))
    # What is misspelt is refused before PyTorch is imported, which takes seconds.
    require_model(model, network)
    if recipe is not None:
        recipe_at(recipe)
    from nasdsl.train.training import accelerator_for

    net = network_of(model, network)
    prepared = _preparation(model, net, recipe)
    if names is not None:
        prepared = replace(prepared, classes=tuple(names))
    classes = int(net.num_classes)  # type: ignore[arg-type]
    if (prepared.classes or names is not None) and len(prepared.classes) != classes:
        raise cell_error(
            "NAS844",
            f"the network has {plural(classes, 'class')}, and "
            f"{plural(len(prepared.classes), 'name')} for them",
        )
    paths = image_paths(images)
    net = net.to(accelerator_for(device, "fp32").device).eval()
    return _predictions(net, paths, prepared, min(top, classes), batch)


def _predictions(
    net: "nn.Module", paths: list[str], prepared: "Preparation", top: int, batch: int
) -> Iterator[Prediction]:
    import torch

    from nasdsl.train.data.image_files import read_image

    unreadable: list[Diagnostic] = []
    device = next(net.parameters()).device
    for start in range(0, len(paths), batch):
        some = paths[start : start + batch]
        seen: dict[int, Tensor] = {}
        for place, path in enumerate(some):
            try:
                seen[place] = prepared.image(read_image(path))
            except CellError as error:
                unreadable += error.diagnostics
        if not seen:
            continue
        with torch.inference_mode():
            shares = net(torch.stack(list(seen.values())).to(device)).float().softmax(1)
        best = shares.topk(top)
        rows = zip(seen, best.indices.tolist(), best.values.tolist(), strict=True)
        for place, indices, probabilities in rows:
            guesses = (
                Guess(index, prepared.classes[index] if prepared.classes else str(index), share)
                for index, share in zip(indices, probabilities, strict=True)
            )
            yield Prediction(some[place], tuple(guesses))
    if unreadable:
        raise CellError(tuple(unreadable))


def _preparation(model: str | os.PathLike[str], net: Any, recipe: str | None) -> "Preparation":
    """How images are prepared for a model."""
    from nasdsl.train.data.preparation import preparation_of, read_preparation

    folder = RunFolder(model)
    is_run = folder.path.is_dir()
    file = folder / MODEL if is_run else Path(model)
    said = image_metadata(file) if is_model(file) and file.is_file() else None
    found = None if said is None else read_preparation(said, str(file))
    if found is None and is_run:
        # A run that is not done, or was made before model files said it.
        job = folder.job()
        found = recorded_data(folder, job).preparation
    if found is not None:
        return found
    configuration = net.graph.configuration
    size, channels = configuration.image_size, configuration.input_channels
    halves = (0.5,) * channels
    look = PHOTOS if channels == len(PHOTOS.mean) else Look(halves, halves)
    return preparation_of(recipe_at(recipe or _RECIPE), look, size, 0)
