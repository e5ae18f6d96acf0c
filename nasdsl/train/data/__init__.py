"""Data: images to train on, from a short text that names them.

`datasets("cifar10:PATH", recipe)` is the one function; each source of images is a file. The public
names are listed in `__init__.pyi`, and PyTorch is imported when images are read.
"""

from nasdsl.public_names import attached

# Imported now, because the function has the name of its module.
from nasdsl.train.data.datasets import datasets as datasets

__getattr__, __dir__, __all__ = attached(__name__, __file__)
