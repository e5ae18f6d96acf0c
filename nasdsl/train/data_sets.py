"""The installed data sets by name; none is imported before it is asked for.

A data set is found through an entry point `nasdsl.datasets`, which leads to a
`nasdsl.train.data.DataSource`. This is outside that package so that a name can be looked up without
PyTorch.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nasdsl.registry import Registry

if TYPE_CHECKING:
    from nasdsl.train.data import DataSource

#: The installed data sets.
DATA_SETS: "Registry[DataSource]" = Registry(
    kind="data set",
    group="nasdsl.datasets",
    type=Callable,  # type: ignore[arg-type]
    unknown="NAS825",
    extra="train",
    requirement="a data set is a callable `(where, *, image_size, download)` to an `ImageSet`",
    first=("digits", "cifar10", "cifar100", "fashion-mnist", "imagefolder", "imagenet", "fake"),
    list_of_all="there are",
)
