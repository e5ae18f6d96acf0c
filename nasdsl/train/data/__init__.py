"""Data: images to train on, from a short text that names them.

`datasets("cifar10:PATH", recipe)` is the one function; each source of images is a file.
"""

from nasdsl.train.data.datasets import datasets
from nasdsl.train.data.image_files import image_files, require_readable
from nasdsl.train.data.source import ImageSet, Source
from nasdsl.train.data.splits import Images, Splits, Stacked
from nasdsl.train.data.transforms import Look

__all__ = [
    "ImageSet",
    "Images",
    "Look",
    "Source",
    "Splits",
    "Stacked",
    "datasets",
    "image_files",
    "require_readable",
]
