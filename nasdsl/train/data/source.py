"""What a data set is: a `DataSource`, which gives an `ImageSet`.

They are found by name in `nasdsl.train.data_sets`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nasdsl.errors import cell_error
from nasdsl.train.data.look import Look


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


class DataSource(Protocol):
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


def folder(name: str, where: str) -> str:
    """The path that follows the name of a data set.

    Raises:
        CellError: NAS825, there is none.
    """
    if not where:
        raise cell_error("NAS825", f"`{name}` needs a folder", f"write `{name}:PATH`")
    return where
