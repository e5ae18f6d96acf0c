"""Data sets by name.

A data set is found through an entry point `nasdsl.datasets`, which leads to a `Source`; calling
that gives an `ImageSet`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nasdsl.errors import cell_error
from nasdsl.registry import Registry
from nasdsl.train.data.transforms import Look


@dataclass(frozen=True, slots=True)
class ImageSet:
    """The images of a data set.

    Attributes:
        train: pairs by index of an image and its class, from 0. Images are bytes
            (C, H, W), as `nasdsl.train.data.splits.Stacked` has them, or PIL's, where they
            are of several sizes.
        test: the same, or None where there are none.
        labels: the classes of `train`, in order.
        classes: number of classes.
        look: what the images have in common.
        native: pixels a side of all images; 0 where they differ.
        names: of the classes, in order; empty where they have none.
        folder: where the images are, as it was asked for; empty where they are in no folder.
    """

    train: Any
    test: Any
    labels: Sequence[int]
    classes: int
    look: Look
    native: int
    names: tuple[str, ...] = ()
    folder: str = ""


class Source(Protocol):
    """What an entry point of the group `nasdsl.datasets` leads to."""

    def __call__(self, where: str, *, image_size: int, download: bool) -> ImageSet:
        """The images.

        Args:
            where: the text after the name: `PATH` in `cifar10:PATH`; empty if there is none.
            image_size: pixels a side that the recipe asks for, 0 for none; images are resized
                to it afterwards.
            download: download what is missing.

        Raises:
            CellError: NAS825 for `where`; NAS823 and NAS824 where files are missing or damaged.
        """
        ...


#: The installed data sets.
DATA_SETS: Registry[Source] = Registry(
    kind="data set",
    group="nasdsl.datasets",
    type=Callable,  # type: ignore[arg-type]
    unknown="NAS825",
    extra="train",
    requirement="a data set is a callable `(where, *, image_size, download)` to an `ImageSet`",
    first=("digits", "cifar10", "cifar100", "imagefolder", "imagenet", "fake"),
    list_of_all="there are",
)


def folder(name: str, where: str) -> str:
    """The path that follows the name of a data set.

    Raises:
        CellError: NAS825, there is none.
    """
    if not where:
        raise cell_error("NAS825", f"`{name}` needs a folder", f"write `{name}:PATH`")
    return where
