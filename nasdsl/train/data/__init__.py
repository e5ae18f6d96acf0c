"""Data: images to train on, from a short text that names them.

Purpose: `datasets("cifar10:PATH", recipe)`.
Non-goals: other data than classified images.
"""

from nasdsl.train.data.datasets import datasets
from nasdsl.train.data.source import ImageSet, Source
from nasdsl.train.data.splits import Images, Splits, Stacked
from nasdsl.train.data.views import Look

__all__ = ["ImageSet", "Images", "Look", "Source", "Splits", "Stacked", "datasets"]
